// What the commands about runs have in common: from names to what runs.
import { type Answer, type Order, order } from '../adapters/runs/control.ts';
import { allRuns, type KnownRun, readRun } from '../adapters/runs/state.ts';
import type { PositionalSpec } from '../core/options/spec.ts';
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

/** What somebody looks at in another terminal is meant only if it is named. */
function meantRuns(session: Session, names: readonly string[]): readonly ChosenRun[] | number {
  const runs = chosenRuns(session, names);
  if (typeof runs === 'number' || names.length > 0) return runs;
  return runs.filter(({ run }) => run.known.place.mode === 'detached');
}

/** Positional words of commands that mean what `meantRuns` does. */
export const MEANT_NAMES: PositionalSpec = {
  name: 'names',
  takes: 'list',
  completes: 'commands',
  help: 'Commands or their children; all detached ones when none is named',
};

/** People begin to wonder. */
const TELL_AFTER_MS = 1000;

function tellWaiting({ run, children }: ChosenRun): void {
  const alive = readRun(run.known.place)?.state.report.children.filter(({ pid }) => pid !== undefined) ?? [];
  const names = alive.map(({ name }) => name);
  const waited = children.length === 0 ? names : names.filter(name => children.includes(name));
  if (waited.length > 0) process.stderr.write(`Waiting for ${waited.join(', ')} …\n`);
}

/** Says from time to time who is still there. */
async function tellingWaiting<T>(chosen: ChosenRun, work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => tellWaiting(chosen), TELL_AFTER_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** The answer comes when it has been carried out. Who was stopped by Ctrl-Z hears nothing before it goes on. */
export function giveOrder({ run: { known }, children }: ChosenRun, what: Order['do']): Promise<Answer> {
  if (known.suspended) process.kill(known.state.supervisor.pid, 'SIGCONT');
  return order(known.place, { do: what, names: children });
}

/** Does it to all of them at the same time; the worst exit code, `none` where there are none. */
export async function withMeantRuns(
  session: Session,
  words: readonly string[],
  work: (chosen: ChosenRun) => Promise<number>,
  none: () => number,
): Promise<number> {
  const runs = meantRuns(session, words);
  if (typeof runs === 'number') return runs;
  if (runs.length === 0) return none();
  return Math.max(...(await Promise.all(runs.map(chosen => tellingWaiting(chosen, () => work(chosen))))));
}
