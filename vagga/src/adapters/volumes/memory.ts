// File systems in memory that are filled before a container gets them. Only this process and those it starts see them.
import { spawnSync } from 'node:child_process';
import { chmodSync, lchownSync, lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mount, umount } from '@suite/shared/linux/mount.ts';
import type { PlannedSnapshot, PlannedTmpfs } from '../../core/volumes/mounts.ts';
import { inRoot } from '../build/in-root.ts';
import type { Layout } from '../image/layout.ts';
import { newMountPoint, separateMounts } from '../layers/show.ts';
import { ownId } from './owners.ts';
import { containerRoot, type MountPlace, VolumeError } from './place.ts';

interface Memory {
  readonly sizeBytes: number;
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
}

function mountMemory(layout: Layout, { sizeBytes, mode, uid = 0, gid = 0 }: Memory): string {
  separateMounts();
  const path = newMountPoint(layout);
  const data = `size=${sizeBytes},mode=${mode.toString(8)},uid=${uid},gid=${gid}`;
  mount({ source: 'tmpfs', target: path, type: 'tmpfs', flags: ['nosuid', 'nodev'], data });
  return path;
}

/** Nothing stays mounted when it cannot be filled. */
function filled(layout: Layout, target: string, memory: Memory, fill: (path: string) => void): string {
  const path = mountMemory(layout, memory);
  try {
    fill(path);
    return path;
  } catch (error) {
    umount(path, true);
    throw error instanceof VolumeError
      ? error
      : new VolumeError(`volume ${target}: ${(error as Error).message}`);
  }
}

export function filledTmpfs(layout: Layout, mount: PlannedTmpfs): string {
  return filled(layout, mount.target, mount, root => {
    for (const { path, mode } of mount.directories) {
      const directory = join(root, path);
      mkdirSync(directory);
      // The mode of mkdir would be cut by our umask.
      chmodSync(directory, mode);
    }
    for (const { path, text } of mount.files) writeFileSync(join(root, path), text, { mode: 0o644 });
  });
}

/** All below `directory`. Changing the owner takes the bits away that let a program run as it. */
function giveTo(directory: string, uid: number | undefined, gid: number | undefined): void {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const stat = lstatSync(path);
    lchownSync(path, uid ?? stat.uid, gid ?? stat.gid);
    if (!stat.isSymbolicLink()) chmodSync(path, stat.mode & 0o7777);
    if (stat.isDirectory()) giveTo(path, uid, gid);
  }
}

/** With links, owners, times and attributes as they are. */
function copyTree(source: string, target: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', '--', `${source}/.`, target], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr.trim().split('\n').at(-1) ?? `cp ended with ${status}`);
}

/** The mount point's own mode and owner, and a copy of what the image has there. */
export function snapshotMemory(snapshot: PlannedSnapshot, place: MountPlace): string {
  const { target, sizeBytes, container, ownerUid, ownerGid } = snapshot;
  const from = container === undefined ? place.rootPath : containerRoot(place.layout, container);
  const source = inRoot(from, target);
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new VolumeError(
      `volume ${target}: container ${JSON.stringify(container ?? '')} has no such directory`,
    );
  const point = statSync(inRoot(place.rootPath, target), { throwIfNoEntry: false }) ?? statSync(source);
  const { uid, gid, mode } = point;
  return filled(place.layout, target, { sizeBytes, mode: mode & 0o7777, uid, gid }, path => {
    copyTree(source, path);
    // Copying set those of the source.
    lchownSync(path, uid, gid);
    chmodSync(path, mode & 0o7777);
    if (ownerUid === undefined && ownerGid === undefined) return;
    const id = (kind: 'uids' | 'gids', wanted: number | undefined) =>
      wanted === undefined ? undefined : ownId(kind, wanted, place.container);
    giveTo(path, id('uids', ownerUid), id('gids', ownerGid));
  });
}
