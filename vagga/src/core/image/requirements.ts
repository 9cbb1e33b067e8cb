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

export interface RequirementLine {
  readonly text: string;
  /** `FILE:LINE`, the file relative to the project. */
  readonly at: string;
}

/** `path` below `/work`; blank lines and comments are left out, the name of the file itself does not count. A file may come once. */
export function requirementLines(tree: TreeReader, path: string): RequirementLine[] {
  const seen = new Set<string>();
  const linesOf = (file: string): RequirementLine[] => {
    if (seen.has(file)) throw new NotHashable('failed', `Cyclic requirement: ${file}`);
    seen.add(file);
    const directory = file.slice(0, file.lastIndexOf('/'));
    return readText(tree, file)
      .split('\n')
      .flatMap((line, index): RequirementLine[] => {
        const text = line.trim();
        if (text === '' || text.startsWith('#')) return [];
        const included = INCLUDE.exec(text)?.[1];
        if (included !== undefined) return linesOf(plainPath(`${directory}/${included}`));
        return [{ text, at: `${file.slice('/work/'.length)}:${index + 1}` }];
      });
  };
  return linesOf(plainPath(path));
}
