// All processes of the host.
import { readdirSync } from 'node:fs';
import type { ProcessInfo } from '@suite/shared/wire/cantal.ts';
import { SCAN } from '../config/defaults.ts';
import { type Membership, parseMembership } from '../core/collect/cgroups.ts';
import { STAT } from '../core/collect/process.ts';
import { parseBootTime } from '../core/collect/stat.ts';
import type { History } from '../core/history/history.ts';
import { readText } from './files.ts';
import type { Collector } from './machine.ts';
import { ObservedProcess, type ProcessContext } from './process.ts';

const DESCRIPTORS_EACH = 3;
/** USER_HZ and the page size of every platform Node runs on in production; both come from sysconf, which Node lacks. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const DEFAULT_DESCRIPTORS = 1024;

/** What this process may open, by /proc/self/limits. */
function descriptorLimit(): number {
  const found = /^Max open files\s+(\d+)/m.exec(readText('/proc/self/limits') ?? '');
  return found === null ? DEFAULT_DESCRIPTORS : Number(found[1]);
}

/** Scans 1, 2, 4, 8, 16: a process may exec or move into its cgroup shortly after its fork. */
function isSettling(age: number): boolean {
  return age <= SCAN.settleScans && (age & (age - 1)) === 0;
}

export interface ProcessesOptions {
  readonly procRoot: string;
  readonly history: History;
  /** Cgroup path that names are relative to; the one of PID 1 when absent. */
  readonly cgroupBase: string | undefined;
}

export class Processes implements Collector {
  readonly name = 'processes';
  readonly byPid = new Map<number, ObservedProcess>();
  /** Unix seconds, undefined until the first scan. */
  bootTime: number | undefined;
  readonly #options: ProcessesOptions;
  readonly #context: ProcessContext;
  #base: Membership = new Map();
  #kept = 0;
  #scan = 0;

  constructor(options: ProcessesOptions) {
    this.#options = options;
    const budget = Math.floor((descriptorLimit() * SCAN.descriptorShare) / DESCRIPTORS_EACH);
    const self = this;
    this.#context = {
      history: options.history,
      procRoot: options.procRoot,
      pageBytes: PAGE_BYTES,
      get base() {
        return self.#base;
      },
      mayKeep: () => this.#kept < budget,
    };
  }

  /** One readdir is enough although /proc is not read atomically: a known process is dropped only when it is gone itself. */
  collect(): void {
    this.#scan++;
    this.#readBase();
    for (const name of readdirSync(this.#options.procRoot)) {
      const first = name.charCodeAt(0);
      if (first < 48 || first > 57) continue;
      const pid = Number(name);
      if (!this.byPid.has(pid)) this.#observe(pid);
    }
    for (const process of this.byPid.values()) this.#refresh(process);
  }

  #readBase(): void {
    this.bootTime ??= parseBootTime(readText(`${this.#options.procRoot}/stat`) ?? '');
    if (this.#scan % SCAN.slowRotation !== 1) return;
    const { cgroupBase, procRoot } = this.#options;
    const own = parseMembership(readText(`${procRoot}/1/cgroup`) ?? '');
    this.#base = cgroupBase === undefined ? own : new Map([...own.keys()].map(key => [key, cgroupBase]));
  }

  #observe(pid: number): ObservedProcess | undefined {
    const process = new ObservedProcess(pid, this.#context);
    if (!process.refresh(PAGE_BYTES)) {
      process.close(this.#options.history);
      return undefined;
    }
    process.refreshIdentity(this.#context, SCAN.cmdlineBytes);
    process.store(this.#options.history);
    if (process.keeps) this.#kept++;
    this.byPid.set(pid, process);
    return process;
  }

  #refresh(process: ObservedProcess): void {
    const turn = process.pid + this.#scan;
    const full = turn % SCAN.fullReadRotation === 0 || !process.slept();
    if (full && !process.refresh(PAGE_BYTES)) {
      this.#drop(process);
      // The directory listing is already behind us: a process that took over the pid is found right away.
      this.#observe(process.pid);
      return;
    }
    process.age++;
    if (process.renamed || isSettling(process.age) || turn % SCAN.identityRotation === 0) {
      process.refreshIdentity(this.#context, SCAN.cmdlineBytes);
    } else if (turn % SCAN.slowRotation === 0) process.refreshPlace(this.#context);
    else if (!full) return;
    process.store(this.#options.history);
  }

  #startedMs(process: ObservedProcess): number {
    return (this.bootTime ?? 0) * 1000 + (process.startTicks * 1000) / TICKS_PER_SECOND;
  }

  #drop(process: ObservedProcess): void {
    process.close(this.#options.history);
    if (process.keeps) this.#kept--;
    this.byPid.delete(process.pid);
  }

  /** The table of /all_processes.json, by pid. */
  table(): ProcessInfo[] {
    return [...this.byPid.values()].map(process => this.#info(process)).sort((a, b) => a.pid - b.pid);
  }

  #info(process: ObservedProcess): ProcessInfo {
    const { stat, owner } = process;
    const number = (index: number): number => stat[index] as number;
    return {
      pid: process.pid,
      ppid: number(STAT.ppid),
      uid: owner.uid,
      gid: owner.gid,
      name: process.name,
      state: String.fromCharCode(number(STAT.state)),
      vsize: number(STAT.vsize),
      rss: number(STAT.rss),
      swap: owner.swap,
      num_threads: number(STAT.threads),
      start_time: (process.startTicks * 1000) / TICKS_PER_SECOND,
      start_timestamp: this.#startedMs(process),
      user_time: number(STAT.userTime),
      system_time: number(STAT.systemTime),
      child_user_time: number(STAT.childUserTime),
      child_system_time: number(STAT.childSystemTime),
      cmdline: process.cmdline,
      read_bytes: process.readBytes || 0,
      write_bytes: process.writeBytes || 0,
      cgroup: process.cgroup ?? null,
    };
  }

  blank(): void {
    for (const { group } of this.byPid.values()) if (group !== undefined) this.#options.history.blank(group);
  }

  close(): void {
    for (const process of [...this.byPid.values()]) this.#drop(process);
  }
}
