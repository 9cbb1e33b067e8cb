// From what is on disk (wall clock) to instances (monotonic clock), and back.
import type { Clock } from '@suite/shared/ports/index.ts';
import type { RunFiles, RunRecord } from '../adapters/records.ts';
import type { RestRecord } from '../adapters/rest.ts';
import { adoptedInstance, restingInstance } from '../core/instance/beginnings.ts';
import type { Instance, StopOrder } from '../core/instance/types.ts';

/** What an earlier supervisor left running, or ended and not looked at. */
export interface LeftRunning {
  readonly record: RunRecord;
  readonly files: RunFiles;
  /** Null for a run that waits for readiness and was not ready. */
  readonly readySinceWallMs: number | null;
  /** A stop that had begun. */
  readonly stopOrder: StopOrder | undefined;
}

function wallFromMonotonicMs(clock: Clock): number {
  return clock.wallMs() - clock.monotonicMs();
}

/** Never in the future: the wall clock may have been set back meanwhile. */
function past(clock: Clock, wallMs: number): number {
  return Math.min(clock.monotonicMs(), wallMs - wallFromMonotonicMs(clock));
}

/** `readySinceWallMs`: null for a run that waits for readiness and was not ready. */
export function fromRecord(
  clock: Clock,
  record: RunRecord,
  readySinceWallMs: number | null,
  firstFreeRun: number,
): Instance {
  const {
    name,
    restarts,
    failures,
    row,
    pid,
    identity,
    stop,
    normalExitCodes,
    waitsForReady,
    healthyAfterMs,
  } = record;
  const startedMs = past(clock, record.startedWallMs);
  const run = {
    number: record.run,
    identity,
    stop,
    normalExitCodes,
    waitsForReady,
    healthyAfterMs,
    startedMs,
  };
  const nextRun = Math.max(run.number + 1, firstFreeRun);
  const lastExit = record.lastExit ?? undefined;
  const readySinceMs = readySinceWallMs === null ? null : past(clock, readySinceWallMs);
  return adoptedInstance({ name, nextRun, restarts, failures, row, lastExit }, run, pid, readySinceMs);
}

export function fromRest(clock: Clock, rest: RestRecord, firstFreeRun: number): Instance {
  const { name, restarts, failures, row, identity } = rest;
  const history = { name, restarts, failures, row, lastExit: rest.lastExit ?? undefined };
  const lastStartMs = past(clock, rest.lastStartWallMs);
  const about = { lastIdentity: identity, lastStartMs, problem: rest.problem ?? undefined };
  const nextRun = Math.max(rest.nextRun, firstFreeRun);
  if (rest.startAtWallMs === null) return restingInstance({ ...history, nextRun }, about, { kind: 'failed' });
  // Counted from the last start, so that a wall clock that was set forward or back does not make it wait for years.
  const startAtMs = lastStartMs + Math.max(0, rest.startAtWallMs - rest.lastStartWallMs);
  const reason = rest.backoff ? 'back-off' : 'interval';
  return restingInstance({ ...history, nextRun }, about, { kind: 'waiting', reason, startAtMs });
}

/** Undefined for an instance that is not at rest. */
export function toRest(clock: Clock, instance: Instance): RestRecord | undefined {
  const { state, name, nextRun, lastIdentity, lastStartMs, restarts, failures, row } = instance;
  if ((state.kind !== 'waiting' && state.kind !== 'failed') || lastIdentity === undefined) return undefined;
  const wall = (ms: number) => Math.round(ms + wallFromMonotonicMs(clock));
  return {
    version: 1,
    name,
    nextRun,
    identity: lastIdentity,
    lastStartWallMs: wall(lastStartMs),
    startAtWallMs: state.kind === 'failed' ? null : wall(state.startAtMs),
    backoff: state.kind === 'waiting' && state.reason === 'back-off',
    restarts,
    failures,
    row,
    lastExit: instance.lastExit ?? null,
    problem: instance.problem ?? null,
  };
}
