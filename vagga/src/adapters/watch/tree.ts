// What there is below some paths, so that two looks can be compared.
import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { WATCH_FILES_MAX } from '../../config/defaults.ts';

/** Path relative to the project → what changes with the file. Directories have no content of their own. */
export type Snapshot = ReadonlyMap<string, string>;

export interface Looking {
  /** Absolute. */
  readonly root: string;
  /** Relative to it: files and directories, there or not. */
  readonly paths: readonly string[];
  readonly isIgnored: (path: string) => boolean;
  /** Called for each directory before it is read. */
  readonly entering: (path: string) => void;
}

const signature = ({ mtimeNs, ctimeNs, size, ino, mode }: BigIntStats): string =>
  `${mtimeNs} ${ctimeNs} ${size} ${ino} ${mode}`;

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    // Gone meanwhile, or not for us.
    return [];
  }
}

export function takeSnapshot({ root, paths, isIgnored, entering }: Looking): Snapshot {
  const found = new Map<string, string>();
  const visit = (path: string): void => {
    const stat = lstatSync(join(root, path), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined || found.has(path)) return;
    if (found.size >= WATCH_FILES_MAX)
      throw new RangeError(`more than ${WATCH_FILES_MAX} files to watch: leave some out with \`ignore\``);
    found.set(path, stat.isDirectory() ? 'directory' : signature(stat));
    if (!stat.isDirectory()) return;
    entering(path);
    for (const name of namesIn(join(root, path))) {
      const inner = path === '.' ? name : `${path}/${name}`;
      if (!isIgnored(inner)) visit(inner);
    }
  };
  for (const path of paths) visit(path);
  return found;
}

/** Paths that came, went or changed. */
export function difference(before: Snapshot, now: Snapshot): string[] {
  const changed = [...now].filter(([path, text]) => before.get(path) !== text).map(([path]) => path);
  return [...changed, ...[...before.keys()].filter(path => !now.has(path))];
}
