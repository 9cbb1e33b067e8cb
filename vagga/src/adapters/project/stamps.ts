// Recognising unchanged files without reading them.
import { lstatSync, statSync } from 'node:fs';

/** Path and what identified its content; '' = it did not exist. */
export type Stamp = readonly [path: string, signature: string];

/** File times advance with the timer tick, 10 ms at most: until it is over, another edit may leave the same time. */
const TICK_MS = 20;
const UNSETTLED = ' unsettled';

function signature(
  stat: { size: bigint; mtimeNs: bigint; ctimeNs: bigint; ino: bigint; mode: bigint } | undefined,
): string {
  if (stat === undefined) return '';
  const text = `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino} ${stat.mode}`;
  return Date.now() - Number(stat.ctimeNs / 1_000_000n) < TICK_MS ? `${text}${UNSETTLED}` : text;
}

/** Before the signature of what a path leads to, so that it is looked at in the same way again. */
const FOLLOWED = '@';

/** Follows symlinks, as reading does. ctime also changes when mtime is set back by hand, or the owner or mode changes. */
export function stampOf(path: string): Stamp {
  return [path, `${FOLLOWED}${signature(statSync(path, { bigint: true, throwIfNoEntry: false }))}`];
}

/** Of the entry itself: a symlink is its own. A directory's stamp changes when entries come or go. */
export function linkStampOf(path: string): Stamp {
  return [path, signature(lstatSync(path, { bigint: true, throwIfNoEntry: false }))];
}

export function isFresh(stamps: readonly Stamp[]): boolean {
  return stamps.every(([path, before]) => {
    if (before.endsWith(UNSETTLED)) return false;
    const now = before.startsWith(FOLLOWED) ? stampOf(path) : linkStampOf(path);
    return now[1] === before;
  });
}
