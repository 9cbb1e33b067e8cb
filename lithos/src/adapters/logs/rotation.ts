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

/** Makes the name FILE.1 free: older ones move up, into the first gap if there is one. */
function moveUp(path: string, files: number): void {
  const old = (number: number) => `${path}.${number}`;
  let free = 1;
  while (free < files - 1 && inodeOf(old(free)) !== undefined) free++;
  for (let number = free - 1; number >= 1; number--) renameSync(old(number), old(number + 1));
  rmSync(old(1), { force: true });
}

/**
 * Gives the current file the name FILE.1 as well. The current name stays until something else is renamed over it, so
 * that there is no moment without a log.
 */
export function keepOld(path: string, files: number): void {
  // A rotation that was cut short got this far.
  if (files < 2 || inodeOf(`${path}.1`) === inodeOf(path)) return;
  moveUp(path, files);
  linkSync(path, `${path}.1`);
}

interface Next {
  /** To be renamed. */
  readonly path: string;
  readonly inode: number;
}

/**
 * An empty file that takes the place of the current one by being renamed. It has a second name, FILE.next: a supervisor
 * that dies and one that follows may both ask the monitor for a new file, and the first of the two must not vanish with
 * what is in it already.
 */
export function makeNext(path: string): Next {
  const next = `${path}.tmp`;
  closeSync(openSync(next, 'w', LOG_MODE));
  rmSync(`${path}.next`, { force: true });
  linkSync(next, `${path}.next`);
  return { path: next, inode: inodeOf(next) ?? 0 };
}

/** To be called before anything is rotated: what an earlier rotation has left under a name of its own gets its place. */
export function settle(path: string, files: number): void {
  const left = statSync(`${path}.next`, { throwIfNoEntry: false });
  if (left === undefined) return;
  const isKept = [path, `${path}.1`, `${path}.tmp`].some(each => inodeOf(each) === left.ino);
  if (isKept || left.size === 0 || files < 2) {
    rmSync(`${path}.next`, { force: true });
    return;
  }
  moveUp(path, files);
  renameSync(`${path}.next`, `${path}.1`);
}

/** For a file that we alone write. Throws when the directory is full or closed; everything is as before then. */
export function rotateOwn(path: string, files: number): void {
  settle(path, files);
  const next = makeNext(path);
  keepOld(path, files);
  renameSync(next.path, path);
  rmSync(`${path}.next`, { force: true });
}
