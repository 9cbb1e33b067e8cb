// How a program ended: in words, and whether that is a failure.

/** Why a container ended, in the words people get to see. */
export interface LastExit {
  /** Exit code as the monitor reports it (128 + signal for a signal); null when it was lost with the monitor. */
  readonly code: number | null;
  readonly outOfMemory: boolean;
  /** True when lithos had asked it to end. */
  readonly requested: boolean;
  /** Why lithos asked, when that was not a matter of configuration: the failed check. */
  readonly reason?: string;
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
  if (exit.reason !== undefined) return `${how}${memory}, stopped because ${exit.reason}`;
  return `${how}${memory}${exit.requested ? ', as asked' : ''}`;
}

/** Failures are counted; a daemon is restarted either way. */
export function isFailure(exit: LastExit, normalExitCodes: readonly number[]): boolean {
  if (exit.reason !== undefined) return true;
  if (exit.requested || exit.code === TERM_CODE) return false;
  return exit.code === null || !normalExitCodes.includes(exit.code);
}
