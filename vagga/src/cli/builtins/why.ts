// `_why NAME`: which step and which file make a container be built again.
import { type Explanation, explain } from '../../adapters/image/record.ts';
import { changeLines } from '../../core/image/why-text.ts';
import { has } from '../../core/options/parse.ts';
import { flag } from '../../core/options/spec.ts';
import { say } from '../session.ts';
import { entry } from './registry.ts';
import { print, unknownContainer } from './usage.ts';

function text(name: string, why: Explanation): string {
  switch (why.kind) {
    case 'up-to-date':
      return `Container ${name} is up to date (${why.hash}).`;
    case 'never-built':
      return `Container ${name} was never built.`;
    case 'other-version':
      return `Container ${name} needs no build: version ${why.hash} is there and becomes the current one.`;
    case 'other-ids':
      return `Container ${name} is built again: it was built with other ids than you have now.`;
    case 'unknown':
      return `Container ${name} is built again: ${why.built} is not ${why.hash}. Of ${why.built} it is not known what it was made of.`;
    case 'not-ready':
      return `Container ${name} is built to find out: ${why.message}.`;
    case 'failed':
      return why.message;
    case 'changed':
      return [
        `Container ${name} is built again (${why.built} is built, ${why.hash} is wanted):`,
        ...(why.changes.length > 0
          ? changeLines(why.changes, '  ')
          : ['  nothing that is kept about it differs']),
      ].join('\n');
  }
}

export const why = entry(
  {
    name: 'vagga _why',
    description: 'Say which step and which file make a container be built again',
    options: [flag('json', ['--json'], 'As JSON')],
    positionals: [{ name: 'container', takes: 'required', help: 'The container' }],
  },
  (session, { given, words }) => {
    const { layout, cache } = session;
    const [name = ''] = words;
    if (cache.project.containers[name] === undefined) return unknownContainer(session, name);
    const found = explain(layout, cache.project, name);
    if (has(given, 'json')) return print(JSON.stringify({ container: name, ...found }, null, 2));
    return found.kind === 'failed' ? say(124, text(name, found)) : print(text(name, found));
  },
);
