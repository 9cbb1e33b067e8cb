// What is built already.
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { containerIds, type WantedIds } from '../../core/ids/session.ts';
import { currentIds } from '../namespace/current.ts';
import { flushedOf, isFlushOverdue } from '../storage/flush-marks.ts';
import type { Layout } from './layout.ts';

/** Built, and with the ids the container would have now? Files of another mapping would belong to strangers. */
export function isBuilt(layout: Layout, name: string, hash: string, wanted: WantedIds): boolean {
  return builtState(layout, name, hash, wanted) === 'built';
}

/** `pending`: built, and only its plain directory is not there yet. `lost`: the machine went down before it was on the disk. */
export type BuiltState = 'built' | 'pending' | 'absent' | 'other-ids' | 'lost';

/** About a container, for people. */
export const LOST =
  'was built right before this machine went down: what was not on the disk yet may be damaged';

export function builtState(layout: Layout, name: string, hash: string, wanted: WantedIds): BuiltState {
  const image = layout.image(name, hash);
  const saved = (file: string) => readFileSync(join(image, file), 'utf8');
  const ids = containerIds(currentIds().ids, wanted);
  if (flushedOf(image) === 'lost') return 'lost';
  try {
    const uidMap = saved('uid_map');
    if (!ids.ok || uidMap !== ids.uidMap || saved('gid_map') !== ids.gidMap) return 'other-ids';
    return existsSync(join(image, 'root')) ? 'built' : 'pending';
  } catch {
    return 'absent';
  }
}

/** Is this version the one that `.vagga/NAME` points to? */
export function isCurrent(layout: Layout, name: string, hash: string): boolean {
  return currentVersion(layout, name) === hash.slice(0, 8);
}

/** Current, built, and nothing is left to do about it: a start needs no more of the program than starting takes. */
export function isSettled(layout: Layout, name: string, hash: string, wanted: WantedIds): boolean {
  if (!isCurrent(layout, name, hash) || !isBuilt(layout, name, hash, wanted)) return false;
  return !isFlushOverdue(layout.image(name, hash));
}

/** Short hash of the version that `.vagga/NAME` points to. */
export function currentVersion(layout: Layout, name: string): string | undefined {
  try {
    const target = readlinkSync(layout.link(name));
    const hash = /\.([0-9a-f]{8})\/root$/.exec(target)?.[1];
    return hash !== undefined && target === layout.linkTarget(name, hash) ? hash : undefined;
  } catch {
    return undefined;
  }
}
