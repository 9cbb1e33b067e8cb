// What the commands about runs have in common: from names to what runs.
import { allRuns, type KnownRun } from '../adapters/runs/state.ts';
import { type NamedRun, namedTargets, type Target } from '../core/supervise/named.ts';
import { type Session, say } from './session.ts';

export interface NamedKnownRun extends NamedRun {
  readonly known: KnownRun;
}

export type ChosenRun = Target<NamedKnownRun>;

function named(known: KnownRun): NamedKnownRun {
  const { command, supervisor, report } = known.state;
  return { command, pid: supervisor.pid, children: report.children.map(({ name }) => name), known };
}

/** By the words of the command line, none for all; or the exit code. */
export function chosenRuns({ layout }: Session, names: readonly string[]): readonly ChosenRun[] | number {
  const found = namedTargets(allRuns(layout).map(named), names);
  return found.ok ? found.targets : say(121, found.message);
}
