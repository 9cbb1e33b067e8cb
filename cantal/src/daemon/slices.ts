// Runs the sliced evaluation of queries between other work of the daemon.
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';

/** Nobody else waits longer than about this for the processor, however large a query is. */
const SLICE_MS = 8;

/** One query is computed at a time: each may hold 100 MiB meanwhile. */
let busy: Promise<unknown> = Promise.resolve();

async function drive<T>(work: Generator<unknown, T>): Promise<T> {
  let startedMs = performance.now();
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (performance.now() - startedMs < SLICE_MS) continue;
    await setImmediate();
    startedMs = performance.now();
  }
}

/** The result of `work`, computed in slices after the queries that came before. Rejects with what it throws. */
export function inSlices<T>(work: Generator<unknown, T>): Promise<T> {
  const result = busy.then(() => drive(work));
  busy = result.catch(() => undefined);
  return result;
}
