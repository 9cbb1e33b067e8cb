// Ids that volumes name are those of the container; files get the ids that these are in our own namespace.
import { outsideOf } from '../../core/ids/process-user.ts';
import { containerIds, identityMaps, type WantedIds } from '../../core/ids/session.ts';
import { currentIds } from '../namespace/current.ts';
import { VolumeError } from './place.ts';

/** With one id only, everything is ours. */
export function ownId(kind: 'uids' | 'gids', id: number, container: WantedIds): number {
  const { ids } = currentIds();
  if (ids.kind === 'single') return 0;
  const found = containerIds(ids, container);
  if (!found.ok) throw new VolumeError(found.message);
  const own = outsideOf((found.nested ?? identityMaps(ids))[kind], id);
  if (own === undefined) throw new VolumeError(`${id} is not one of the ${kind} of the container`);
  return own;
}
