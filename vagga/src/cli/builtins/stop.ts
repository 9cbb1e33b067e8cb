// `_stop`: commands that run, or some of their children, are asked to end.
import { setTimeout as sleep } from 'node:timers/promises';
import { type KnownRun, readRun } from '../../adapters/runs/state.ts';
import { type ChosenRun, giveOrder, MEANT_NAMES, withMeantRuns } from '../chosen-runs.ts';
import { say } from '../session.ts';
import { entry } from './registry.ts';

const POLL_MS = 20;

async function supervisorGone({ place }: KnownRun): Promise<void> {
  while (readRun(place)?.alive) await sleep(POLL_MS);
}

async function stopOne(chosen: ChosenRun): Promise<number> {
  const { run, children } = chosen;
  const { known } = run;
  const answer = known.alive ? await giveOrder(chosen, 'stop') : { ok: true };
  // Whoever ended by itself while it was asked has done what was wanted.
  if (!answer.ok && readRun(known.place)?.alive)
    return say(121, `${run.command} does not answer: ${'message' in answer ? answer.message : ''}`);
  if (children.length > 0) return 0;
  await supervisorGone(known);
  known.place.remove();
  return 0;
}

export const stopEntry = entry(
  {
    name: 'vagga _stop',
    description: 'End commands that run, or some of their children',
    options: [],
    positionals: [MEANT_NAMES],
  },
  (session, { words }) => withMeantRuns(session, words, stopOne, () => 0),
);
