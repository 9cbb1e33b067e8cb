// Waiting for a condition with a deadline, interruptible at every moment.
import { setTimeout as sleep } from 'node:timers/promises';
import { POLL_MS } from './defaults.ts';
import { DemoError, Interrupted } from './run.ts';

export interface WaitOptions {
  readonly what: string;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  readonly everyMs?: number;
  /** Called when the deadline has passed; adds what is known to the error. */
  readonly explain?: () => string | Promise<string>;
}

/** The first value of `probe` that is not undefined. */
export async function waitFor<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  options: WaitOptions,
): Promise<T> {
  const startedMs = performance.now();
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (options.signal?.aborted) throw new Interrupted('stopped');
    if (performance.now() - startedMs > options.deadlineMs) {
      const known = options.explain === undefined ? '' : `\n${await options.explain()}`;
      throw new DemoError(`${options.what}: not within ${Math.round(options.deadlineMs / 1000)} s${known}`);
    }
    await pause(options.everyMs ?? POLL_MS, options.signal);
  }
}

export async function pause(delayMs: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
  } catch {
    throw new Interrupted('stopped');
  }
}
