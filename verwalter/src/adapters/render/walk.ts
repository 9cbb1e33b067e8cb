import { join } from 'node:path';
import type { Disk } from '@suite/shared/ports/index.ts';
import { TEMPLATE_DEPTH_MAX, WALK_FILES_MAX } from '../../config/defaults.ts';

export interface WalkOptions {
  /** Leave out hidden names and editor backups. */
  readonly skipHidden: boolean;
  readonly maxFiles?: number;
  readonly maxDepth?: number;
}

/** Hidden names, `*.bak`, `*~`, `#*#`: never configuration. */
function isIgnored(name: string): boolean {
  return name.startsWith('.') || name.endsWith('.bak') || name.endsWith('~') || /^#.*#$/.test(name);
}

/**
 * Paths of all files below `directory`, relative to it, sorted by directory. Undefined when there is no such directory. Rejects
 * when there are more files or levels than allowed.
 */
export async function walk(
  disk: Disk,
  directory: string,
  options: WalkOptions,
): Promise<string[] | undefined> {
  const found: string[] = [];
  const { maxFiles = WALK_FILES_MAX, maxDepth = TEMPLATE_DEPTH_MAX } = options;
  const visit = async (names: readonly string[], prefix: string, depth: number): Promise<void> => {
    if (depth > maxDepth)
      throw new Error(`${join(directory, prefix)}: more than ${maxDepth} levels of directories`);
    for (const name of names) {
      if (options.skipHidden && isIgnored(name)) continue;
      const path = prefix === '' ? name : `${prefix}/${name}`;
      const inside = await disk.list(join(directory, path));
      if (inside !== undefined) await visit(inside, path, depth + 1);
      else if (found.push(path) > maxFiles) throw new Error(`${directory}: more than ${maxFiles} files`);
    }
  };
  const names = await disk.list(directory);
  if (names === undefined) return undefined;
  await visit(names, '', 1);
  return found;
}
