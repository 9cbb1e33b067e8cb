// A state directory lies in memory and mostly holds two small files. While a program waits to be started again, removing
// it through the thread pool costs a hundred times what it costs here.
import { chmodSync, type Dirent, lstatSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

const CLOSED_MODE = 0o700;
/** Open to every user of the container, as /tmp is; the parents stay root's. */
const OPEN_MODE = 0o1777;

/** What takes less than a millisecond. A program may have left thousands of files: those must not stop everybody. */
const SMALL = 16;

function entries(directory: string): readonly Dirent[] | undefined {
  try {
    const isDirectory = lstatSync(directory).isDirectory();
    return isDirectory ? readdirSync(directory, { withFileTypes: true }) : undefined;
  } catch {
    return undefined;
  }
}

/** Removes a directory with a few files and nothing below. False: it is still there, whole or in part, or never was. */
export function removeSmall(directory: string): boolean {
  const found = entries(directory);
  if (found === undefined || found.length > SMALL || found.some(entry => entry.isDirectory())) return false;
  try {
    for (const { name } of found) unlinkSync(join(directory, name));
    rmdirSync(directory);
    return true;
  } catch {
    return false;
  }
}

/** Nobody else can put anything into it while we do: links there would make us change what they name. */
export function makeStateDir(directory: string): void {
  mkdirSync(dirname(directory), { recursive: true });
  mkdirSync(directory, { mode: CLOSED_MODE });
}

/** Everything of ours is in it. */
export function openStateDir(directory: string): void {
  chmodSync(directory, OPEN_MODE);
}
