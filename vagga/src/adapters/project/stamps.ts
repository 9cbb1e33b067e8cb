// Recognising unchanged files without reading them.
import { lstatSync, type Stats, statSync } from 'node:fs';

/** How a path was looked at: itself (a symlink is its own), what it leads to, or too early to rely on. */
export const HOW = { itself: 0, followed: 1, unsettled: 2 } as const;

/** Path, how, and what identifies the content: size, mtime, ctime (ms), inode, mode. Nothing after `how`: it did not exist. */
export type Stamp = readonly [path: string, how: number, ...numbers: readonly number[]];

/** File times advance with the timer tick, 10 ms at most: until it is over, another edit may leave the same time. */
const TICK_MS = 20;

const OPTIONS = { throwIfNoEntry: false } as const;

/** One object for all paths: making it 10,000 times takes longer than the system calls. */
export const look = (path: string, how: number): Stats | undefined =>
  how === HOW.followed ? statSync(path, OPTIONS) : lstatSync(path, OPTIONS);

/** Of a stat that was taken in the way of `how`. ctime also changes when mtime is set back by hand, or the owner or mode changes. */
export function stampFrom(path: string, how: 0 | 1, stat: Stats | undefined): Stamp {
  if (stat === undefined) return [path, how];
  const { size, mtimeMs, ctimeMs, ino, mode } = stat;
  return [path, Date.now() - ctimeMs < TICK_MS ? HOW.unsettled : how, size, mtimeMs, ctimeMs, ino, mode];
}

/** Follows symlinks, as reading does. */
export const stampOf = (path: string): Stamp => stampFrom(path, HOW.followed, look(path, HOW.followed));

/** Of the entry itself. A directory's stamp changes when entries come or go. */
export const linkStampOf = (path: string): Stamp => stampFrom(path, HOW.itself, look(path, HOW.itself));

/** `at`: where the numbers of the stamp begin in `numbers`; `absent`: it has none. */
export function isUnchanged(
  path: string,
  how: number,
  absent: boolean,
  numbers: ArrayLike<number>,
  at: number,
): boolean {
  if (how === HOW.unsettled) return false;
  const stat = look(path, how);
  if (stat === undefined || absent) return stat === undefined && absent;
  // Times first: they differ most often.
  return (
    stat.mtimeMs === numbers[at + 1] &&
    stat.ctimeMs === numbers[at + 2] &&
    stat.size === numbers[at] &&
    stat.ino === numbers[at + 3] &&
    stat.mode === numbers[at + 4]
  );
}

export function isFresh(stamps: readonly Stamp[]): boolean {
  return stamps.every(stamp =>
    isUnchanged(stamp[0], stamp[1], stamp.length === 2, stamp as ArrayLike<number>, 2),
  );
}
