// Old log files: FILE.1 is the newest, FILE.N the oldest. A crash at any point loses none that was to be kept, and the
// next rotation goes on from there.
import { closeSync, linkSync, openSync, renameSync, rmSync, statSync } from 'node:fs';

export interface LogLimits {
  /** A file that has become longer is rotated. */
  readonly sizeBytes: number;
  /** The current one included. */
  readonly files: number;
}

/** Log files may hold what a program should not have said: they are root's. */
export const LOG_MODE = 0o600;

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/**
 * Gives the current file the name FILE.1 as well; older ones move up, into the first gap if there is one. The current
 * name stays until something else is renamed over it, so that there is no moment without a log.
 */
export function keepOld(path: string, files: number): void {
  if (files < 2) return;
  const old = (number: number) => `${path}.${number}`;
  // A rotation that was cut short got this far.
  if (inodeOf(old(1)) === inodeOf(path)) return;
  let free = 1;
  while (free < files - 1 && inodeOf(old(free)) !== undefined) free++;
  for (let number = free - 1; number >= 1; number--) renameSync(old(number), old(number + 1));
  rmSync(old(1), { force: true });
  linkSync(path, old(1));
}

/** An empty file that takes the place of the current one by being renamed; answers its inode. */
export function makeNext(path: string): { readonly path: string; readonly inode: number } {
  const next = `${path}.tmp`;
  closeSync(openSync(next, 'w', LOG_MODE));
  return { path: next, inode: inodeOf(next) ?? 0 };
}

/** For a file that we alone write. Throws when the directory is full or closed; everything is as before then. */
export function rotateOwn(path: string, files: number): void {
  const next = makeNext(path);
  keepOld(path, files);
  renameSync(next.path, path);
}
