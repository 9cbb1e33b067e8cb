// Files, directories and links are made under another name and then put in place at once, so that a reader always finds a whole one. That name
// ends with the process id of its writer: what a killed one left behind is known by it.
import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isAlive } from '@suite/shared/linux/proc.ts';

/** Ids are used again: a name of our own id that is there already is of a process long gone. */
function isAbandoned(pid: number): boolean {
  return pid === process.pid || !isAlive(pid);
}

/** Where to make the successor of `path`, whose directory exists. What killed writers of the same path left is removed. */
export function temporaryFor(path: string): string {
  const directory = dirname(path);
  const prefix = `${basename(path)}.tmp.`;
  for (const name of readdirSync(directory).filter(entry => entry.startsWith(prefix))) {
    const pid = name.slice(prefix.length);
    if (/^\d+$/.test(pid) && isAbandoned(Number(pid)))
      rmSync(join(directory, name), { recursive: true, force: true });
  }
  return join(directory, `${prefix}${process.pid}`);
}
