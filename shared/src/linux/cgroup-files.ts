import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CgroupMounts,
  type CgroupPaths,
  cgroupPaths,
  controllerDirectory,
  parseCgroupMounts,
  UNIFIED,
} from './cgroup.ts';

/** v1 says "no limit" with the largest page count it can hold (about 2^63 bytes). */
const V1_UNLIMITED = 2 ** 62;

interface CgroupStats {
  readonly memoryBytes: number | undefined;
  /** Undefined: no limit. */
  readonly memoryLimitBytes: number | undefined;
  /** How often the kernel killed here for memory. */
  readonly oomKills: number | undefined;
  readonly cpuUsageMs: number | undefined;
  /** Time that runnable tasks waited because of a quota. */
  readonly throttledMs: number | undefined;
  readonly pids: number | undefined;
  readonly pidsMax: number | undefined;
}

function read(directory: string | undefined, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    try {
      if (directory !== undefined) return readFileSync(join(directory, name), 'latin1').trim();
    } catch {}
  }
  return undefined;
}

function number(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

/** A value of a file with lines `KEY NUMBER`. */
export function flatKey(text: string | undefined, key: string): number | undefined {
  const line = text?.split('\n').find(each => each.startsWith(`${key} `));
  return number(line?.slice(key.length + 1));
}

function limit(text: string | undefined): number | undefined {
  const value = number(text);
  return value === undefined || value >= V1_UNLIMITED ? undefined : value;
}

function scaled(value: number | undefined, perMs: number): number | undefined {
  return value === undefined ? undefined : value / perMs;
}

/** Reads the handful of files; what a layout or kernel lacks is undefined. v2 names first: they exist in v2 only. */
export function readCgroupStats(paths: CgroupPaths): CgroupStats {
  const memory = controllerDirectory(paths, 'memory');
  const cpu = controllerDirectory(paths, 'cpu');
  const pids = controllerDirectory(paths, 'pids');
  const cpuStat = read(cpu, 'cpu.stat');
  const usageNs = number(read(controllerDirectory(paths, 'cpuacct'), 'cpuacct.usage'));
  return {
    memoryBytes: number(read(memory, 'memory.current', 'memory.usage_in_bytes')),
    memoryLimitBytes: limit(read(memory, 'memory.max', 'memory.limit_in_bytes')),
    oomKills: flatKey(read(memory, 'memory.events', 'memory.oom_control'), 'oom_kill'),
    cpuUsageMs: scaled(flatKey(cpuStat, 'usage_usec'), 1000) ?? scaled(usageNs, 1_000_000),
    throttledMs:
      scaled(flatKey(cpuStat, 'throttled_usec'), 1000) ??
      scaled(flatKey(cpuStat, 'throttled_time'), 1_000_000),
    pids: number(read(pids, 'pids.current')),
    pidsMax: limit(read(pids, 'pids.max')),
  };
}

/** Memory that the kernel cannot simply give to others: without file pages nobody has used for a while. */
export function workingSetBytes(paths: CgroupPaths): number | undefined {
  const memory = controllerDirectory(paths, 'memory');
  const used = number(read(memory, 'memory.current', 'memory.usage_in_bytes'));
  const stat = read(memory, 'memory.stat');
  const idle = flatKey(stat, 'total_inactive_file') ?? flatKey(stat, 'inactive_file') ?? 0;
  return used === undefined ? undefined : Math.max(0, used - idle);
}

/** The cgroup file systems this process sees. */
export function ownCgroupMounts(): CgroupMounts {
  return parseCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** v2 controllers by the names they had in v1; the others kept theirs. */
const V1_NAMES: Readonly<Record<string, string>> = { io: 'blkio' };
/** No controllers of their own in v2, where every cgroup can do it. */
const BUILT_IN_V2 = ['cpuacct', 'devices', 'freezer', 'perf_event'];

/** Controllers of every mounted hierarchy by their v1 names, named hierarchies as `name=…`. */
export function availableControllers(mounts: CgroupMounts): Set<string> {
  const { unified, controllers, layout } = mounts;
  const owned = read(unified?.mountPoint, 'cgroup.controllers')?.split(/\s+/) ?? [];
  const v2 = owned.filter(name => name !== '').map(name => V1_NAMES[name] ?? name);
  return new Set([...controllers.keys(), ...v2, ...(layout === 'v2' ? BUILT_IN_V2 : [])]);
}

/**
 * Whether memory limits can count swap: a kernel option that v1 hosts often leave off, and a limit for it would then
 * fail. In v2 only cgroups below the root have the file; where there is none to look at it is believed to exist.
 */
export function countsSwap(mounts: CgroupMounts): boolean {
  const v1 = mounts.controllers.get('memory');
  if (v1 !== undefined) return existsSync(join(v1.mountPoint, 'memory.memsw.limit_in_bytes'));
  const { unified } = mounts;
  if (unified === undefined) return false;
  const limited = [unified.mountPoint, ...subdirectories(unified.mountPoint)].filter(directory =>
    existsSync(join(directory, 'memory.max')),
  );
  return limited.every(directory => existsSync(join(directory, 'memory.swap.max')));
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function subdirectories(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter(entry => entry.isDirectory()).map(entry => join(directory, entry.name));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** Processes in a cgroup and those below it, over all hierarchies. */
export function cgroupProcesses(mounts: CgroupMounts, path: string): Set<number> {
  const pids = new Set<number>();
  const visit = (directory: string) => {
    for (const line of (read(directory, 'cgroup.procs') ?? '').split('\n'))
      if (line !== '') pids.add(Number(line));
    for (const inner of subdirectories(directory)) visit(inner);
  };
  for (const directory of new Set(cgroupPaths(mounts, path).values())) visit(directory);
  return pids;
}

/** It has every process and every cgroup of the machine, or of the container we are in. */
function refuseRoot(path: string): void {
  if (path.split('/').every(part => part === '' || part === '.' || part === '..'))
    throw new RangeError(`cgroup ${path}: refused`);
}

/**
 * KILLs what is in a v2 cgroup and below at one moment, so that nothing forked meanwhile gets away. Without v2, or before Linux 5.14,
 * nothing happens: then each process has to be killed by itself. The root is refused.
 */
export function killCgroup(mounts: CgroupMounts, path: string): void {
  refuseRoot(path);
  const directory = cgroupPaths(mounts, path).get(UNIFIED);
  try {
    if (directory !== undefined) writeFileSync(join(directory, 'cgroup.kill'), '1', { flag: 'r+' });
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

/** Files in a cgroup cannot be deleted, only the directories, innermost first. */
function removeTree(directory: string): void {
  for (const inner of subdirectories(directory)) removeTree(inner);
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

/**
 * Removes a cgroup and those below it from every hierarchy; absent is fine. Throws EBUSY while a process is in one of
 * them. The root (`/`) is refused.
 */
export function removeCgroup(mounts: CgroupMounts, path: string): void {
  refuseRoot(path);
  for (const directory of new Set(cgroupPaths(mounts, path).values())) removeTree(directory);
}
