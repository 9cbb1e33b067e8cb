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

/**
 * From the end of the work on, until whoever comes next listens: one that had come just before waits in the event loop, and would get lost
 * if nobody listened. Then it does what it does to a program that never listened.
 */
function late(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  process.off(signal, late);
  process.kill(process.pid, signal);
}

function keepListening(): void {
  for (const signal of INTERRUPTS) if (!process.listeners(signal).includes(late)) process.on(signal, late);
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
    // One that has come by now waits in the event loop too.
    await nextTurn();
    await nextTurn();
    return { value, code };
  } finally {
    keepListening();
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
