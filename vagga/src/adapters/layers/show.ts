// Images that were built just now, shown by an overlay of their layers until their plain directory is there. Only this process
// and those it starts see it; nothing is left of it when they have ended.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { mount, privateMounts } from '@suite/shared/linux/mount.ts';
import type { Layout } from '../image/layout.ts';
import { marksOf } from './marks.ts';
import { mountStack } from './overlay.ts';

/** Holds empty directories only. */
const MOUNT_POINTS_BYTES = 65_536;

let isPrivate = false;
const prepared = new Set<string>();
let counter = 0;

/** To be called before anything may use a thread of libuv; see `privateMounts`. */
export function separateMounts(): void {
  if (!isPrivate) privateMounts();
  isPrivate = true;
}

/** A new empty directory for one mount. */
export function newMountPoint(layout: Layout): string {
  if (!prepared.has(layout.mounts)) {
    mkdirSync(layout.mounts, { recursive: true });
    const data = `size=${MOUNT_POINTS_BYTES},mode=755`;
    mount({ source: 'tmpfs', target: layout.mounts, type: 'tmpfs', data });
    prepared.add(layout.mounts);
  }
  const path = join(layout.mounts, `${++counter}`);
  mkdirSync(path);
  return path;
}

/** False where the kernel shows no overlay: then whoever needs the image waits for its directory. */
export function showImage(layout: Layout, name: string, hash: string, layers: readonly string[]): boolean {
  if ((process.env.VAGGA_LAYERS ?? 'overlay') !== 'overlay' || marksOf(layout.layers) === 'names')
    return false;
  try {
    const path = newMountPoint(layout);
    mountStack(path, layers, layout.layers);
    layout.showAt(name, hash, path);
    return true;
  } catch {
    return false;
  }
}
