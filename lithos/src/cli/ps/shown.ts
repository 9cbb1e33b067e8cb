// An instance with the processes that belong to it, and what these use.
import { readFileSync, readlinkSync } from 'node:fs';
import { type ProcessInfo, type ProcessTable, sum } from '../../adapters/process-table.ts';
import type { SeenInstance } from './find-trees.ts';

/** USER_HZ is 100 on every Linux Node runs on. */
export const TICKS_PER_S = 100;

export interface Shown {
  readonly instance: SeenInstance;
  /** Processes that are the application's, without the init and the monitor. */
  readonly roots: readonly ProcessInfo[];
  readonly all: readonly ProcessInfo[];
  readonly ok: boolean;
}

function namespaceOf(pid: number | 'self'): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return '';
  }
}

/** With pids of its own a container's first process is our init; otherwise it is the application itself. */
export function show(instance: SeenInstance, table: ProcessTable): Shown {
  const { pid, monitor } = instance;
  const first = pid === undefined ? undefined : table.get(pid);
  if (first === undefined) return { instance, roots: [], all: [], ok: false };
  const shared = namespaceOf(first.pid) === namespaceOf('self');
  const holder = shared ? monitor : first.pid;
  const roots = holder === undefined ? [first] : table.children(holder);
  const all = roots.flatMap(({ pid: root }) => table.subtree(root));
  return { instance, roots, all, ok: shared ? true : roots.length === 1 };
}

/** The program itself among the roots; undefined while nothing runs. */
export function program({ instance, roots }: Shown): ProcessInfo | undefined {
  return roots.find(({ pid }) => pid === instance.pid) ?? roots[0];
}

export function secondsSinceBoot(): number {
  return Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));
}

/** Of all processes, with children they have waited for; clock ticks. */
export function cpuTicks({ all }: Shown): number {
  const { userTime, systemTime, childUserTime, childSystemTime } = sum(all);
  return userTime + systemTime + childUserTime + childSystemTime;
}

export function ageS(process: ProcessInfo, bootAgeS: number): number {
  return bootAgeS - process.startTicks / TICKS_PER_S;
}

/** Percent of one CPU, as an average since its program started; undefined while nothing runs. */
export function cpuPercent(shown: Shown, bootAgeS: number): number | undefined {
  const first = program(shown);
  if (first === undefined) return undefined;
  // A program of some milliseconds would have any number.
  const seconds = Math.max(ageS(first, bootAgeS), 1);
  return (cpuTicks(shown) / TICKS_PER_S / seconds) * 100;
}

const UNITS = ['B', 'kiB', 'MiB', 'GiB'];

export function bytes(value: number): string {
  let unit = 0;
  let shown = value;
  for (; shown >= 1024 && unit < UNITS.length - 1; unit++) shown /= 1024;
  return unit === 0 ? `${shown}B` : `${shown.toFixed(1)}${UNITS[unit]}`;
}

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

export function uptime(seconds: number): string {
  const days = Math.floor(seconds / DAY_S);
  const hours = Math.floor((seconds % DAY_S) / HOUR_S);
  const minutes = Math.floor((seconds % HOUR_S) / MINUTE_S);
  if (seconds < MINUTE_S) return `${Math.floor(seconds)}s`;
  if (seconds < HOUR_S) return `${minutes}m${Math.floor(seconds % MINUTE_S)}s`;
  if (seconds < DAY_S) return `${hours}h${minutes}m${Math.floor(seconds % MINUTE_S)}s`;
  return days < 3 ? `${days}d${hours}h${minutes}m` : `${days}days`;
}
