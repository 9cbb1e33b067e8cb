// Which file of the image a command's first word is.
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot } from '../build/in-root.ts';

export interface Places {
  readonly rootPath: string;
  /** Mount points: what is below them only the running container sees. */
  readonly covered: readonly string[];
}

const isBelow = (directory: string, mount: string) =>
  directory === mount || directory.startsWith(`${mount}/`);

/**
 * Absolute path of `program` in the directories of `path` (relative ones do not count), the word itself when only the
 * container can find it, undefined when it is nowhere.
 */
export function findInImage(
  { rootPath, covered }: Places,
  program: string,
  path: string,
): string | undefined {
  if (program.includes('/')) return program;
  for (const directory of path.split(':').filter(item => item.startsWith('/'))) {
    if (covered.some(mount => isBelow(directory, mount))) return program;
    const found = lstatSync(join(inRoot(rootPath, directory), program), { throwIfNoEntry: false });
    if (found !== undefined) return join(directory, program);
  }
  return undefined;
}
