// Signals of the terminal and of others for a supervised run (§1.10 of the format).
import { setImmediate as nextTurn } from 'node:timers/promises';
import { signalGroups } from '../oci/processes.ts';
import type { Output } from './output.ts';
import type { Supervisor } from './supervisor.ts';

const ENDING = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;
const STOPPING = ['SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const;

function toAll(supervisor: Supervisor, signal: NodeJS.Signals): void {
  for (const { prepared } of supervisor.processes()) signalGroups(prepared.bundle.id, signal);
}

/**
 * Stops the children, then us. Whoever sees that the children are stopped may say CONT before we are: signals wait in the event loop
 * until the next turn, so that is looked at last.
 */
class Suspension {
  readonly #supervisor: Supervisor;
  readonly #output: Output;
  #isWanted = false;

  constructor(supervisor: Supervisor, output: Output) {
    this.#supervisor = supervisor;
    this.#output = output;
  }

  async begin(signal: string): Promise<void> {
    this.#isWanted = true;
    this.#output.say('stderr', `Received ${signal} signal. Stopping children and self ..`);
    toAll(this.#supervisor, 'SIGTSTP');
    await nextTurn();
    await nextTurn();
    if (this.#isWanted) process.kill(process.pid, 'SIGSTOP');
  }

  readonly end = (): void => {
    this.#isWanted = false;
    this.#output.say('stderr', 'Received SIGCONT signal. Propagating ..');
    toAll(this.#supervisor, 'SIGCONT');
  };
}

/** Returns what puts everything back. */
export function followSignals(supervisor: Supervisor, output: Output): () => void {
  const ending = ENDING.map(
    signal => [signal, () => supervisor.dispatch({ kind: 'signal', signal })] as const,
  );
  const suspension = new Suspension(supervisor, output);
  const stopping = STOPPING.map(signal => [signal, () => void suspension.begin(signal)] as const);
  const handlers = [...ending, ...stopping, ['SIGCONT', suspension.end] as const];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
