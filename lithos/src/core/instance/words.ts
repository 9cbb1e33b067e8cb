// States in words, for lithos_ps and the log.
import type { State } from './types.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

function duration(ms: number): string {
  return ms < MINUTE_MS ? `${(ms / SECOND_MS).toFixed(1)} s` : `${Math.round(ms / MINUTE_MS)} min`;
}

/** `nextStartInMs` only matters while waiting; a time that has passed means the start is imminent. */
export function describeState(
  kind: State['kind'],
  nextStartInMs: number | null,
  problem: string | null,
): string {
  switch (kind) {
    case 'waiting': {
      const when =
        nextStartInMs === null || nextStartInMs <= 0
          ? 'starts again now'
          : `starts again in ${duration(nextStartInMs)}`;
      return problem === null ? `waiting: ${when}` : `failing: ${problem}; ${when}`;
    }
    case 'starting':
      return 'starting';
    case 'running':
      return problem === null ? 'running' : `running; ${problem}`;
    case 'stopping':
      return 'stopping: has been asked to end';
    case 'gone':
      return 'gone';
  }
}
