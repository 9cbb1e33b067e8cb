// All processes of this pid namespace, read once, for sums over subtrees.
import { readdirSync, readFileSync } from 'node:fs';
import { parseProcStat } from '@suite/shared/linux/proc.ts';

export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  readonly threads: number;
  readonly residentBytes: number;
  readonly swapBytes: number;
  /** Clock ticks after boot. */
  readonly startTicks: number;
  /** Clock ticks. */
  readonly userTime: number;
  readonly systemTime: number;
  readonly childUserTime: number;
  readonly childSystemTime: number;
}

export interface Sum {
  readonly processes: number;
  readonly threads: number;
  readonly residentBytes: number;
  readonly swapBytes: number;
  readonly userTime: number;
  readonly systemTime: number;
  readonly childUserTime: number;
  readonly childSystemTime: number;
}

const PAGE_BYTES = 4096;
const KIB = 1024;

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

function swapBytes(pid: number): number {
  const found = /^VmSwap:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/status`) ?? '');
  return found === null ? 0 : Number(found[1]) * KIB;
}

/** Fields 16 and 17 of proc(5): times of children that were waited for. */
function childTimes(text: string): [number, number] {
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return [Number(rest[13]), Number(rest[14])];
}

function readProcess(pid: number): ProcessInfo | undefined {
  const text = readText(`/proc/${pid}/stat`);
  const stat = text === undefined ? undefined : parseProcStat(text);
  if (text === undefined || stat === undefined) return undefined;
  const [childUserTime, childSystemTime] = childTimes(text);
  return {
    pid,
    ppid: stat.ppid,
    threads: stat.threads,
    residentBytes: stat.residentPages * PAGE_BYTES,
    swapBytes: swapBytes(pid),
    startTicks: stat.starttime,
    userTime: stat.utime,
    systemTime: stat.stime,
    childUserTime,
    childSystemTime,
  };
}

export class ProcessTable {
  private readonly byPid = new Map<number, ProcessInfo>();
  private readonly byParent = new Map<number, ProcessInfo[]>();

  constructor() {
    for (const name of readdirSync('/proc')) {
      const info = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined;
      if (info === undefined) continue;
      this.byPid.set(info.pid, info);
      this.byParent.set(info.ppid, [...(this.byParent.get(info.ppid) ?? []), info]);
    }
  }

  pids(): number[] {
    return [...this.byPid.keys()];
  }

  get(pid: number): ProcessInfo | undefined {
    return this.byPid.get(pid);
  }

  children(pid: number): readonly ProcessInfo[] {
    return this.byParent.get(pid) ?? [];
  }

  /** The process itself and everything below it. */
  subtree(pid: number): ProcessInfo[] {
    const own = this.byPid.get(pid);
    return own === undefined ? [] : [own, ...this.children(pid).flatMap(child => this.subtree(child.pid))];
  }
}

export function sum(all: readonly ProcessInfo[]): Sum {
  const add = (pick: (info: ProcessInfo) => number) => all.reduce((total, info) => total + pick(info), 0);
  return {
    processes: all.length,
    threads: add(info => info.threads),
    residentBytes: add(info => info.residentBytes),
    swapBytes: add(info => info.swapBytes),
    userTime: add(info => info.userTime),
    systemTime: add(info => info.systemTime),
    childUserTime: add(info => info.childUserTime),
    childSystemTime: add(info => info.childSystemTime),
  };
}
