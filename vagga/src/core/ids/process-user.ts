// Who a process in a container is, and the further user namespace that this may need.
import type { IdMap } from './maps.ts';
import { containerIds, identityMaps, type Maps, type SessionIds, type WantedIds } from './session.ts';

export interface ProcessUser {
  readonly userId: number;
  readonly groupId: number;
  /** The id of the container that the files of this process belong to, and whose rights it has. */
  readonly externalUserId?: number;
  readonly supplementaryGids: readonly number[];
}

export const ROOT_USER: ProcessUser = { userId: 0, groupId: 0, supplementaryGids: [] };

export type UserNamespace =
  /** Undefined maps: the process lives in the namespace of the session. */
  { readonly ok: true; readonly maps?: Maps } | { readonly ok: false; readonly message: string };

/** The session's id of an id of the container. */
export function outsideOf(map: IdMap, id: number): number | undefined {
  const found = map.find(({ inside, count }) => inside <= id && id < inside + count);
  return found && found.outside + id - found.inside;
}

/** One user, under the number that the process is to see. */
function onlyUser(base: Maps, user: ProcessUser, external: number): UserNamespace {
  const outside = outsideOf(base.uids, external);
  if (outside === undefined)
    return { ok: false, message: `external-user-id ${external} is not one of the ids of the container` };
  return { ok: true, maps: { uids: [{ inside: user.userId, outside, count: 1 }], gids: base.gids } };
}

/** With one id only, whoever the process is to be is ourselves. */
function single(user: ProcessUser): UserNamespace {
  if (user.supplementaryGids.length > 0)
    return { ok: false, message: 'supplementary-gids need subordinate ids (see vagga _doctor)' };
  if (user.userId === 0 && user.groupId === 0) return { ok: true };
  const own = (inside: number): IdMap => [{ inside, outside: 0, count: 1 }];
  return { ok: true, maps: { uids: own(user.userId), gids: own(user.groupId) } };
}

export function userNamespace(ids: SessionIds, wanted: WantedIds, user: ProcessUser): UserNamespace {
  const container = containerIds(ids, wanted);
  if (!container.ok) return container;
  if (ids.kind === 'single') return single(user);
  const base = container.nested ?? identityMaps(ids);
  if (user.externalUserId !== undefined) return onlyUser(base, user, user.externalUserId);
  return container.nested === undefined ? { ok: true } : { ok: true, maps: container.nested };
}
