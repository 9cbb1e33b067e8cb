// An instance at rest (waiting for its next start, or given up) has no run on disk; this file speaks for it.
import { join } from 'node:path';
import type { Disk } from '@suite/shared/ports/index.ts';
import { LIMITS } from '../config/defaults.ts';
import type { LastExit } from '../core/restart/exit.ts';
import { type HostPaths, instanceDir } from './paths.ts';

/** Format version 1; times are wall clock, ms. */
export interface RestRecord {
  readonly version: 1;
  readonly name: string;
  /** Runs below it are over. */
  readonly nextRun: number;
  readonly identity: string;
  readonly lastStartWallMs: number;
  /** Null: it has given up. */
  readonly startAtWallMs: number | null;
  readonly backoff: boolean;
  readonly restarts: number;
  readonly failures: number;
  readonly row: number;
  readonly lastExit: LastExit | null;
  readonly problem: string | null;
}

function fileOf(paths: HostPaths, name: string): string {
  return join(instanceDir(paths.instancesDir, name), 'rest.json');
}

export async function saveRest(disk: Disk, paths: HostPaths, record: RestRecord): Promise<void> {
  await disk.makeDirectory(instanceDir(paths.instancesDir, record.name));
  await disk.writeAtomic(fileOf(paths, record.name), JSON.stringify(record));
}

function isRest(value: Partial<RestRecord> | null, name: string): value is RestRecord {
  const numbers = [value?.nextRun, value?.lastStartWallMs, value?.restarts, value?.failures, value?.row];
  return (
    value?.version === 1 &&
    value.name === name &&
    typeof value.identity === 'string' &&
    numbers.every(Number.isFinite) &&
    (value.startAtWallMs === null || Number.isFinite(value.startAtWallMs))
  );
}

/** Undefined when there is none, or it is damaged: the instance then starts at once, as if it were new. */
async function readRest(disk: Disk, paths: HostPaths, name: string): Promise<RestRecord | undefined> {
  try {
    const text = await disk.readText(fileOf(paths, name), LIMITS.stateFileBytes);
    const value = JSON.parse(text ?? 'null') as Partial<RestRecord> | null;
    return isRest(value, name) ? value : undefined;
  } catch {
    return undefined;
  }
}

export async function findRests(disk: Disk, paths: HostPaths): Promise<RestRecord[]> {
  const found: RestRecord[] = [];
  for (const sandbox of (await disk.list(paths.instancesDir)) ?? []) {
    for (const instance of (await disk.list(join(paths.instancesDir, sandbox))) ?? []) {
      const rest = await readRest(disk, paths, `${sandbox}/${instance}`);
      if (rest !== undefined) found.push(rest);
    }
  }
  return found;
}
