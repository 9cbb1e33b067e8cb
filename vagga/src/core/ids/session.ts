// Whose ids the processes of one vagga have, and what that means for a container.
import { DEFAULT_IDS } from '../../config/defaults.ts';
import type { IdRange } from '../../config/model.ts';
import {
  type IdMap,
  isIdentity,
  layOver,
  mapText,
  parseMap,
  requiredCount,
  type UserIds,
  wholeMap,
  within,
} from './maps.ts';

/**
 * `real`: the ids we were started with, no namespace of ours (root).
 * `mapped`: a user namespace in which we are 0 and the subordinate ids follow.
 * `single`: a user namespace with one id only, because there are no subordinate ones.
 */
export type SessionIds =
  | { readonly kind: 'real'; readonly uidMap: string; readonly gidMap: string }
  | {
      readonly kind: 'mapped';
      readonly uids: UserIds;
      readonly gids: UserIds;
      /** Only the ids of containers that want just these; absent: all that the user has. */
      readonly only?: WantedIds;
    }
  | { readonly kind: 'single'; readonly uid: number; readonly gid: number; readonly reason: string };

export interface Maps {
  readonly uids: IdMap;
  readonly gids: IdMap;
}

/** What the user namespace of the session is made of; undefined: there is none. */
export function sessionMaps(ids: SessionIds): Maps | undefined {
  if (ids.kind === 'real') return undefined;
  if (ids.kind === 'mapped') {
    const { uids, gids, only } = ids;
    if (only === undefined) return { uids: wholeMap(uids), gids: wholeMap(gids) };
    return { uids: layOver(only.uids, uids) ?? [], gids: layOver(only.gids, gids) ?? [] };
  }
  return {
    uids: [{ inside: 0, outside: ids.uid, count: 1 }],
    gids: [{ inside: 0, outside: ids.gid, count: 1 }],
  };
}

/** Every id of the session as itself. By the parts of its map: the kernel refuses a range that spans two of them. */
export function identityMaps(ids: SessionIds): Maps {
  const same = (map: IdMap): IdMap => map.map(({ inside, count }) => ({ inside, outside: inside, count }));
  const maps = sessionMaps(ids);
  if (maps !== undefined) return { uids: same(maps.uids), gids: same(maps.gids) };
  const { uidMap, gidMap } = ids as Extract<SessionIds, { kind: 'real' }>;
  return { uids: same(parseMap(uidMap)), gids: same(parseMap(gidMap)) };
}

export interface WantedIds {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

export type ContainerIds =
  /** `nested`: the map of a further namespace inside the session's, where the container's ids are not simply its first ones. */
  | { readonly ok: true; readonly uidMap: string; readonly gidMap: string; readonly nested?: Maps }
  | { readonly ok: false; readonly message: string };

const rangesText = (ranges: readonly IdRange[]) =>
  ranges.map(({ start, end }) => (end - start === 1 ? String(start) : `${start}-${end - 1}`)).join(', ') ||
  'none';

function tooSmall(what: 'uid' | 'gid', wanted: readonly IdRange[], ids: UserIds): string {
  const missing = `Required ${rangesText(wanted)}, allowed ${rangesText(ids.ranges)}`;
  const hint = `add a line with ${requiredCount(wanted)} ids to /etc/sub${what}, or ask for fewer with \`${what}s\` of the container`;
  return `Number of allowed sub${what}s is too small. ${missing} (${hint})`;
}

const isDefault = (ranges: readonly IdRange[]) => JSON.stringify(ranges) === JSON.stringify(DEFAULT_IDS);

/** Ids of one container, with the texts that are saved beside its image. */
export function containerIds(ids: SessionIds, wanted: WantedIds): ContainerIds {
  if (ids.kind === 'real') return { ok: true, uidMap: ids.uidMap, gidMap: ids.gidMap };
  if (ids.kind === 'single') return singleIds(ids, wanted);
  const [uids, gids] = [layOver(wanted.uids, ids.uids), layOver(wanted.gids, ids.gids)];
  if (uids === undefined) return { ok: false, message: tooSmall('uid', wanted.uids, ids.uids) };
  if (gids === undefined) return { ok: false, message: tooSmall('gid', wanted.gids, ids.gids) };
  const session = sessionMaps(ids) ?? { uids: [], gids: [] };
  const nested = { uids: within(uids, session.uids) ?? [], gids: within(gids, session.gids) ?? [] };
  const plain = isIdentity(nested.uids) && isIdentity(nested.gids);
  return { ok: true, uidMap: mapText(uids), gidMap: mapText(gids), ...(!plain && { nested }) };
}

/** Who asks for certain ids needs them; who asks for none can do with one. */
function singleIds(ids: Extract<SessionIds, { kind: 'single' }>, wanted: WantedIds): ContainerIds {
  for (const [what, ranges] of [
    ['uid', wanted.uids],
    ['gid', wanted.gids],
  ] as const) {
    if (!isDefault(ranges) && requiredCount(ranges) > 0)
      return { ok: false, message: tooSmall(what, ranges, { own: 0, ranges: [] }) };
  }
  const text = (own: number) => mapText([{ inside: 0, outside: own, count: 1 }]);
  return { ok: true, uidMap: text(ids.uid), gidMap: text(ids.gid) };
}
