// The cgroups of instances: one scope each below `cgroup-name`, with the same path in every hierarchy.
// The path starts at the root of the hierarchies, not at our own cgroup: it must stay the same over any re-exec.
import { readdirSync, rmdirSync } from 'node:fs';
import { type CgroupMounts, cgroupPaths } from '@suite/shared/linux/cgroup.ts';
import {
  cgroupProcesses,
  ownCgroupMounts,
  readCgroupStats,
  removeCgroup,
} from '@suite/shared/linux/cgroup-files.ts';
import { processStartTime } from '@suite/shared/linux/proc.ts';
import type { Clock } from '@suite/shared/ports/index.ts';
import { TIMES } from '../config/defaults.ts';

const SCOPE = /^([\w-]+):([\w-]+\.\d+)\.scope$/;

export class Cgroups {
  private readonly base: string;
  private readonly mounts: CgroupMounts;
  private readonly clock: Clock;

  /** `base`: the master's `cgroup-name`. */
  constructor(base: string, clock: Clock) {
    this.mounts = ownCgroupMounts();
    this.base = base;
    this.clock = clock;
  }

  /** Path of an instance (`sandbox/process.N`) inside each hierarchy. */
  pathOf(name: string): string {
    return `/${this.base}/${name.replace('/', ':')}.scope`;
  }

  /** What an instance uses; a value the kernel or the set-up lacks is undefined. */
  stats(name: string): ReturnType<typeof readCgroupStats> {
    return readCgroupStats(cgroupPaths(this.mounts, this.pathOf(name)));
  }

  contains(name: string, pid: number): boolean {
    return this.pids(name).includes(pid);
  }

  /** KILLs until the cgroup is empty. Rejects when that takes too long (a process in uninterruptible sleep). */
  async killAll(name: string): Promise<void> {
    const giveUpMs = this.clock.monotonicMs() + TIMES.killLimitMs;
    for (let pids = this.pids(name); pids.length > 0; pids = this.pids(name)) {
      for (const pid of pids) kill(pid);
      if (this.clock.monotonicMs() > giveUpMs)
        throw new Error(`cgroup ${this.pathOf(name)} does not become empty: ${pids}`);
      await this.pause();
    }
  }

  /** Kills what is in it. The kernel may call a cgroup busy for a moment after its last process. */
  async remove(name: string): Promise<void> {
    const giveUpMs = this.clock.monotonicMs() + TIMES.killLimitMs;
    for (;;) {
      await this.killAll(name);
      try {
        return removeCgroup(this.mounts, this.pathOf(name));
      } catch (error) {
        if (this.clock.monotonicMs() > giveUpMs) throw error;
        await this.pause();
      }
    }
  }

  /** For left-overs nobody may be using: a cgroup with processes in it is somebody's and stays. */
  removeUnused(name: string): void {
    if (this.pids(name).length === 0) removeCgroup(this.mounts, this.pathOf(name));
  }

  /** Scopes below our base, as instance names; what else is there is not ours. */
  scopes(): string[] {
    const directories = new Set(cgroupPaths(this.mounts, `/${this.base}`).values());
    const found = [...directories].flatMap(list).map(entry => SCOPE.exec(entry));
    return [...new Set(found.flatMap(match => (match === null ? [] : `${match[1]}/${match[2]}`)))];
  }

  /** After everything stopped: the base and its parents, as far as nobody else uses them. */
  removeBase(): void {
    const parts = this.base.split('/');
    for (; parts.length > 0; parts.pop()) {
      for (const directory of cgroupPaths(this.mounts, `/${parts.join('/')}`).values())
        removeIfEmpty(directory);
    }
  }

  /** What lives in it, as we see the pids. */
  pids(name: string): number[] {
    // 0 stands for a process of another pid namespace; a zombie only waits for its parent.
    const all = [...cgroupProcesses(this.mounts, this.pathOf(name))];
    return all.filter(pid => pid > 0 && processStartTime(pid) !== undefined);
  }

  private pause(): Promise<void> {
    return new Promise(resolve => this.clock.after(TIMES.killPollMs, resolve));
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // In use by others, or never made in this hierarchy.
  }
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}
