// What an instance uses of what it may use, and what it runs.
import type { Cgroups } from '../../adapters/cgroups.ts';
import type { SeenInstance } from './find-trees.ts';
import { bytes, type Shown } from './shown.ts';

export interface Usage {
  readonly memoryBytes: number | undefined;
  /** Undefined, here and below: no limit. */
  readonly memoryLimitBytes: number | undefined;
  readonly pids: number | undefined;
  readonly pidsMax: number | undefined;
  readonly throttledMs: number | undefined;
}

/** From here on the next program or request may be the one too many. */
const NEAR = 0.9;
const PERCENT = 100;
const MS_PER_S = 1000;

export function usageOf(cgroups: Cgroups, name: string): Usage {
  const { memoryLimitBytes, pids, pidsMax, throttledMs } = cgroups.stats(name);
  return { memoryBytes: cgroups.workingSetBytes(name), memoryLimitBytes, pids, pidsMax, throttledMs };
}

function isNear(used: number | undefined, limit: number | undefined): boolean {
  return used !== undefined && limit !== undefined && used >= NEAR * limit;
}

/** Words for whoever looks in passing; none while there is room. */
export function nearLimits({ memoryBytes = 0, memoryLimitBytes, pids, pidsMax }: Usage): string[] {
  const part = (used: number, limit = used) => Math.floor((used / limit) * PERCENT);
  return [
    ...(isNear(memoryBytes, memoryLimitBytes)
      ? [`memory: ${part(memoryBytes, memoryLimitBytes)}% of its limit`]
      : []),
    ...(isNear(pids, pidsMax) ? [`${pids} of ${pidsMax} processes and threads`] : []),
  ];
}

/** Of the run, from its identity; undefined while nothing runs. */
export function imageOf({ identity }: SeenInstance): string | undefined {
  try {
    const { image } = JSON.parse(identity ?? '{}') as { image?: unknown };
    return typeof image === 'string' ? image : undefined;
  } catch {
    return undefined;
  }
}

function ofLimit(used: string, limit: string | undefined): string {
  return limit === undefined ? `${used}, no limit` : `${used} of ${limit}`;
}

/** Lines for `lithos_ps --long`. `addresses`: on which it listens. */
export function longNotes({ instance }: Shown, usage: Usage, addresses: readonly string[]): string[] {
  const image = imageOf(instance);
  if (image === undefined) return [];
  const { memoryBytes, memoryLimitBytes, pids, pidsMax, throttledMs = 0 } = usage;
  const started = instance.status?.startedWallMs ?? undefined;
  const since = started === undefined ? '' : `, since ${new Date(started).toISOString()}`;
  const limit = memoryLimitBytes === undefined ? undefined : bytes(memoryLimitBytes);
  return [
    `image ${image}, run ${instance.run}${since}`,
    ...(memoryBytes === undefined ? [] : [`memory ${ofLimit(bytes(memoryBytes), limit)}`]),
    ...(pids === undefined ? [] : [`processes and threads ${ofLimit(String(pids), pidsMax?.toString())}`]),
    ...(addresses.length > 0 ? [`listens on ${addresses.join(', ')}`] : []),
    ...(throttledMs > 0 ? [`waited ${(throttledMs / MS_PER_S).toFixed(1)} s for its cpu-quota`] : []),
  ];
}
