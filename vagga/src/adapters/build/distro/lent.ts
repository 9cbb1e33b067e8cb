// A directory of the cache lent to one run of a program: hard links to what is there, and afterwards whatever is new goes
// back. So builds that install packages at the same time neither wait for each other nor see half a file.
import { copyFileSync, linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Hidden ones are of a build that was killed while it gave something back. */
function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name !== 'lock' && !entry.name.startsWith('.'))
    .map(({ name }) => name);
}

/** A cache on another file system, or one that a killed build is about to change, is copied. */
function place(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code !== 'EEXIST') copyFileSync(source, target);
  }
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [left, right].map(path => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
  if (a === undefined || b === undefined) return false;
  return (a.dev === b.dev && a.ino === b.ino) || (a.size === b.size && a.mtimeNs === b.mtimeNs);
}

/** Fills the new directory `own` from `cache`; apt wants a place for half downloads in it. */
export function lend(cache: string, own: string): void {
  mkdirSync(join(own, 'partial'), { recursive: true });
  for (const name of filesIn(cache)) place(join(cache, name), join(own, name));
}

/** New and changed files go to `cache`, each at once; the last of two builds wins. */
export function takeBack(cache: string, own: string): void {
  for (const name of filesIn(own)) {
    const [source, target] = [join(own, name), join(cache, name)];
    if (isSame(source, target)) continue;
    const temporary = join(cache, `.${name}.${process.pid}`);
    rmSync(temporary, { force: true });
    place(source, temporary);
    renameSync(temporary, target);
  }
}
