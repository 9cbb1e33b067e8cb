// Order of starts: `after` names daemons of the same sandbox, and leads in no circle.
import type { Diagnostic } from '@suite/shared/schema/diagnostic.ts';
import { nearest } from '@suite/shared/schema/nearest.ts';
import type { EntrySources, SandboxSources } from '../sources.ts';
import { inContainer, type Rule } from './subject.ts';

/** Names in a message: a circle is seldom longer. */
const SHOWN = 5;

export const afterRule: Rule = subject => {
  if (subject.keys.after.length === 0) return [];
  const names = Object.keys(subject.sources.processes.value);
  return subject.keys.after.flatMap((name, index): Diagnostic[] => {
    const kind = names.includes(name) ? subject.sources.processes.value[name]?.kind : undefined;
    if (kind === 'Daemon') return [];
    const at = ['after', index];
    if (kind === 'Command')
      return [inContainer(subject, 'after-command', `\`${name}\` is a Command, which is never ready`, at)];
    const guess = nearest(name, names);
    const hint = guess === undefined ? undefined : `did you mean \`${guess}\`?`;
    const message = `sandbox ${subject.sources.name} has no process \`${name}\``;
    return [inContainer(subject, 'after-unknown', message, at, hint)];
  });
};

/**
 * The processes that wait for a circle, or are in one. Whoever waits for nobody is taken away, then whoever waited only
 * for those, and so on (Kahn's topological sort): what stays can never start.
 */
function stuck(entries: readonly EntrySources[]): ReadonlySet<string> {
  const waiting = new Map<string, number>();
  const waiters = new Map<string, string[]>();
  for (const { process, container } of entries) {
    const after = new Set(container?.value.after ?? []);
    waiting.set(process, after.size);
    for (const name of after) waiters.set(name, [...(waiters.get(name) ?? []), process]);
  }
  const known = new Set(waiting.keys());
  const free = [...known].filter(process => waiting.get(process) === 0);
  // A name that does not exist is an error of its own.
  free.push(...[...waiters.keys()].filter(name => !known.has(name)));
  for (let name = free.pop(); name !== undefined; name = free.pop()) {
    known.delete(name);
    for (const waiter of waiters.get(name) ?? []) {
      const left = (waiting.get(waiter) ?? 0) - 1;
      waiting.set(waiter, left);
      if (left === 0) free.push(waiter);
    }
  }
  return known;
}

/** By process. */
export function checkOrder(sources: SandboxSources): ReadonlyMap<string, Diagnostic> {
  const circle = stuck(sources.entries);
  const names = [...circle];
  const shown = names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? ' …' : '');
  return new Map(
    sources.entries.flatMap(({ process, container }): [string, Diagnostic][] => {
      if (container === undefined || !circle.has(process)) return [];
      const message = `it can never start: \`after\` leads in a circle (${shown})`;
      return [[process, inContainer({ container }, 'after-circle', message, ['after'])]];
    }),
  );
}
