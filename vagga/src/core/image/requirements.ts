// The lines of a pip requirements file that count for the identity of an image, with its includes unrolled.
import { NotHashable } from './not-hashable.ts';
import type { TreeReader } from './tree.ts';

const INCLUDE = /^(?:-[rc]\s*|--(?:requirement|constraint)[ =])\s*(.+)$/;
function readText(tree: TreeReader, path: string): string {
  const text = tree.readText(path);
  if (text === undefined) throw new NotHashable('failed', `${path} does not exist`);
  return text;
}

/** Without `.` and `..`: the same file under another name is the same file. */
function plainPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** `path` below `/work`; blank lines and comments are left out, the name of the file itself does not count. A file may come once. */
export function requirementLines(tree: TreeReader, path: string): string[] {
  const seen = new Set<string>();
  const linesOf = (file: string): string[] => {
    if (seen.has(file)) throw new NotHashable('failed', `Cyclic requirement: ${file}`);
    seen.add(file);
    const directory = file.slice(0, file.lastIndexOf('/'));
    return readText(tree, file)
      .split('\n')
      .map(line => line.trim())
      .flatMap(line => {
        if (line === '' || line.startsWith('#')) return [];
        const included = INCLUDE.exec(line)?.[1];
        return included === undefined ? [line] : linesOf(plainPath(`${directory}/${included}`));
      });
  };
  return linesOf(plainPath(path));
}
