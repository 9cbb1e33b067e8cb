// Ctrl-C and its relatives while something is made that must not be left half done.
import { constants } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** The keys of a terminal, its end, and `kill`. */
const INTERRUPTS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

export interface Interruptible<T> {
  readonly value: T;
  /** 0, or 128 + number of the signal that came. */
  readonly code: number;
}

/** `work` ends soon after its signal is aborted, and cleans up. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<Interruptible<T>> {
  const aborting = new AbortController();
  let code = 0;
  const interrupt = (signal: NodeJS.Signals) => {
    code = 128 + constants.signals[signal];
    aborting.abort();
  };
  for (const signal of INTERRUPTS) process.on(signal, interrupt);
  try {
    const value = await work(aborting.signal);
    // One that has come by now waits in the event loop, and would get lost with who listens to it.
    await nextTurn();
    await nextTurn();
    return { value, code };
  } finally {
    for (const signal of INTERRUPTS) process.off(signal, interrupt);
  }
}

/** `work` returns an exit code, or throws, which `failed` turns into one; an interrupt has its own and needs no words. */
export async function orInterrupted(
  work: (signal: AbortSignal) => Promise<number>,
  failed: (error: Error) => number,
): Promise<number> {
  const { value, code } = await interruptible(async signal => {
    try {
      return await work(signal);
    } catch (error) {
      return signal.aborted ? 0 : failed(error as Error);
    }
  });
  return code === 0 ? value : code;
}
