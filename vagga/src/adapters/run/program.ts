// Which file of the container a command's first word is.
import { join, resolve } from 'node:path';
import { type Places, seen } from './seen.ts';

/**
 * Absolute path of `program` in the directories of `path` (relative ones do not count), the word itself when only the
 * container can find it, undefined when it is nowhere. A word with a slash is a path from `cwd`.
 */
export function findProgram(places: Places, program: string, path: string, cwd: string): string | undefined {
  if (program.includes('/')) return seen(places, resolve(cwd, program)) === 'absent' ? undefined : program;
  for (const directory of path.split(':').filter(item => item.startsWith('/'))) {
    const found = seen(places, join(directory, program));
    if (found === 'unknown') return program;
    if (found !== 'absent') return join(directory, program);
  }
  return undefined;
}
