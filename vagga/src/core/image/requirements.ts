// The lines of a pip requirements file that count for the identity of an image, with its includes unrolled.
import { NotHashable } from './not-hashable.ts';
import type { TreeReader } from './tree.ts';

const INCLUDE = /^(?:-[rc]\s*|--(?:requirement|constraint)[ =])\s*(.+)$/;
/** Files including files: deeper than any real project, shallow enough for the stack. */
const MAX_DEPTH = 32;

function readText(tree: TreeReader, path: string): string {
  const text = tree.readText(path);
  if (text === undefined) throw new NotHashable('failed', `${path} does not exist`);
  return text;
}

/** `path` below `/work`; blank lines and comments are left out, the name of the file itself does not count. */
export function requirementLines(tree: TreeReader, path: string, seen: readonly string[] = []): string[] {
  if (seen.includes(path) || seen.length > MAX_DEPTH)
    throw new NotHashable('failed', `Cyclic requirement: ${path}`);
  const directory = path.slice(0, path.lastIndexOf('/'));
  const lines = readText(tree, path)
    .split('\n')
    .map(line => line.trim());
  return lines.flatMap(line => {
    if (line === '' || line.startsWith('#')) return [];
    const included = INCLUDE.exec(line)?.[1];
    return included === undefined
      ? [line]
      : requirementLines(tree, `${directory}/${included}`, [...seen, path]);
  });
}
