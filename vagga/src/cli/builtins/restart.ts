// `_restart`: programs of commands that run are ended and started again; who was stopped is started.
import { type ChosenRun, giveOrder, MEANT_NAMES, withMeantRuns } from '../chosen-runs.ts';
import { say } from '../session.ts';
import { entry } from './registry.ts';

async function restartOne(chosen: ChosenRun): Promise<number> {
  const { command, known } = chosen.run;
  if (!known.alive) return say(121, `${command} has ended: vagga --detach ${command}`);
  const answer = await giveOrder(chosen, 'restart');
  return answer.ok ? 0 : say(121, `${command} was not started again: ${answer.message ?? ''}`);
}

export const restartEntry = entry(
  {
    name: 'vagga _restart',
    description: 'End programs of commands that run, and start them again',
    options: [],
    positionals: [MEANT_NAMES],
    epilogue: `A child that was stopped is started. Images and config stay those of the start: after an edit of vagga.yaml
use _stop and start the command anew.`,
  },
  (session, { words }) =>
    withMeantRuns(session, words, restartOne, () => say(121, 'nothing is running in the background')),
);
