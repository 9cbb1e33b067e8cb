// When an instance that ended may start again: never sooner than T after its last start, at once when it ran longer.

/**
 * Times are monotonic milliseconds. `lastStartMs` is the moment of the last attempt (a container that could not be
 * set up counts as started then); constant for ever: no back-off, no giving up.
 */
export function nextStartMs(nowMs: number, lastStartMs: number, restartTimeoutMs: number): number {
  return Math.max(nowMs, lastStartMs + restartTimeoutMs);
}

/** Why a container ended, in the words people get to see. */
export interface LastExit {
  /** Exit code as the monitor reports it (128 + signal for a signal); null when it was lost with the monitor. */
  readonly code: number | null;
  readonly outOfMemory: boolean;
  /** True when lithos had sent TERM before. */
  readonly requested: boolean;
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'HUP',
  2: 'INT',
  3: 'QUIT',
  4: 'ILL',
  6: 'ABRT',
  7: 'BUS',
  8: 'FPE',
  9: 'KILL',
  11: 'SEGV',
  13: 'PIPE',
  14: 'ALRM',
  15: 'TERM',
};

const SIGNAL_BASE = 128;
const TERM_CODE = SIGNAL_BASE + 15;

export function describeExit(exit: LastExit): string {
  if (exit.code === null) return 'ended, exit code lost with its monitor';
  const signal = SIGNALS[exit.code - SIGNAL_BASE];
  const how = signal === undefined ? `exited with code ${exit.code}` : `killed by SIG${signal}`;
  const memory = exit.outOfMemory ? ' after running out of memory' : '';
  return `${how}${memory}${exit.requested ? ', as asked' : ''}`;
}

/** Failures are counted; a daemon is restarted either way. Nothing is normal by default, not even 0. */
export function isFailure(exit: LastExit, normalExitCodes: readonly number[]): boolean {
  if (exit.requested || exit.code === TERM_CODE) return false;
  return exit.code === null || !normalExitCodes.includes(exit.code);
}
