// The cgroups of instances: one scope each below `cgroup-name`, with the same path in every hierarchy.
// The path starts at the root of the hierarchies, not at our own cgroup: it must stay the same over any re-exec.
import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { type CgroupMounts, cgroupPaths, controllerDirectory } from '@suite/shared/linux/cgroup.ts';
import {
  availableControllers,
  cgroupProcesses,
  countsSwap,
  killCgroup,
  ownCgroupMounts,
  readCgroupStats,
  removeCgroup,
  workingSetBytes,
} from '@suite/shared/linux/cgroup-files.ts';
import { ownLimits } from '@suite/shared/linux/hard-limits.ts';
import { processStartTime } from '@suite/shared/linux/proc.ts';
import type { Clock } from '@suite/shared/ports/index.ts';
import { TIMES } from '../config/defaults.ts';
import { CONTROLLERS, type Controller, type HostLimits } from './limits.ts';

const SCOPE = /^([\w-]+):([\w-]+\.\d+)\.scope$/;

/** `io` is v2's name, `name` any hierarchy that has only a name. */
function isListed(available: string, listed: string): boolean {
  return listed === 'name'
    ? available.startsWith('name=')
    : available === (listed === 'io' ? 'blkio' : listed);
}

interface CgroupKeys {
  readonly cgroupName: string | null;
  readonly cgroupControllers: readonly string[];
}

export class Cgroups {
  private readonly base: string | null;
  private readonly listed: readonly string[];
  private readonly mounts: CgroupMounts;
  private readonly clock: Clock;
  private readonly host: HostLimits;

  /** Of the master config. Without a name there are no cgroups at all: what is asked of them is then already so. */
  constructor({ cgroupName, cgroupControllers }: CgroupKeys, clock: Clock) {
    this.mounts = ownCgroupMounts();
    this.base = cgroupName;
    this.listed = cgroupControllers;
    this.clock = clock;
    this.host = this.limitable();
  }

  get enabled(): boolean {
    return this.base !== null;
  }

  /** Listed in `cgroup-controllers` and not there: their limits would silently mean nothing. */
  missing(): string[] {
    if (!this.enabled) return [];
    const available = [...availableControllers(this.mounts)];
    return this.listed.filter(name => !available.some(each => isListed(each, name)));
  }

  /** What can be limited here: controllers that exist and, if any are listed, are listed. */
  get limits(): HostLimits {
    return this.host;
  }

  private limitable(): HostLimits {
    const available = availableControllers(this.mounts);
    const wanted = (name: string) =>
      this.listed.length === 0 || this.listed.some(each => isListed(name, each));
    const controllers = CONTROLLERS.filter(name => this.enabled && available.has(name) && wanted(name));
    return { own: ownLimits(), controllers: new Set(controllers), swapAccounting: countsSwap(this.mounts) };
  }

  /** Path of an instance (`sandbox/process.N`) inside each hierarchy; undefined without cgroups. */
  pathOf(name: string): string | undefined {
    return this.base === null ? undefined : `/${this.base}/${name.replace('/', ':')}.scope`;
  }

  /** What an instance uses; a value the kernel or the set-up lacks is undefined. */
  stats(name: string): ReturnType<typeof readCgroupStats> {
    const path = this.pathOf(name);
    return readCgroupStats(path === undefined ? new Map() : cgroupPaths(this.mounts, path));
  }

  /** Of its memory, what counts against the limit in the end. */
  workingSetBytes(name: string): number | undefined {
    const path = this.pathOf(name);
    return path === undefined ? undefined : workingSetBytes(cgroupPaths(this.mounts, path));
  }

  /** Of one controller, by its v1 name; undefined without cgroups. */
  directoryOf(name: string, controller: Controller): string | undefined {
    const path = this.pathOf(name);
    return path === undefined ? undefined : controllerDirectory(cgroupPaths(this.mounts, path), controller);
  }

  contains(name: string, pid: number): boolean {
    return this.pids(name).includes(pid);
  }

  /** KILLs until the cgroup is empty. Rejects when that takes too long (a process in uninterruptible sleep). */
  async killAll(name: string): Promise<void> {
    const path = this.pathOf(name);
    if (path === undefined) return;
    const giveUpMs = this.clock.monotonicMs() + TIMES.killLimitMs;
    for (let pids = this.pids(name); pids.length > 0; pids = this.pids(name)) {
      killCgroup(this.mounts, path);
      for (const pid of pids) kill(pid);
      if (this.clock.monotonicMs() > giveUpMs)
        throw new Error(`cgroup ${path} does not become empty: ${pids}`);
      await this.pause();
    }
  }

  /** Kills what is in it. The kernel may call a cgroup busy for a moment after its last process. */
  async remove(name: string): Promise<void> {
    const path = this.pathOf(name);
    const giveUpMs = this.clock.monotonicMs() + TIMES.killLimitMs;
    while (path !== undefined) {
      await this.killAll(name);
      try {
        return removeCgroup(this.mounts, path);
      } catch (error) {
        if (this.clock.monotonicMs() > giveUpMs) throw error;
        await this.pause();
      }
    }
  }

  /** For left-overs nobody may be using: a cgroup with processes in it is somebody's and stays. */
  removeUnused(name: string): void {
    const path = this.pathOf(name);
    if (path !== undefined && this.pids(name).length === 0) removeCgroup(this.mounts, path);
  }

  /** Scopes below our base, as instance names; what else is there is not ours. */
  scopes(): string[] {
    if (this.base === null) return [];
    const directories = new Set(cgroupPaths(this.mounts, `/${this.base}`).values());
    const found = [...directories].flatMap(list).map(entry => SCOPE.exec(entry));
    return [...new Set(found.flatMap(match => (match === null ? [] : `${match[1]}/${match[2]}`)))];
  }

  /**
   * After everything stopped: the base and its parents, as far as nobody else uses them. The kernel may call the base busy for a
   * moment, too.
   */
  async removeBase(): Promise<void> {
    const giveUpMs = this.clock.monotonicMs() + TIMES.busyLimitMs;
    while (!this.removeEmpty() && this.scopes().length === 0 && this.clock.monotonicMs() < giveUpMs)
      await this.pause();
  }

  /** Whether the base is gone. */
  private removeEmpty(): boolean {
    const parts = this.base?.split('/') ?? [];
    const directories = () => [...cgroupPaths(this.mounts, `/${parts.join('/')}`).values()];
    const ours = this.base === null ? [] : directories();
    for (; parts.length > 0; parts.pop()) directories().forEach(removeIfEmpty);
    return !ours.some(existsSync);
  }

  /** What lives in it, as we see the pids. */
  pids(name: string): number[] {
    const path = this.pathOf(name);
    if (path === undefined) return [];
    // 0 stands for a process of another pid namespace; a zombie only waits for its parent.
    const all = [...cgroupProcesses(this.mounts, path)];
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
