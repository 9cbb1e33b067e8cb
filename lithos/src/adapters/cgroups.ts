// The cgroups of instances: one scope each below `cgroup-name`, with the same path in every hierarchy.
// The path starts at the root of the hierarchies, not at our own cgroup: it must stay the same over any re-exec.
import { readdirSync, rmdirSync } from 'node:fs';
import { type CgroupMounts, cgroupPaths } from '@suite/shared/linux/cgroup.ts';
import { cgroupProcesses, ownCgroupMounts, removeCgroup } from '@suite/shared/linux/cgroup-files.ts';
import type { Clock } from '@suite/shared/ports/index.ts';
import { TIMES } from '../config/defaults.ts';

const SCOPE = /^([\w-]+):([\w-]+\.\d+)\.scope$/;

export class Cgroups {
  private readonly base: string | null;
  private readonly mounts: CgroupMounts;
  private readonly clock: Clock;

  /** `base`: the master's `cgroup-name`; null = no cgroups at all. */
  constructor(base: string | null, clock: Clock) {
    this.mounts = ownCgroupMounts();
    this.base = this.mounts.layout === 'none' ? null : base;
    this.clock = clock;
  }

  /** Path of an instance (`sandbox/process.N`) inside each hierarchy; undefined without cgroups. */
  pathOf(name: string): string | undefined {
    return this.base === null ? undefined : `/${this.base}/${name.replace('/', ':')}.scope`;
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
      await new Promise<void>(resolve => this.clock.after(TIMES.killPollMs, resolve));
    }
  }

  /** Throws EBUSY while something runs in it. */
  remove(name: string): void {
    const path = this.pathOf(name);
    if (path !== undefined) removeCgroup(this.mounts, path);
  }

  /** Scopes below our base, as instance names; what else is there is not ours. */
  scopes(): string[] {
    if (this.base === null) return [];
    const directories = new Set(cgroupPaths(this.mounts, `/${this.base}`).values());
    const found = [...directories].flatMap(list).map(entry => SCOPE.exec(entry));
    return [...new Set(found.flatMap(match => (match === null ? [] : `${match[1]}/${match[2]}`)))];
  }

  /** After everything stopped: the base and its parents, as far as nobody else uses them. */
  removeBase(): void {
    const parts = this.base?.split('/') ?? [];
    for (; parts.length > 0; parts.pop()) {
      for (const directory of cgroupPaths(this.mounts, `/${parts.join('/')}`).values())
        removeIfEmpty(directory);
    }
  }

  private pids(name: string): number[] {
    const path = this.pathOf(name);
    // 0 stands for a process of another pid namespace.
    return path === undefined ? [] : [...cgroupProcesses(this.mounts, path)].filter(pid => pid > 0);
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
