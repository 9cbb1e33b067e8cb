// Directories of `!Persistent`: made beside their place, so that one that is there is whole and has its owner.
import { chownSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { WantedIds } from '../../core/ids/session.ts';
import type { Layout } from '../image/layout.ts';
import { ownId } from './owners.ts';

interface Owned {
  readonly name: string;
  /** Ids of the container. */
  readonly ownerUid: number;
  readonly ownerGid: number;
}

const unfinishedVolume = (layout: Layout, name: string): string => join(layout.volumes, `.tmp.${name}`);

/** Empty, whatever an earlier attempt has left. */
export function makeUnfinished(layout: Layout, volume: Owned, container: WantedIds): string {
  const path = unfinishedVolume(layout, volume.name);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true, mode: 0o755 });
  chownSync(path, ownId('uids', volume.ownerUid, container), ownId('gids', volume.ownerGid, container));
  return path;
}

export function createPersistent(layout: Layout, volume: Owned, container: WantedIds): string {
  const path = layout.volume(volume.name);
  renameSync(makeUnfinished(layout, volume, container), path);
  return path;
}
