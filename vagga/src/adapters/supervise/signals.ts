// Signals of the terminal and of others for a supervised run (§1.10 of the format).
import { signalGroups } from '../oci/processes.ts';
import type { Output } from './output.ts';
import type { Supervisor } from './supervisor.ts';

const ENDING = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;
const STOPPING = ['SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const;

function toAll(supervisor: Supervisor, signal: NodeJS.Signals): void {
  for (const { prepared } of supervisor.processes()) signalGroups(prepared.bundle.id, signal);
}

/** Returns what puts everything back. */
export function followSignals(supervisor: Supervisor, output: Output): () => void {
  const ending = ENDING.map(
    signal => [signal, () => supervisor.dispatch({ kind: 'signal', signal })] as const,
  );
  const stopping = STOPPING.map(signal => {
    const stop = () => {
      output.say('stderr', `Received ${signal} signal. Stopping children and self ..`);
      toAll(supervisor, 'SIGTSTP');
      process.kill(process.pid, 'SIGSTOP');
    };
    return [signal, stop] as const;
  });
  const goOn = () => {
    output.say('stderr', 'Received SIGCONT signal. Propagating ..');
    toAll(supervisor, 'SIGCONT');
  };
  const handlers = [...ending, ...stopping, ['SIGCONT', goOn] as const];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
