// A state directory lies in memory and mostly holds two small files. While a program waits to be started again, removing
// it through the thread pool costs a hundred times what it costs here.
import { type Dirent, lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

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
