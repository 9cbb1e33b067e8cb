// A supervised run from its first start to its exit code.
import { dirname } from 'node:path';
import type { SuperviseOptions, SuperviseState } from '../../core/supervise/types.ts';
import { sweepAbandoned } from '../oci/running.ts';
import type { Output } from './output.ts';
import { followSignals } from './signals.ts';
import { type SupervisedChild, Supervisor } from './supervisor.ts';
import { startWatchdog } from './watchdog.ts';

export interface RunHooks {
  /** Before anything starts. */
  begun?(supervisor: Supervisor): void;
  changed?(state: SuperviseState): void;
}

/** A reader that has gone (`vagga run | head`) ends the run as a signal would. */
function followReaders(supervisor: Supervisor): () => void {
  const gone = () => supervisor.dispatch({ kind: 'signal', signal: 'SIGTERM' });
  for (const stream of [process.stdout, process.stderr]) stream.on('error', gone);
  return () => {
    for (const stream of [process.stdout, process.stderr]) stream.off('error', gone);
  };
}

/** Runs the children until they have all ended; the exit code as in §1.10 of the format. */
export function supervise(
  children: readonly SupervisedChild[],
  options: SuperviseOptions,
  output: Output,
  hooks: RunHooks = {},
): Promise<number> {
  return new Promise(resolve => {
    const [first] = children;
    if (first === undefined) throw new RangeError('nothing to supervise');
    const { bundle, engine } = first.prepared;
    const running = dirname(bundle.directory);
    const watchdog = startWatchdog(running, engine);
    const ended = (code: number) => {
      for (const undo of undos) undo();
      watchdog.dismiss();
      void output.flushed().then(() => resolve(code));
    };
    const supervisor = new Supervisor(children, options, output, {
      finished: ended,
      changed: state => hooks.changed?.(state),
    });
    const undos = [followSignals(supervisor, output), followReaders(supervisor)];
    hooks.begun?.(supervisor);
    supervisor.dispatch({ kind: 'begin' });
    sweepAbandoned(running, engine);
  });
}
