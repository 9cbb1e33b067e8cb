// The processes behind the runs, and how their end is learned: exit files, else their pids, else what PID 1 reaps.
import type { Logger } from '@suite/shared/cli/log.ts';
import type { Clock, Timer } from '@suite/shared/ports/index.ts';
import type { ExitWatch, Monitor } from '../adapters/exits.ts';
import { exists, sameProcess } from '../adapters/records.ts';
import { PIDS, TIMES } from '../config/defaults.ts';

/** The process behind a run, as far as it is known. */
export interface Live {
  readonly run: number;
  readonly id: string;
  readonly pid: number;
  readonly processStart: string;
  readonly monitorPidFile: string;
  /** When its pid was first seen gone without an exit file. */
  goneSinceMs?: number;
  monitorLost?: boolean;
  /** Once it has been looked at. */
  monitor?: Monitor | undefined;
}

export interface LiveRunsOptions {
  readonly exits: ExitWatch;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called once for each run; it is not live any more by then. */
  readonly onEnd: (name: string, code: number | null, outOfMemory: boolean) => void;
  readonly onMonitorLost: (name: string) => void;
}

export class LiveRuns {
  private readonly options: LiveRunsOptions;
  private readonly runs = new Map<string, Live>();
  private soon: Timer | undefined;
  /** Whose turn it is in `glance`. */
  private turn = 0;

  constructor(options: LiveRunsOptions) {
    this.options = options;
    options.exits.onExit((id, code, outOfMemory) => this.ended(id, code, outOfMemory));
  }

  set(name: string, live: Live): void {
    this.runs.set(name, live);
  }

  get(name: string): Live | undefined {
    return this.runs.get(name);
  }

  /** It may be over already, and its exit file older than our interest in it. */
  checkExit(name: string): void {
    const live = this.runs.get(name);
    if (live !== undefined) this.options.exits.check(live.id);
  }

  checkAll(): void {
    for (const name of [...this.runs.keys()]) this.checkExit(name);
    this.checkPids();
  }

  /** Safety net beside the exit files: a monitor that was killed leaves none. */
  checkPids(): void {
    for (const [name, live] of this.runs) this.look(name, live);
  }

  /**
   * The safety net on a timer, cheap for hundreds of runs: whose monitor lives will leave an exit file, so only the others
   * are looked at in full; of a monitor that is our child `reaped` tells. And some more each time, in turn: the pid of a monitor may be somebody else's by now.
   */
  glance(): void {
    this.options.exits.checkAll();
    const inTurn = this.inTurn(PIDS.fullChecks);
    for (const [name, live] of this.runs)
      if (inTurn.has(name) || live.monitorLost || !this.hasMonitor(live)) this.look(name, live);
  }

  private inTurn(count: number): ReadonlySet<string> {
    const names = [...this.runs.keys()];
    const chosen = Array.from({ length: Math.min(count, names.length) }, (_, index) => {
      return names[(this.turn + index) % names.length] as string;
    });
    this.turn = (this.turn + count) % Math.max(1, names.length);
    return new Set(chosen);
  }

  private hasMonitor(live: Live): boolean {
    live.monitor ??= this.options.exits.monitor(live.monitorPidFile);
    return live.monitor !== undefined && (live.monitor.isChild || exists(live.monitor.pid));
  }

  private look(name: string, live: Live): void {
    const { clock, exits } = this.options;
    if (sameProcess(live.pid, live.processStart)) {
      this.checkMonitor(name, live);
      return;
    }
    const now = clock.monotonicMs();
    if (live.goneSinceMs === undefined) clock.after(TIMES.exitFileGraceMs, () => this.checkPids());
    live.goneSinceMs ??= now;
    if (exits.check(live.id) || now - live.goneSinceMs < TIMES.exitFileGraceMs) return;
    this.ended(live.id, null, false);
  }

  /** A zombie the supervisor reaped: a monitor, or a container whose monitor is gone and whose status is known after all. */
  reaped(pid: number, code: number): void {
    for (const [name, live] of this.runs) {
      if (live.monitor?.pid === pid) this.look(name, live);
      if (live.pid === pid && !this.options.exits.check(live.id)) this.ended(live.id, code, false);
    }
  }

  private checkSoon(delayMs: number): void {
    this.soon ??= this.options.clock.after(delayMs, () => {
      this.soon = undefined;
      for (const [name, live] of this.runs) if (live.monitorLost) this.look(name, live);
    });
  }

  private checkMonitor(name: string, live: Live): void {
    if (!live.monitorLost && !this.options.exits.monitorIsGone(live.monitorPidFile)) return;
    // Nothing will tell us of its end: its pid is looked at more often.
    this.checkSoon(TIMES.lostMonitorCheckMs);
    if (live.monitorLost) return;
    live.monitorLost = true;
    this.options.log.error(`${name}: its monitor is gone: its output is written by lithos_tree from now on`);
    this.options.onMonitorLost(name);
  }

  private ended(id: string, code: number | null, outOfMemory: boolean): void {
    const [name] = [...this.runs].find(([, live]) => live.id === id) ?? [];
    const live = name === undefined ? undefined : this.runs.get(name);
    // While it lives an exit file is that of another run with the same number, left by a monitor that was slow.
    if (name === undefined || live === undefined || sameProcess(live.pid, live.processStart)) return;
    this.runs.delete(name);
    this.options.onEnd(name, code, outOfMemory);
  }
}
