// `_ide NAME …`: `.ide/NAME` with links to the libraries inside of a container, for completion and jumps in editors.
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LIBRARY_PLACES } from '../../core/editors/ide.ts';
import { type Session, say } from '../session.ts';
import { entry } from './registry.ts';
import { unknownContainer } from './usage.ts';

/** Paths below `root` that fit, a symlink in the image never followed out of it. */
function matches(root: string, pattern: string): string[] {
  const step = (found: readonly string[], part: string) =>
    found.flatMap(path => {
      const directory = join(root, path);
      const rule = new RegExp(`^${part.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`);
      return readdirSync(directory)
        .filter(name => rule.test(name) && lstatSync(join(directory, name)).isDirectory())
        .sort()
        .map(name => join(path, name));
    });
  return pattern.split('/').reduce<readonly string[]>(step, ['']).slice();
}

interface Link {
  readonly name: string;
  readonly path: string;
  readonly purpose: string;
}

function linksOf(root: string): Link[] {
  const links = new Map<string, Link>();
  for (const { name, pattern, purpose } of LIBRARY_PLACES) {
    const [path] = matches(root, pattern);
    if (path !== undefined && !links.has(name)) links.set(name, { name, path, purpose });
  }
  return [...links.values()];
}

/** Through `.vagga/NAME`, so that they show the newest version after every build. */
function makeLinks({ layout }: Session, container: string, links: readonly Link[]): void {
  const directory = join(layout.root, '.ide', container);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const ignore = join(layout.root, '.ide/.gitignore');
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  for (const { name, path } of links)
    symlinkSync(join('../../.vagga', container, path), join(directory, name));
}

export const ide = entry(
  {
    name: 'vagga _ide',
    description: 'Show the libraries of containers to editors, as links in .ide, which git ignores',
    options: [],
    positionals: [{ name: 'container', takes: 'list!', help: 'The containers; they are built when need be' }],
  },
  async (session, { words }) => {
    if (words.length === 0) return say(122, 'vagga _ide: which container? (vagga _list --containers)');
    const unknown = words.find(name => session.cache.project.containers[name] === undefined);
    if (unknown !== undefined) return unknownContainer(session, unknown);
    const built = await session.build(words, { whole: true });
    if (typeof built === 'number') return built;
    for (const name of words) {
      const links = linksOf(session.layout.rootOf(name, built.get(name) ?? ''));
      makeLinks(session, name, links);
      for (const link of links) process.stdout.write(`.ide/${name}/${link.name}: ${link.purpose}\n`);
      if (links.length === 0) say(0, `Container ${name} has no libraries in the usual places`);
    }
    return 0;
  },
);
