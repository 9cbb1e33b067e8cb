// When an instance that ended may start again. With T = restart-timeout:
//
//   next start = max(now, last start + delay)         delay = T, T, 2T, 4T … for 0, 1, 2, 3 … failures in a row,
//                                                     never above max(T, ceiling); T = 0: no delay, however often
import type { RestartPolicy } from '../desired/types.ts';

/** 2^40 ms are decades; beyond, the power would lose its meaning. */
const EXPONENT_MAX = 40;

/** Least time between two starts after `row` failures in a row, in ms. */
export function startDelayMs({ timeoutMs, backoffMaxMs }: RestartPolicy, row: number): number {
  const doubled = timeoutMs * 2 ** Math.min(Math.max(0, row - 1), EXPONENT_MAX);
  return Math.min(doubled, Math.max(timeoutMs, backoffMaxMs));
}

/** Monotonic ms. `lastStartMs`: of the last attempt, also of one that could not be set up. */
export function nextStartMs(nowMs: number, lastStartMs: number, policy: RestartPolicy, row: number): number {
  return Math.max(nowMs, lastStartMs + startDelayMs(policy, row));
}

/** A waiting instance is in back-off when it waits longer than it would after a good run. */
export function isBackoff(policy: RestartPolicy, row: number): boolean {
  return startDelayMs(policy, row) > policy.timeoutMs;
}

export function hasGivenUp({ maxFailures }: RestartPolicy, row: number): boolean {
  return maxFailures !== null && row >= maxFailures;
}
