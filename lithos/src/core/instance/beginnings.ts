// How an instance comes into being: configured, found running, or found at rest.
import type { DesiredInstance } from '../desired/types.ts';
import { NEVER_MS } from './transitions.ts';
import type { HoldReason, Instance, Run, State } from './types.ts';

/** Nothing is known of it: `due` starts it at once, or `released` when it is held. */
export function freshInstance(
  desired: DesiredInstance,
  nextRun: number,
  nowMs: number,
  hold?: HoldReason,
): Instance {
  const state: State =
    hold === undefined
      ? { kind: 'waiting', reason: 'interval', startAtMs: nowMs }
      : { kind: 'held', reason: hold };
  return {
    name: desired.name,
    desired,
    state,
    nextRun,
    lastIdentity: undefined,
    lastStartMs: NEVER_MS,
    restarts: 0,
    failures: 0,
    row: 0,
    lastExit: undefined,
    problem: undefined,
  };
}

/** What lives on from supervisor to supervisor. */
export type History = Pick<Instance, 'name' | 'nextRun' | 'restarts' | 'failures' | 'row' | 'lastExit'>;

/** What an earlier supervisor left running. Undesired until a `configured` event says otherwise; `removed` stops it. */
export function adoptedInstance(
  history: History,
  run: Run,
  pid: number,
  readySinceMs: number | null,
): Instance {
  return {
    ...history,
    desired: undefined,
    state: { kind: 'running', run, pid, readySinceMs },
    lastIdentity: run.identity,
    lastStartMs: run.startedMs,
    problem: undefined,
  };
}

/** What an earlier supervisor left waiting or failed: as `adoptedInstance`, without a process. */
export function restingInstance(
  history: History,
  rest: Pick<Instance, 'lastIdentity' | 'lastStartMs' | 'problem'>,
  state: Extract<State, { kind: 'waiting' | 'failed' }>,
): Instance {
  return { ...history, ...rest, desired: undefined, state };
}
