// The supervisor of a detached command: no terminal, but a log.
import type { SuperviseOptions } from '../../core/supervise/types.ts';
import { supervise } from '../supervise/run.ts';
import type { SupervisedChild, Supervisor } from '../supervise/supervisor.ts';
import { LogOutput } from './log-output.ts';
import type { RunPlace } from './place.ts';
import { publish } from './published.ts';

export interface RunWish {
  readonly command: string;
  readonly children: readonly SupervisedChild[];
  readonly options: SuperviseOptions;
}

/** `started` is called when the processes run, as far as they need not wait. */
export async function superviseDetached(
  place: RunPlace,
  { command, children, options }: RunWish,
  started: () => void,
): Promise<number> {
  const output = new LogOutput(place);
  const { hooks, close } = publish(place, command, children);
  const begun = (supervisor: Supervisor) => {
    hooks.begun(supervisor);
    setImmediate(started);
  };
  const code = await supervise(children, options, output, { begun, changed: hooks.changed });
  close();
  output.close();
  return code;
}
