// What survives the supervisor: one directory per run with the bundle and a record of what was started.
import { renameSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { processStartTime } from '@suite/shared/linux/proc.ts';
import type { Disk } from '@suite/shared/ports/index.ts';
import { LIMITS } from '../config/defaults.ts';
import type { Run, StopOrder } from '../core/instance/types.ts';
import type { LastExit } from '../core/restart/exit.ts';
import { ANNOTATION } from './bundle.ts';
import { containerId, type HostPaths, instanceDir } from './paths.ts';
import { type Annotated, parseTerms, rebuilt, upgraded } from './record-formats.ts';

/** What a later supervisor must know of a run to stop and judge it; also in the annotations of its bundle. */
export type RunTerms = Pick<Run, 'stop' | 'normalExitCodes' | 'waitsForReady' | 'healthyAfterMs'>;

/** Written between create and start of a container, so whatever runs has one; format version 2. */
export interface RunRecord extends RunTerms {
  readonly version: 2;
  readonly name: string;
  readonly run: number;
  readonly identity: string;
  readonly pid: number;
  /** From /proc/PID/stat: with the pid it names one process for ever. */
  readonly processStart: string;
  readonly startedWallMs: number;
  readonly restarts: number;
  readonly failures: number;
  readonly row: number;
  readonly lastExit: LastExit | null;
}

export interface RunFiles {
  readonly id: string;
  readonly bundle: string;
  readonly record: string;
  /** Since when (wall clock, ms) the run is ready; absent while it is not. Only for runs that wait for readiness. */
  readonly ready: string;
  /** Why it is being stopped; absent while it is not, and when the configuration tells. */
  readonly stop: string;
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
    ready: join(bundle, 'ready'),
    stop: join(bundle, 'stop.json'),
    pidFile: join(bundle, 'pid'),
    monitorPidFile: join(bundle, 'conmon.pid'),
    persistDir: join(bundle, 'persist'),
  };
}

/**
 * A reader finds it whole or not at all. Blocks for some microseconds, where a thread of the pool would take a hundred
 * times as long: the program waits for it.
 */
export function writeRecord(files: RunFiles, record: RunRecord): void {
  const temporary = `${files.record}.tmp`;
  writeFileSync(temporary, JSON.stringify(record));
  renameSync(temporary, files.record);
}

export function sameProcess(pid: number, processStart: string): boolean {
  return processStartTime(pid) === processStart;
}

/** True also for a zombie, and for whoever got the pid since: much cheaper than `sameProcess`. */
export function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Found on disk: a complete record, or a run that never got that far. */
export type FoundRun =
  | { readonly kind: 'complete'; readonly files: RunFiles; readonly record: RunRecord }
  | { readonly kind: 'incomplete'; readonly files: RunFiles; readonly name: string; readonly run: number };

async function readJson(disk: Disk, path: string): Promise<unknown> {
  try {
    return JSON.parse((await disk.readText(path, LIMITS.stateFileBytes)) ?? 'null');
  } catch {
    return null;
  }
}

/** Identity and terms of a bundle, as annotated in its config.json; undefined when it was not finished. */
async function annotated(disk: Disk, bundle: string): Promise<Annotated | undefined> {
  const config = (await readJson(disk, join(bundle, 'config.json'))) as {
    annotations?: Record<string, string>;
  } | null;
  const identity = config?.annotations?.[ANNOTATION.identity];
  return identity === undefined
    ? undefined
    : { identity, terms: parseTerms(config?.annotations?.[ANNOTATION.terms]) };
}

/** Without a record that can be believed: is the process in the pid file still that container's first one? */
async function isInstance(name: string, pid: number): Promise<boolean> {
  const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return environ.split('\0').includes(`LITHOS_NAME=${name}`);
}

async function readRun(disk: Disk, paths: HostPaths, name: string, run: number): Promise<FoundRun> {
  const files = runFiles(paths, name, run);
  const record = upgraded(await readJson(disk, files.record), name, run);
  // The bundle is the authority on identity: it is what the container was made from.
  const bundle = await annotated(disk, files.bundle);
  if (record !== undefined && record.identity === bundle?.identity)
    return { kind: 'complete', files, record };
  const pid = await readPid(files.pidFile);
  // No record yet: the program was never started.
  const started = (await disk.readText(files.record, LIMITS.stateFileBytes).catch(() => '')) !== undefined;
  const found = started && bundle !== undefined && pid !== undefined && (await isInstance(name, pid));
  const again = found ? rebuilt(bundle, name, run, pid) : undefined;
  return again === undefined
    ? { kind: 'incomplete', files, name, run }
    : { kind: 'complete', files, record: again };
}

/** Runs in order of their numbers. Directories that are not ours are left alone. */
export async function findRuns(disk: Disk, paths: HostPaths): Promise<FoundRun[]> {
  const found: FoundRun[] = [];
  for (const sandbox of (await disk.list(paths.instancesDir)) ?? []) {
    for (const instance of (await disk.list(join(paths.instancesDir, sandbox))) ?? []) {
      const name = `${sandbox}/${instance}`;
      const numbers = ((await disk.list(instanceDir(paths.instancesDir, name))) ?? []).map(Number);
      for (const run of numbers.filter(Number.isInteger).sort((a, b) => a - b)) {
        found.push(await readRun(disk, paths, name, run));
      }
    }
  }
  return found;
}

/** Wall clock, ms; null for a run that is not ready (as far as the last supervisor knew). */
export async function readySinceWallMs(
  disk: Disk,
  record: RunRecord,
  files: RunFiles,
): Promise<number | null> {
  if (!record.waitsForReady) return record.startedWallMs;
  const text = await disk.readText(files.ready, LIMITS.stateFileBytes).catch(() => undefined);
  const since = Number.parseInt(text ?? '', 10);
  return Number.isFinite(since) ? since : null;
}

/** What the last supervisor was about to do with the run; undefined: nothing that the configuration does not tell. */
export async function stopOrder(disk: Disk, files: RunFiles): Promise<StopOrder | undefined> {
  const { kind, message } = ((await readJson(disk, files.stop)) ?? {}) as {
    kind?: unknown;
    message?: unknown;
  };
  if (kind === 'restart') return { kind };
  return kind === 'sick' && typeof message === 'string' ? { kind, message } : undefined;
}

/** The pid a runtime left in a pid file; undefined while there is none. */
export async function readPid(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return pid > 0 ? pid : undefined;
}

export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').flatMap(word => (word === '' ? [] : [Number(word)]));
}

/** Whether a process has that very word in its command line. */
export async function hasArgument(pid: number, word: string): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.split('\0').includes(word);
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
