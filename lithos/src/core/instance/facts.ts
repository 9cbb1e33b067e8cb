// What others want to know of an instance without knowing its states.
import type { Instance, Run } from './types.ts';

/** The run that is going on; undefined while nothing runs. */
export function currentRun({ state }: Instance): Run | undefined {
  return 'run' in state ? state.run : undefined;
}

export function isReady({ state }: Instance): boolean {
  return state.kind === 'running' && state.readySinceMs !== null;
}

/** Ready without a break for that long. */
export function isSettled({ state }: Instance, settleMs: number, nowMs: number): boolean {
  return state.kind === 'running' && state.readySinceMs !== null && nowMs - state.readySinceMs >= settleMs;
}

/**
 * Whether its listening sockets are kept open: over a restart yes, because the program is back at once and clients wait
 * in the backlog; not while nobody will answer for long.
 */
export function wantsSockets({ desired, state }: Instance): boolean {
  switch (state.kind) {
    case 'starting':
    case 'running':
    case 'stopping':
      return true;
    case 'waiting':
      return desired !== undefined && state.reason === 'interval';
    case 'held':
    case 'failed':
    case 'gone':
      return false;
  }
}
