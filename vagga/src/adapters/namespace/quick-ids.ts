// The ids of a user from the start-up cache: a start needs no look into /etc/subuid, only whether it is as it was.
import { statSync } from 'node:fs';
import type { CachedIds } from '../project/cache.ts';
import { currentIds, useIds } from './current.ts';
import { SUBORDINATE_FILES } from './discover.ts';

/** Where every distribution has it; installed later, it makes more of one id. */
const HELPER = '/usr/bin/newuidmap';

/** Of the user outside. */
function currentKey(): string {
  const stamps = [...SUBORDINATE_FILES, HELPER].map(path => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat === undefined ? '-' : `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
  });
  return [process.getuid?.(), process.getgid?.(), ...stamps].join(' ');
}

/** `words` as from `enterWords`; made outside. */
export function idsForCache(words: readonly string[]): CachedIds {
  const { ids, warnings } = currentIds();
  return { key: currentKey(), ids, warnings, words };
}

/** Takes the cached ids for those of this process and tells the words; undefined when they may have changed. */
export function adoptIds(cached: CachedIds | undefined): readonly string[] | undefined {
  if (cached === undefined || cached.key !== currentKey()) return undefined;
  useIds(cached);
  return cached.words;
}
