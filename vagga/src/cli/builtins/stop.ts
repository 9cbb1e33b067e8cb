// `_stop`: commands that run, or some of their children, are asked to end.
import { setTimeout as sleep } from 'node:timers/promises';
import { order } from '../../adapters/runs/control.ts';
import { type KnownRun, readRun } from '../../adapters/runs/state.ts';
import { type ChosenRun, chosenRuns } from '../chosen-runs.ts';
import { type Session, say } from '../session.ts';
import { entry } from './registry.ts';

const POLL_MS = 20;
/** People begin to wonder. */
const TELL_AFTER_MS = 1000;

const runningNames = ({ state }: KnownRun): string[] =>
  state.report.children.filter(({ pid }) => pid !== undefined).map(({ name }) => name);

function tellWaiting({ run, children }: ChosenRun): void {
  const now = readRun(run.known.place);
  const names = now === undefined ? [] : runningNames(now);
  const waited = children.length === 0 ? names : names.filter(name => children.includes(name));
  if (waited.length > 0) process.stderr.write(`Waiting for ${waited.join(', ')} …\n`);
}

async function supervisorGone({ place }: KnownRun): Promise<void> {
  while (readRun(place)?.alive) await sleep(POLL_MS);
}

/** Who was stopped by Ctrl-Z hears nothing before it goes on. */
function wake({ suspended, state }: KnownRun): void {
  if (suspended) process.kill(state.supervisor.pid, 'SIGCONT');
}

async function stopOne(chosen: ChosenRun): Promise<number> {
  const { run, children } = chosen;
  const { known } = run;
  const isWhole = children.length === 0;
  const timer = setInterval(() => tellWaiting(chosen), TELL_AFTER_MS);
  try {
    wake(known);
    const answer = known.alive ? await order(known.place, { do: 'stop', names: children }) : { ok: true };
    // Whoever ended by itself while it was asked has done what was wanted.
    if (!answer.ok && readRun(known.place)?.alive)
      return say(121, `${run.command} does not answer: ${'message' in answer ? answer.message : ''}`);
    if (!isWhole) return 0;
    await supervisorGone(known);
    known.place.remove();
    return 0;
  } finally {
    clearInterval(timer);
  }
}

async function stop(session: Session, words: readonly string[]): Promise<number> {
  const runs = chosenRuns(session, words);
  if (typeof runs === 'number') return runs;
  // What somebody looks at in another terminal ends only if it is named.
  const meant = runs.filter(({ run }) => words.length > 0 || run.known.place.mode === 'detached');
  const codes = await Promise.all(meant.map(stopOne));
  return Math.max(0, ...codes);
}

export const stopEntry = entry(
  {
    name: 'vagga _stop',
    description: 'End commands that run, or some of their children',
    options: [],
    positionals: [
      {
        name: 'names',
        takes: 'list',
        completes: 'commands',
        help: 'Commands or their children; all detached ones when none is named',
      },
    ],
  },
  (session, { words }) => stop(session, words),
);
