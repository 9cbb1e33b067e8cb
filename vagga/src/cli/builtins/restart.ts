// `_restart`: programs of commands that run are ended and started again; who was stopped is started.
import { type ChosenRun, giveOrder, meantRuns, tellingWaiting } from '../chosen-runs.ts';
import { type Session, say } from '../session.ts';
import { entry } from './registry.ts';

async function restartOne(chosen: ChosenRun): Promise<number> {
  const { command, known } = chosen.run;
  if (!known.alive) return say(121, `${command} has ended: vagga --detach ${command}`);
  const answer = await giveOrder(chosen, 'restart');
  return answer.ok ? 0 : say(121, `${command} was not started again: ${answer.message ?? ''}`);
}

async function restart(session: Session, words: readonly string[]): Promise<number> {
  const runs = meantRuns(session, words);
  if (typeof runs === 'number') return runs;
  if (runs.length === 0) return say(121, 'nothing is running in the background');
  const codes = await Promise.all(runs.map(chosen => tellingWaiting(chosen, () => restartOne(chosen))));
  return Math.max(...codes);
}

export const restartEntry = entry(
  {
    name: 'vagga _restart',
    description: 'End programs of commands that run, and start them again',
    options: [],
    positionals: [
      {
        name: 'names',
        takes: 'list',
        completes: 'commands',
        help: 'Commands or their children; all detached ones when none is named',
      },
    ],
    epilogue: `A child that was stopped is started. Images and config stay those of the start: after an edit of vagga.yaml
use _stop and start the command anew.`,
  },
  (session, { words }) => restart(session, words),
);
