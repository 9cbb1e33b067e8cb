// The moves from which the table of machine.ts is made.
import { TIMES } from '../../config/defaults.ts';
import type { DesiredInstance } from '../desired/types.ts';
import { hasGivenUp, isBackoff, nextStartMs } from '../restart/delay.ts';
import { describeExit, isFailure, type LastExit } from '../restart/exit.ts';
import type { Effect, Instance, Run, State, Step, StopCause, StopOrder } from './types.ts';

export const NEVER_MS = Number.NEGATIVE_INFINITY;

export function stay(instance: Instance, ...effects: Effect[]): Step {
  return { instance, effects };
}

export function become(instance: Instance, state: State, ...effects: Effect[]): Step {
  return { instance: { ...instance, state }, effects };
}

export function vanish(instance: Instance): Step {
  return become({ ...instance, desired: undefined }, { kind: 'gone' }, { kind: 'forget' });
}

/** Another identity has not failed yet. */
export function configure(instance: Instance, desired: DesiredInstance): Instance {
  return { ...instance, desired, row: desired.identity === instance.lastIdentity ? instance.row : 0 };
}

export function forgiven(instance: Instance): Instance {
  return { ...instance, row: 0, problem: undefined };
}

/** What stays true of a run when the configuration changes. */
export function runTerms(desired: DesiredInstance): Omit<Run, 'number' | 'identity' | 'startedMs'> {
  const { stop, normalExitCodes, readiness, restart } = desired;
  const { healthyAfterMs } = restart;
  return { stop, normalExitCodes, waitsForReady: readiness !== null, healthyAfterMs };
}

/** Ends when the instance is not wanted. */
export function start(instance: Instance, nowMs: number): Step {
  const { desired } = instance;
  if (desired === undefined) return vanish(instance);
  const { identity } = desired;
  const run = { number: instance.nextRun, identity, ...runTerms(desired), startedMs: nowMs };
  const again = instance.lastStartMs === NEVER_MS ? 0 : 1;
  const next = {
    ...instance,
    nextRun: run.number + 1,
    lastIdentity: desired.identity,
    lastStartMs: nowMs,
    restarts: instance.restarts + again,
  };
  return become(next, { kind: 'starting', run, thenStop: null }, { kind: 'start', run, desired });
}

export function wait(instance: Instance, reason: 'interval' | 'back-off', startAtMs: number): Step {
  return become(
    instance,
    { kind: 'waiting', reason, startAtMs },
    { kind: 'wake', event: 'due', atMs: startAtMs },
    { kind: 'rest' },
  );
}

/** Starts now, or waits until the policy allows it and `earliestMs` has come; ends when the instance is not wanted. */
export function startOrWait(instance: Instance, earliestMs: number, nowMs: number): Step {
  const { desired, lastStartMs, row } = instance;
  if (desired === undefined) return vanish(instance);
  const at = Math.max(earliestMs, nextStartMs(nowMs, lastStartMs, desired.restart, row));
  if (at <= nowMs) return start(instance, nowMs);
  return wait(instance, isBackoff(desired.restart, row) ? 'back-off' : 'interval', at);
}

function giveUp(instance: Instance): Step {
  const last = instance.problem ?? (instance.lastExit === undefined ? '' : describeExit(instance.lastExit));
  const problem = `${instance.row} failures in a row, the last one: ${last}`;
  return become({ ...instance, problem }, { kind: 'failed' }, { kind: 'rest' });
}

/** After an end that counts in the row. */
function retry(instance: Instance, earliestMs: number, nowMs: number): Step {
  const { desired, row } = instance;
  const out = desired !== undefined && hasGivenUp(desired.restart, row);
  return out ? giveUp(instance) : startOrWait(instance, earliestMs, nowMs);
}

/** The new run comes first: removing what the old one left is not urgent. Unless nothing follows. */
function afterRun(step: Step, run: Run): Step {
  const over: Effect[] = [{ kind: 'unobserve', run }];
  const discard: Effect = { kind: 'discard', run };
  const last = step.effects.some(effect => effect.kind === 'forget');
  const effects = last ? [...over, discard, ...step.effects] : [...over, ...step.effects, discard];
  return { instance: step.instance, effects };
}

export function startFailed(instance: Instance, run: Run, message: string, nowMs: number): Step {
  const failed = { ...instance, problem: message, failures: instance.failures + 1 };
  // Whoever was configured differently meanwhile has not failed yet.
  const changed = instance.desired?.identity !== run.identity;
  const next = changed
    ? startOrWait({ ...failed, row: 0 }, nowMs, nowMs)
    : retry({ ...failed, row: instance.row + 1 }, nowMs + TIMES.failedStartMs, nowMs);
  return { instance: next.instance, effects: [{ kind: 'discard', run }, ...next.effects] };
}

export function isHealthy(run: Run, readySinceMs: number | null, nowMs: number): boolean {
  return readySinceMs !== null && nowMs - readySinceMs >= run.healthyAfterMs;
}

/** It ended by itself. */
export function diedAlone(
  instance: Instance,
  run: Run,
  exit: LastExit,
  healthy: boolean,
  nowMs: number,
): Step {
  const failure = isFailure(exit, run.normalExitCodes);
  const row = healthy ? Number(failure) : instance.row + 1;
  const failures = instance.failures + Number(failure);
  const known = { ...instance, problem: undefined, lastExit: exit, failures, row };
  return afterRun(retry(known, nowMs, nowMs), run);
}

export function beginStop(
  instance: Instance,
  state: Extract<State, { kind: 'running' }>,
  cause: StopCause,
  nowMs: number,
): Step {
  const { run, pid } = state;
  const deadlineMs = nowMs + run.stop.timeoutMs;
  const hooked = run.stop.hook.length > 0;
  const wasHealthy = isHealthy(run, state.readySinceMs, nowMs);
  const first: Effect = hooked
    ? { kind: 'hook', run, pid }
    : { kind: 'terminate', run, pid, signal: run.stop.signal };
  const phase = hooked ? 'hook' : 'signal';
  const order = stopOrder(instance, cause);
  return become(
    instance,
    { kind: 'stopping', run, pid, cause, phase, deadlineMs, wasHealthy },
    first,
    { kind: 'wake', event: 'deadline', atMs: deadlineMs },
    ...(order === undefined ? [] : [{ kind: 'note-stop', run, order } as const]),
  );
}

function stopOrder({ problem }: Instance, cause: StopCause): StopOrder | undefined {
  if (cause === 'restart') return { kind: 'restart' };
  return cause === 'sick' ? { kind: 'sick', message: problem ?? '' } : undefined;
}

/** The end of a stop that we asked for. */
export function stopped(
  instance: Instance,
  state: Extract<State, { kind: 'stopping' }>,
  exit: LastExit,
  nowMs: number,
): Step {
  const { run, cause, phase, wasHealthy } = state;
  // A stop that needed KILL is a failure although it was asked for: the program did not do as it was told.
  const failure = phase === 'kill' || isFailure(exit, run.normalExitCodes);
  const known = {
    ...instance,
    problem: undefined,
    lastExit: exit,
    failures: instance.failures + Number(failure),
  };
  if (cause === 'restart') return afterRun(startOrWait({ ...known, row: 0 }, nowMs, nowMs), run);
  if (cause !== 'sick') return afterRun(startOrWait(known, nowMs, nowMs), run);
  // Whoever was configured differently meanwhile starts without a row.
  const changed = instance.desired?.identity !== run.identity;
  const row = changed ? 0 : wasHealthy ? 1 : instance.row + 1;
  return afterRun(retry({ ...known, row }, nowMs, nowMs), run);
}
