// resolv.conf and hosts: the host's appear where the container wants them (§1.4 of the format).
import { closeSync, openSync, statSync } from 'node:fs';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import { inRoot } from '../build/in-root.ts';
import { backingOf } from './mount-points.ts';
import { type MountPlace, VolumeError } from './place.ts';

/** Links of the image are followed as it would: they often lead to a place that is filled at run time. */
function followed(rootPath: string, target: string): string {
  const path = inRoot(rootPath, target).slice(rootPath.length);
  return path.startsWith('/') ? path : `/${path}`;
}

/** Is there a file to mount on, or can the engine make one? Makes it where others will find it too. */
function ensureFile(place: MountPlace, target: string, mounts: readonly SandboxMount[]): boolean {
  const backing = backingOf(place.rootPath, target, mounts);
  if (backing.kind === 'fresh') return true;
  const found = statSync(backing.path, { throwIfNoEntry: false });
  if (found !== undefined) return found.isFile();
  if (backing.readonly && !place.writableRoot) return false;
  try {
    closeSync(openSync(backing.path, 'a', 0o644));
    return true;
  } catch {
    return false;
  }
}

function hostFile(
  place: MountPlace,
  key: string,
  source: string,
  target: string | null,
  mounts: readonly SandboxMount[],
): SandboxMount[] {
  if (target === null || mounts.some(mount => mount.target === target)) return [];
  if (statSync(source, { throwIfNoEntry: false })?.isFile() !== true) return [];
  const path = followed(place.rootPath, target);
  if (ensureFile(place, path, mounts)) return [{ type: 'bind', source, target: path, readonly: true }];
  // Nothing but its data is left of such an image; whoever looks into it needs no names.
  if (place.container.dataDirs.length > 0) return [];
  throw new VolumeError(
    `${key} ${target}: the image has no such file and it cannot be made there; write \`${key}: null\` if nobody needs it`,
  );
}

/** `mounts`: everything else. */
export function hostFiles(place: MountPlace, mounts: readonly SandboxMount[]): SandboxMount[] {
  const { resolvConfPath, hostsFilePath } = place.container;
  return [
    ...hostFile(place, 'resolv-conf-path', place.resolvConf ?? '/etc/resolv.conf', resolvConfPath, mounts),
    ...hostFile(place, 'hosts-file-path', '/etc/hosts', hostsFilePath, mounts),
  ];
}
