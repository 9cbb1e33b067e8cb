// Which commands run, in which order, when the user asks for some.
import type { Command, Project } from '../../config/model.ts';
import { containersOfVolumes, mergedVolumes } from '../volumes/plan.ts';

type Commands = Project['commands'];

/** The command of that name, else the first (by name) that has it as an alias. */
export function resolveCommand(commands: Commands, name: string): string | undefined {
  if (commands[name] !== undefined) return name;
  return Object.keys(commands)
    .sort()
    .find(candidate => commands[candidate]?.aliases.includes(name));
}

function prerequisitesOf(command: Command): readonly string[] {
  // The format has none for it, whatever stands there.
  if (command.kind === 'capsule') return [];
  if (command.kind !== 'supervise') return command.prerequisites;
  return [...command.prerequisites, ...Object.values(command.children).flatMap(child => child.prerequisites)];
}

export type Order =
  | { readonly ok: true; readonly order: readonly string[] }
  | { readonly ok: false; readonly unknown: string };

/** Depth-first, each once; a cycle is cut so that the wanted command comes last. `more`: prerequisites that the config does not name. */
export function commandOrder(
  commands: Commands,
  wanted: readonly string[],
  more: (command: Command) => readonly string[] = () => [],
): Order {
  const order: string[] = [];
  const visiting = new Set<string>();
  let unknown: string | undefined;
  const visit = (name: string): void => {
    const command = commands[name];
    if (command === undefined) unknown ??= name;
    if (command === undefined || visiting.has(name) || order.includes(name)) return;
    visiting.add(name);
    for (const before of [...prerequisitesOf(command), ...more(command)])
      if (!wanted.includes(before)) visit(before);
    visiting.delete(name);
    order.push(name);
  };
  for (const name of wanted) visit(name);
  return unknown === undefined ? { ok: true, order } : { ok: false, unknown };
}

/** Every container a command needs, also for its volumes, in the order it names them. */
export function containersOf({ containers }: Project, command: Command): string[] {
  const runs =
    command.kind === 'supervise'
      ? Object.values(command.children)
      : command.kind === 'command'
        ? [command]
        : [];
  const names = runs.flatMap(run => [
    run.container,
    ...containersOfVolumes(mergedVolumes(containers[run.container], run)),
  ]);
  return [...new Set(names)];
}
