// The ids of this process, known once: found when it starts, or told by the one that made its user namespace.
import { closeSync, readFileSync } from 'node:fs';
import { parseMap } from '../../core/ids/maps.ts';
import { type SessionIds, sessionMaps } from '../../core/ids/session.ts';
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
}

/** Only if the namespace we are in is the one it speaks of: anybody can set a variable. */
function readTold(): CurrentIds | undefined {
  const text = process.env[IDS_VARIABLE];
  if (text === undefined || process.getuid?.() !== 0) return undefined;
  try {
    const told = JSON.parse(text) as CurrentIds;
    const actual = parseMap(readFileSync('/proc/self/uid_map', 'utf8'));
    return JSON.stringify(actual) === JSON.stringify(sessionMaps(told.ids)?.uids) ? told : undefined;
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

/** Programs that we start must not take themselves for us, nor get what was only for our own start. */
export function hideFromPrograms(): void {
  delete process.env[IDS_VARIABLE];
  for (const fd of told?.inherited ?? []) closeSync(fd);
}

/** For a start that knows them from the cache. */
export function useIds(ids: SessionIds): void {
  known = { ids, warnings: [] };
}

/** True when this process is inside the namespace that its ids need. */
export function isInside(): boolean {
  return told !== undefined || currentIds().ids.kind === 'real';
}
