// What the commands for detached commands have in common: from names to what runs.
import { allDetached, type Detached } from '../adapters/detached/state.ts';
import { namedTargets, type Target } from '../core/supervise/named.ts';
import { type Session, say } from './session.ts';

export interface ChosenRun extends Target {
  readonly detached: Detached;
}

/** By the words of the command line, none for all; or the exit code. */
export function chosenRuns({ layout }: Session, names: readonly string[]): readonly ChosenRun[] | number {
  const all = allDetached(layout);
  const runs = all.map(({ state }) => ({
    command: state.command,
    children: state.report.children.map(({ name }) => name),
  }));
  const found = namedTargets(runs, names);
  if (!found.ok) return say(121, found.message);
  return found.targets.map(target => ({
    ...target,
    detached: all.find(({ state }) => state.command === target.command) as Detached,
  }));
}
