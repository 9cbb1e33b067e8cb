// `_why NAME`: which step and which file make a container be built again.
import { type Explanation, explain } from '../../adapters/image/record.ts';
import { LOST } from '../../adapters/image/store.ts';
import { byCodePoint } from '../../config/order.ts';
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
    case 'lost':
      return `Container ${name} is built again: it ${LOST}.`;
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

interface Found {
  readonly container: string;
  readonly why: Explanation;
}

/** Code 124 when the identity of one of them can never be known. */
function printed(found: readonly Found[]): number {
  let code = 0;
  for (const { container, why } of found)
    code = Math.max(
      code,
      why.kind === 'failed' ? say(124, text(container, why)) : print(text(container, why)),
    );
  return code;
}

export const why = entry(
  {
    name: 'vagga _why',
    description: 'Say which step and which file make a container be built again',
    options: [flag('json', ['--json'], 'As JSON: an object for one container, else a list')],
    positionals: [{ name: 'container', takes: 'list', help: 'Containers; all when none is named' }],
  },
  (session, { given, words }) => {
    const { layout, cache } = session;
    const { containers } = cache.project;
    const unknown = words.find(name => !Object.hasOwn(containers, name));
    if (unknown !== undefined) return unknownContainer(session, unknown);
    const names = words.length > 0 ? words : Object.keys(containers).sort(byCodePoint);
    const found = names.map(container => ({ container, why: explain(layout, cache.project, container) }));
    if (!has(given, 'json')) return printed(found);
    const objects = found.map(one => ({ container: one.container, ...one.why }));
    return print(JSON.stringify(words.length === 1 ? objects[0] : objects, null, 2));
  },
);
