// `_stop`: detached commands, or some of their children, are asked to end.
import { setTimeout as sleep } from 'node:timers/promises';
import { order } from '../../adapters/detached/control.ts';
import { type Detached, readDetached } from '../../adapters/detached/state.ts';
import { type ChosenRun, chosenRuns } from '../detached.ts';
import { type Session, say } from '../session.ts';
import { entry } from './registry.ts';

const POLL_MS = 20;
/** People begin to wonder. */
const TELL_AFTER_MS = 1000;

const runningNames = ({ state }: Detached): string[] =>
  state.report.children.filter(({ pid }) => pid !== undefined).map(({ name }) => name);

function tellWaiting({ detached, children }: ChosenRun): void {
  const now = readDetached(detached.place);
  const names = now === undefined ? [] : runningNames(now);
  const waited = children.length === 0 ? names : names.filter(name => children.includes(name));
  if (waited.length > 0) process.stderr.write(`Waiting for ${waited.join(', ')} …\n`);
}

async function supervisorGone({ place }: Detached): Promise<void> {
  while (readDetached(place)?.alive) await sleep(POLL_MS);
}

async function stopOne(run: ChosenRun): Promise<number> {
  const { detached, children, command } = run;
  const isWhole = children.length === 0;
  const timer = setInterval(() => tellWaiting(run), TELL_AFTER_MS);
  try {
    const answer = detached.alive
      ? await order(detached.place, { do: 'stop', names: children })
      : { ok: true };
    // Whoever ended by itself while it was asked has done what was wanted.
    if (!answer.ok && readDetached(detached.place)?.alive)
      return say(121, `${command} does not answer: ${'message' in answer ? answer.message : ''}`);
    if (!isWhole) return 0;
    await supervisorGone(detached);
    detached.place.remove();
    return 0;
  } finally {
    clearInterval(timer);
  }
}

async function stop(session: Session, words: readonly string[]): Promise<number> {
  const runs = chosenRuns(session, words);
  if (typeof runs === 'number') return runs;
  const codes = await Promise.all(runs.map(stopOne));
  return Math.max(0, ...codes);
}

export const stopEntry = entry(
  {
    name: 'vagga _stop',
    description: 'End detached commands, or some of their children',
    options: [],
    positionals: [
      {
        name: 'names',
        takes: 'list',
        completes: 'commands',
        help: 'Commands or their children; all when none is named',
      },
    ],
  },
  (session, { words }) => stop(session, words),
);
