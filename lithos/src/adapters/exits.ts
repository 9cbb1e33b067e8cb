// Learns of ended containers at once: their monitors leave exit files in one directory, which inotify watches.
import { type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { parseProcStat } from '@suite/shared/linux/proc.ts';
import { ranOutOfMemory } from './oom-marks.ts';
import type { HostPaths } from './paths.ts';

export type OnExit = (id: string, code: number | null, outOfMemory: boolean) => void;

export interface Monitor {
  readonly pid: number;
  /** Ours, or (its own parent has ended) inherited: the kernel tells when it ends. */
  readonly isChild: boolean;
}

const CODE = /^-?\d+\s*$/;
/** Ends with the number of a run; a monitor's temporary files do not (but for accidents). */
const EXIT_FILE = /\.\d+$/;

export class ExitWatch {
  private readonly directory: string;
  private readonly instancesDir: string;
  private readonly oomKills: (name: string) => number | undefined;
  private listener: OnExit = () => undefined;
  private readonly watcher: FSWatcher;

  /**
   * The directory must exist. `onError`: the watch broke; the pid checks still find every exit, a second later. `oomKills`: what the
   * cgroup of an instance has counted.
   */
  constructor(
    paths: HostPaths,
    onError: (error: Error) => void,
    oomKills: (name: string) => number | undefined = () => undefined,
  ) {
    this.oomKills = oomKills;
    this.directory = paths.exitsDir;
    this.instancesDir = paths.instancesDir;
    this.watcher = watch(this.directory, { persistent: true }, (_kind, file) => {
      if (file !== null && EXIT_FILE.test(file)) this.check(file);
    });
    this.watcher.on('error', onError);
  }

  onExit(listener: OnExit): void {
    this.listener = listener;
  }

  /** Tells the listener if the container has ended; true then. Any text may be asked, also temporary files of a monitor. */
  check(id: string): boolean {
    const code = this.read(id);
    if (code === undefined) return false;
    this.listener(id, code, this.ranOutOfMemory(id));
    return true;
  }

  /** Exit files whose announcement was lost. They are few: each goes away with its run. */
  checkAll(): void {
    try {
      for (const file of readdirSync(this.directory)) this.check(file);
    } catch {
      // The pids will tell.
    }
  }

  /** As its pid file says; undefined when there is none, or it is gone. */
  monitor(pidFile: string): Monitor | undefined {
    try {
      const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
      const stat = parseProcStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
      return stat === undefined ? undefined : { pid, isChild: stat.ppid === process.pid };
    } catch {
      return undefined;
    }
  }

  /** True when the pid file of a monitor names no living conmon any more. */
  monitorIsGone(pidFile: string): boolean {
    try {
      const pid = readFileSync(pidFile, 'utf8').trim();
      // A zombie is gone too: it only waits for its parent.
      return !/^\d+ \(conmon\) [^ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return true;
    }
  }

  close(): void {
    this.watcher.close();
  }

  private read(id: string): number | undefined {
    try {
      const text = readFileSync(join(this.directory, id), 'utf8');
      return CODE.test(text) ? Number.parseInt(text, 10) : undefined;
    } catch {
      return undefined;
    }
  }

  /** The id is `sandbox.process.N.RUN`; the monitor leaves a mark beside the bundle. */
  private ranOutOfMemory(id: string): boolean {
    const [sandbox, process, index, run] = id.split('.');
    const name = `${sandbox}/${process}.${index}`;
    return ranOutOfMemory(join(this.instancesDir, name, `${run}`, 'persist'), () => this.oomKills(name));
  }
}
