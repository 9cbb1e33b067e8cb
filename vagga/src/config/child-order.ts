// `after`: children name siblings that must be ready before they start. Such names must exist and must not go round.
import { nearest } from '@suite/shared/schema/nearest.ts';
import type { ChildCommand, Place, Project } from './model.ts';
import { byCodePoint } from './order.ts';

type Children = Readonly<Record<string, ChildCommand>>;

const at = ({ file, line, column }: Place): string => `${file}:${line}:${column}: Validation Error: `;

function absent(children: Children, name: string, child: ChildCommand): string[] {
  const known = Object.keys(children);
  return child.after
    .filter(wanted => !Object.hasOwn(children, wanted))
    .map(wanted => {
      const near = nearest(wanted, known);
      const hint = near === undefined ? '' : `\n    did you mean ${near}?`;
      return `${at(child)}Child ${JSON.stringify(wanted)} that ${JSON.stringify(name)} starts after is not found${hint}`;
    });
}

/** Depth first; `done` are children from which no new round can be found. */
function rounds(children: Children, name: string, trail: readonly string[], done: Set<string>): string[] {
  const way = [...trail, name];
  const child = children[name] as ChildCommand;
  const found = child.after
    .filter(next => Object.hasOwn(children, next) && !done.has(next))
    .flatMap(next => {
      const start = way.indexOf(next);
      if (start < 0) return rounds(children, next, way, done);
      return [`${at(child)}Children wait for each other: ${[...way.slice(start), next].join(' -> ')}`];
    });
  done.add(name);
  return found;
}

function problemsOf(children: Children): string[] {
  const names = Object.keys(children).sort(byCodePoint);
  const done = new Set<string>();
  return [
    ...names.flatMap(name => absent(children, name, children[name] as ChildCommand)),
    ...names.flatMap(name => (done.has(name) ? [] : rounds(children, name, [], done))),
  ];
}

/** A line (or two, with a hint) for each problem, in the order of commands and children. */
export function orderProblems({ commands }: Project): string[] {
  return Object.keys(commands)
    .sort(byCodePoint)
    .map(name => commands[name])
    .flatMap(command => (command?.kind === 'supervise' ? problemsOf(command.children) : []));
}
