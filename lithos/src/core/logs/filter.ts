// What is shown of a log.
import type { LogEntry } from './joiner.ts';

export interface LogFilter {
  /** ms since 1970; undefined: from the beginning. */
  readonly sinceMs: number | undefined;
  readonly text: string | undefined;
}

/** A line without a time is as old as the one before it; at the very beginning of a file nobody knows. */
export function isShown({ wallMs, text }: LogEntry, filter: LogFilter): boolean {
  if (filter.sinceMs !== undefined && !(wallMs >= filter.sinceMs)) return false;
  return filter.text === undefined || text.includes(filter.text);
}

/** Several logs as one, in order of time; within one log the order stays. */
export function* mergeByTime<T extends { readonly wallMs: number }>(
  logs: readonly Iterable<T>[],
): Generator<{ readonly index: number; readonly entry: T }> {
  const iterators = logs.map(log => log[Symbol.iterator]());
  const heads = iterators.map(each => each.next());
  for (;;) {
    let first = -1;
    let firstMs = Number.POSITIVE_INFINITY;
    for (const [index, head] of heads.entries()) {
      if (head.done) continue;
      // One without a time must not be held back by those that have one.
      const ms = Number.isNaN(head.value.wallMs) ? Number.NEGATIVE_INFINITY : head.value.wallMs;
      if (first >= 0 && ms >= firstMs) continue;
      first = index;
      firstMs = ms;
    }
    const head = heads[first];
    const iterator = iterators[first];
    if (head === undefined || head.done || iterator === undefined) return;
    yield { index: first, entry: head.value };
    heads[first] = iterator.next();
  }
}
