// The ids of this process, known once: found when it starts, or told by the one that made its user namespace.
import { closeSync, readFileSync } from 'node:fs';
import { parseMap } from '../../core/ids/maps.ts';
import {
  containerIds,
  type Maps,
  type SessionIds,
  sessionMaps,
  type WantedIds,
} from '../../core/ids/session.ts';
import type { CachedIds } from '../project/cache.ts';
import { discoverIds } from './discover.ts';

/** Set by `enterNamespace` for the program inside. */
export const IDS_VARIABLE = '_VAGGA_IDS';

export interface CurrentIds {
  readonly ids: SessionIds;
  /** For the user, when something is built. */
  readonly warnings: readonly string[];
  /** For the start-up cache; found outside, where a later start will need it. */
  readonly cached?: CachedIds;
  /** Descriptors over which the maps were waited for. */
  readonly inherited?: readonly number[];
  /** Of our user namespace, as seen from where it was made. */
  readonly maps?: Maps;
  /** The namespace is still to be made. */
  readonly pending?: boolean;
}

/** Only if the namespace we are in is the one it speaks of: anybody can set a variable. */
function readTold(): CurrentIds | undefined {
  const text = process.env[IDS_VARIABLE];
  if (text === undefined || process.getuid?.() !== 0) return undefined;
  try {
    const told = JSON.parse(text) as CurrentIds;
    const actual = parseMap(readFileSync('/proc/self/uid_map', 'utf8'));
    return told.pending || JSON.stringify(actual) === JSON.stringify(told.maps?.uids) ? told : undefined;
  } catch {
    return undefined;
  }
}

const told = readTold();
let known = told;

export function currentIds(): CurrentIds {
  known ??= discoverIds();
  return known;
}

/** What was only for our own start ends here. Another vagga that we start in this namespace is told the same ids. */
export function settleIds(): void {
  if (told === undefined) {
    delete process.env[IDS_VARIABLE];
    return;
  }
  const { inherited = [], ...rest } = told;
  for (const fd of inherited) closeSync(fd);
  process.env[IDS_VARIABLE] = JSON.stringify(rest);
}

/** For a start that knows them from the cache. */
export function useIds({ ids, warnings }: CachedIds): void {
  known = { ids, warnings };
}

/** True when this process is inside the namespace that its ids need. */
export function isInside(): boolean {
  return (told !== undefined && told.pending !== true) || currentIds().ids.kind === 'real';
}

/** For a process of ours that builds what wants these ids: what it is told, in our namespace or in a further one inside. */
export function toldFor(wanted: WantedIds): CurrentIds {
  const { ids, warnings } = currentIds();
  const container = containerIds(ids, wanted);
  const nested = container.ok ? container.nested : undefined;
  if (ids.kind === 'mapped' && nested !== undefined) {
    const only = { uids: wanted.uids, gids: wanted.gids };
    return { ids: { ...ids, only }, warnings, maps: nested, pending: true };
  }
  const maps = told?.maps ?? sessionMaps(ids);
  return { ids, warnings, ...(maps !== undefined && { maps }) };
}
