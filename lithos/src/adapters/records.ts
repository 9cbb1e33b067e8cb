// What survives the supervisor: one directory per run with the bundle and a record of what was started.
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { processStartTime } from '@suite/shared/linux/proc.ts';
import type { Disk } from '@suite/shared/ports/index.ts';
import { LIMITS } from '../config/defaults.ts';
import type { LastExit } from '../core/restart/restart.ts';
import { ANNOTATION } from './bundle.ts';
import { containerId, type HostPaths, instanceDir } from './paths.ts';

/** Written between create and start of a container, so whatever runs has one; format version 1. */
export interface RunRecord {
  readonly version: 1;
  readonly name: string;
  readonly run: number;
  readonly identity: string;
  readonly pid: number;
  /** From /proc/PID/stat: with the pid it names one process for ever. */
  readonly processStart: string;
  readonly startedWallMs: number;
  readonly killTimeoutMs: number;
  readonly normalExitCodes: readonly number[];
  readonly restarts: number;
  readonly failures: number;
  readonly lastExit: LastExit | null;
}

export interface RunFiles {
  readonly id: string;
  readonly bundle: string;
  readonly record: string;
  readonly pidFile: string;
  readonly monitorPidFile: string;
  readonly persistDir: string;
}

export function runFiles(paths: HostPaths, name: string, run: number): RunFiles {
  const bundle = join(instanceDir(paths.instancesDir, name), String(run));
  return {
    id: containerId(name, run),
    bundle,
    record: join(bundle, 'record.json'),
    pidFile: join(bundle, 'pid'),
    monitorPidFile: join(bundle, 'conmon.pid'),
    persistDir: join(bundle, 'persist'),
  };
}

export function sameProcess(pid: number, processStart: string): boolean {
  return processStartTime(pid) === processStart;
}

/** Found on disk: a complete record, or a run that never got that far. */
export type FoundRun =
  | { readonly kind: 'complete'; readonly files: RunFiles; readonly record: RunRecord }
  | { readonly kind: 'incomplete'; readonly files: RunFiles; readonly name: string; readonly run: number };

/** A damaged record, or one of another version, must not be believed by half: what it lacks would be met much later. */
function isRecord(value: unknown, name: string, run: number): value is RunRecord {
  const record = value as Partial<RunRecord> | null;
  return (
    typeof record === 'object' &&
    record?.version === 1 &&
    record.name === name &&
    record.run === run &&
    typeof record.identity === 'string' &&
    typeof record.processStart === 'string' &&
    Array.isArray(record.normalExitCodes) &&
    [record.pid, record.startedWallMs, record.killTimeoutMs, record.restarts, record.failures].every(
      Number.isFinite,
    )
  );
}

async function readJson(disk: Disk, path: string): Promise<unknown> {
  try {
    return JSON.parse((await disk.readText(path, LIMITS.stateFileBytes)) ?? 'null');
  } catch {
    return null;
  }
}

/** The identity of a bundle, as annotated in its config.json; undefined when it was not finished. */
async function annotated(disk: Disk, bundle: string): Promise<string | undefined> {
  const config = (await readJson(disk, join(bundle, 'config.json'))) as {
    annotations?: Record<string, string>;
  } | null;
  return config?.annotations?.[ANNOTATION.identity];
}

/** Runs in order of their numbers. Directories that are not ours are left alone. */
export async function findRuns(disk: Disk, paths: HostPaths): Promise<FoundRun[]> {
  const found: FoundRun[] = [];
  for (const sandbox of (await disk.list(paths.instancesDir)) ?? []) {
    for (const instance of (await disk.list(join(paths.instancesDir, sandbox))) ?? []) {
      const name = `${sandbox}/${instance}`;
      const numbers = ((await disk.list(instanceDir(paths.instancesDir, name))) ?? []).map(Number);
      for (const run of numbers.filter(Number.isInteger).sort((a, b) => a - b)) {
        const files = runFiles(paths, name, run);
        const record = await readJson(disk, files.record);
        // The bundle is the authority on identity: it is what the container was made from.
        const identity = await annotated(disk, files.bundle);
        if (isRecord(record, name, run) && record.identity === identity)
          found.push({ kind: 'complete', files, record });
        else found.push({ kind: 'incomplete', files, name, run });
      }
    }
  }
  return found;
}

/** The pid a runtime left in a pid file; undefined while there is none. */
export async function readPid(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return pid > 0 ? pid : undefined;
}

/** Removes directories of instances that hold no run any more. */
export async function sweepEmpty(paths: HostPaths): Promise<void> {
  const sandboxes = await readdir(paths.instancesDir).catch(() => []);
  for (const sandbox of sandboxes) {
    const directory = join(paths.instancesDir, sandbox);
    const instances = await readdir(directory).catch(() => []);
    const kept = await Promise.all(
      instances.map(async name => (await readdir(join(directory, name)).catch(() => [])).length > 0),
    );
    const empty = instances.filter((_, index) => !kept[index]);
    for (const name of empty) await rm(join(directory, name), { recursive: true, force: true });
    if (empty.length === instances.length) await rm(directory, { recursive: true, force: true });
  }
}
