// Recognising unchanged files without reading them.
import { lstatSync, statSync } from 'node:fs';

/** Path and what identified its content; '' = it did not exist. */
export type Stamp = readonly [path: string, signature: string];

function signature(
  stat: { size: bigint; mtimeNs: bigint; ctimeNs: bigint; ino: bigint; mode: bigint } | undefined,
): string {
  if (stat === undefined) return '';
  return `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino} ${stat.mode}`;
}

/** Follows symlinks, as reading does. ctime also changes when mtime is set back by hand, or the owner or mode changes. */
export function stampOf(path: string): Stamp {
  return [path, signature(statSync(path, { bigint: true, throwIfNoEntry: false }))];
}

/** Of the entry itself: a symlink is its own. A directory's stamp changes when entries come or go. */
export function linkStampOf(path: string): Stamp {
  return [path, signature(lstatSync(path, { bigint: true, throwIfNoEntry: false }))];
}

export function isFresh(stamps: readonly Stamp[], take: (path: string) => Stamp): boolean {
  return stamps.every(([path, before]) => take(path)[1] === before);
}
