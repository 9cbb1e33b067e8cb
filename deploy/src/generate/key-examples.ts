// Where the projects of vagga/docs/key-examples use a key or a tag of vagga.yaml.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A link for the cell of a table. */
export type ExampleOf = (key: string) => string;

/** Beside the page that has the links. */
const PLACE = 'key-examples';
const PROJECTS = ['containers', 'volumes', 'commands', 'services'] as const;

export type ExampleProject = (typeof PROJECTS)[number];

function linesOf(root: string, project: ExampleProject): string[] {
  const text = readFileSync(join(root, 'vagga/docs', PLACE, project, 'vagga.yaml'), 'utf8');
  return text.split('\n').map(line => line.replace(/^ *#.*/, ''));
}

const link = (project: ExampleProject, index: number): string =>
  `[${project}](${PLACE}/${project}/vagga.yaml#L${index + 1})`;

/** The first line that has it, preferably from one with `tag` on. Undefined: none. */
function lineWith(lines: readonly string[], pattern: RegExp, tag?: string): number | undefined {
  const begin = tag === undefined ? 0 : lines.findIndex(line => line.includes(`!${tag}`));
  const after = lines.findIndex((line, index) => index >= begin && pattern.test(line));
  const found = after === -1 ? lines.findIndex(line => pattern.test(line)) : after;
  return found === -1 ? undefined : found;
}

/** Looks in `first` before the other projects. Throws for what no example has: write one. */
export function examplesOf(root: string, first: ExampleProject, tag?: string): ExampleOf {
  const order = [first, ...PROJECTS.filter(project => project !== first)];
  const files = order.map(project => [project, linesOf(root, project)] as const);
  return key => {
    const pattern = key.startsWith('!')
      ? new RegExp(`${key}(?![A-Za-z])`)
      : new RegExp(`(^|[ {])${key}:( |$)`);
    for (const [project, lines] of files) {
      const index = lineWith(lines, pattern, tag);
      if (index !== undefined) return link(project, index);
    }
    throw new Error(`no project of vagga/docs/${PLACE} uses ${key}`);
  };
}
