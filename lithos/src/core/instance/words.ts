// States in words, for lithos_ps, lithos_switch and the log.
import type { InstanceStatus } from '@suite/shared/wire/lithos.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

function duration(ms: number): string {
  if (ms >= MINUTE_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  return ms < 10 * SECOND_MS ? `${(ms / SECOND_MS).toFixed(1)} s` : `${Math.round(ms / SECOND_MS)} s`;
}

type Described = Pick<
  InstanceStatus,
  'state' | 'ready' | 'reason' | 'nextStartWallMs' | 'problem' | 'failuresInRow'
>;

function failures({ failuresInRow: count }: Described): string {
  return count === 1 ? '1 failure' : `${count} failures`;
}

/** A time that has passed means the start is imminent. */
function left({ nextStartWallMs }: Described, nowMs: number): string {
  const leftMs = (nextStartWallMs ?? nowMs) - nowMs;
  return leftMs <= 0 ? 'starts again now' : `starts again in ${duration(leftMs)}`;
}

function waiting(status: Described, nowMs: number): string {
  const why = status.problem === null ? '' : `: ${status.problem}`;
  switch (status.reason) {
    case 'after':
      return `waiting for other processes${why}`;
    case 'roll-out':
      return `waiting for its turn in the roll-out${why}`;
    case 'back-off':
      return `waiting: back-off after ${failures(status)}, ${left(status, nowMs)}${why}`;
    case 'interval':
    case null:
      return status.problem === null
        ? `waiting: ${left(status, nowMs)}`
        : `failing: ${status.problem}; ${left(status, nowMs)}`;
  }
}

/** `nowMs`: wall clock. */
export function describeState(status: Described, nowMs: number): string {
  const { problem } = status;
  switch (status.state) {
    case 'waiting':
      return waiting(status, nowMs);
    case 'running':
      if (!status.ready) return problem === null ? 'running, not ready yet' : `not ready: ${problem}`;
      return problem === null ? 'running' : `running; ${problem}`;
    case 'stopping':
      return 'stopping: has been asked to end';
    case 'failed':
      return problem === null ? 'failed' : `failed: ${problem}`;
    case 'starting':
    case 'gone':
      return status.state;
  }
}
