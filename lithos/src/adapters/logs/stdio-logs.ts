// The logs of all instances: kept short, kept where they belong, written by us where a monitor cannot.
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from '@suite/shared/cli/log.ts';
import { isAlive } from '@suite/shared/linux/proc.ts';
import type { Clock, Timer } from '@suite/shared/ports/index.ts';
import { LOGS } from '../../config/defaults.ts';
import type { DesiredInstance } from '../../core/desired/types.ts';
import { markerLine } from '../../core/logs/line.ts';
import type { Attachment, RunPart } from '../attachment.ts';
import { type HostPaths, stdioLog } from '../paths.ts';
import { runFiles } from '../records.ts';
import { DiskSpace } from './disk-space.ts';
import { appendLine } from './log-file.ts';
import { type Held, PipeHolder } from './pipe-holder.ts';
import { LOG_MODE, type LogLimits } from './rotation.ts';
import { RunLog } from './run-log.ts';
import {
  areOwn,
  closePipes,
  findRunPipes,
  fromHeld,
  makeOwnPipes,
  type OwnPipes,
  openRunPipes,
  type RunPipe,
  rememberOwn,
  toHeld,
} from './run-pipes.ts';
import type { Lost } from './take-over.ts';

export interface StdioLogsOptions {
  readonly paths: HostPaths;
  readonly limits: LogLimits;
  readonly clock: Clock;
  readonly log: Logger;
  /** Lines are being lost, or are not any more. */
  readonly onChange: () => void;
}

interface Begun {
  readonly name: string;
  readonly run: number;
  readonly pid: number;
  readonly startedWallMs: number;
}

function readPid(path: string): number {
  try {
    return Number.parseInt(readFileSync(path, 'latin1'), 10) || 0;
  } catch {
    return 0;
  }
}

/** Why the log cannot be written at all; undefined: it can (full disks have room again some time). */
function obstacle(path: string): Error | undefined {
  try {
    mkdirSync(dirname(path), { recursive: true });
    closeSync(openSync(path, 'a', LOG_MODE));
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

export class StdioLogs {
  private readonly options: StdioLogsOptions;
  private readonly runs = new Map<string, RunLog>();
  /** Since the instance exists. */
  private readonly lost = new Map<string, Lost>();
  /** Between the decision to start without a log and the container's being there. */
  private readonly own = new Map<string, OwnPipes & { readonly run: number }>();
  private readonly holder: PipeHolder;
  private readonly timers = new Set<Timer>();
  private pumping: Timer | undefined;
  private endCheck: Timer | undefined;
  private readonly space: DiskSpace;
  private opened = false;
  /** Pipes of an earlier supervisor's runs, until it is clear which of those are left. */
  private found: readonly Held[] = [];
  private stopped = false;

  constructor(options: StdioLogsOptions) {
    this.options = options;
    this.space = new DiskSpace(options.paths.stdioLogDir);
    this.holder = new PipeHolder(options.paths.runtimeDir);
  }

  watch(): void {
    if (!this.opened) this.found = this.holder.open();
    this.opened = true;
    this.every(LOGS.sweepMs, () => this.attempt('the pipe holder', () => this.holder.keepAlive()));
    this.stopped = false;
    this.every(LOGS.sweepMs, () => this.sweep());
    this.after(LOGS.spaceCheckMs, () => this.watchSpace());
  }

  /** `end`: nothing runs any more; otherwise another supervisor goes on. */
  stop(end: boolean): void {
    this.stopped = true;
    for (const timer of this.timers) timer.cancel();
    this.endCheck?.cancel();
    this.endCheck = undefined;
    this.pumping?.cancel();
    this.pumping = undefined;
    if (end) this.holder.close();
  }

  /** Lines and bytes of an instance that no disk took. */
  lostOf(name: string): Lost {
    return this.lost.get(name) ?? { lines: 0, bytes: 0 };
  }

  readonly attachment: Attachment = {
    concern: 'logs',
    attach: async (desired, run) => this.attach(desired, run),
    created: async (desired, run, pid) => this.begun(desired, run, pid),
    detach: async (name, run) => {
      this.closeOwn(name, run);
      if (this.runs.get(name)?.options.run === run) this.ended(name, 'could not be started');
    },
    forget: async name => {
      this.lost.delete(name);
    },
  };

  /** A monitor cannot create a container without its log: where there can be none, we read the output. */
  private attach({ name, stdio }: DesiredInstance, run: number): RunPart {
    const problem = stdio.kind === 'log' ? obstacle(stdioLog(this.options.paths, name)) : undefined;
    if (problem === undefined) return {};
    this.options.log.error(`${name}: starts without a log: ${problem.message}`);
    const own = makeOwnPipes();
    this.own.set(name, { run, ...own });
    return { outputFd: own.writeEnds[0], errorFd: own.writeEnds[1] };
  }

  private closeOwn(name: string, run: number): void {
    const own = this.own.get(name);
    if (own === undefined || own.run !== run) return;
    closePipes(own.pipes);
    for (const fd of own.writeEnds) closeSync(fd);
    this.own.delete(name);
  }

  /** An earlier supervisor's run; it may be over, with its last words still in a pipe. */
  adopt(begun: Begun): void {
    const files = runFiles(this.options.paths, begun.name, begun.run);
    const monitorPid = readPid(files.monitorPidFile);
    const found = this.found.flatMap(held => fromHeld(begun.name, begun.run, held) ?? []);
    const pipes =
      found.length > 0
        ? found
        : findRunPipes(
            files.bundle,
            [begun.pid, monitorPid].filter(pid => isAlive(pid)),
          );
    this.found = this.found.filter(({ fds }) => !fds.some(fd => found.some(pipe => pipe.fd === fd)));
    this.add(begun, pipes, monitorPid, areOwn(files.bundle));
    if (found.length === 0) this.hold(begun.name, begun.run, pipes);
    // An earlier supervisor may have stopped it, for want of room.
    if (isAlive(monitorPid)) process.kill(monitorPid, 'SIGCONT');
    else this.monitorGone(begun.name);
  }

  /** A child of ours has ended; it may be a monitor. */
  reaped(pid: number): void {
    for (const [name, log] of this.runs) if (log.options.monitorPid === pid) this.monitorGone(name);
  }

  /** Every run that is left has been adopted. */
  adoptedAll(): void {
    for (const { fds } of this.found) {
      for (const fd of fds) closeSync(fd);
      this.holder.drop();
    }
    this.found = [];
  }

  monitorGone(name: string): void {
    const log = this.runs.get(name);
    if (log === undefined) return;
    this.attempt(name, () => log.own());
    this.pumpSoon();
  }

  /** `words`: how, e.g. `exited with code 3`. */
  ended(name: string, words: string): void {
    const log = this.runs.get(name);
    if (log === undefined) return;
    const { startedWallMs, monitorPid } = log.options;
    const uptimeS = Math.max(0, Math.round((this.options.clock.wallMs() - startedWallMs) / 1000));
    this.attempt(name, () => log.close(!isAlive(monitorPid)));
    this.runs.delete(name);
    this.holder.drop();
    this.mark(name, `${words}, uptime ${uptimeS} s`);
  }

  /** A line among those of the program. */
  mark(name: string, text: string): void {
    this.attempt(name, () => {
      const log = this.runs.get(name);
      if (log !== undefined) log.mark(text);
      else appendLine(stdioLog(this.options.paths, name), markerLine(this.options.clock.wallMs(), text));
    });
  }

  private begun(desired: DesiredInstance, run: number, pid: number): void {
    const { name, command } = desired;
    const { bundle, monitorPidFile } = runFiles(this.options.paths, name, run);
    const own = this.takeOwn(name, run);
    if (own !== undefined) rememberOwn(bundle, own);
    const pipes = own ?? (desired.stdio.kind === 'log' ? openRunPipes(bundle, pid) : []);
    const begun = { name, run, pid, startedWallMs: this.options.clock.wallMs() };
    this.add(begun, pipes, readPid(monitorPidFile), own !== undefined);
    this.hold(name, run, pipes);
    const argv = command
      .map(word => JSON.stringify(word))
      .join(' ')
      .slice(0, LOGS.commandChars);
    this.mark(name, `starting run ${run}: ${argv}`);
  }

  /** The program has the write ends now. */
  private takeOwn(name: string, run: number): readonly RunPipe[] | undefined {
    const own = this.own.get(name);
    if (own === undefined || own.run !== run) return undefined;
    for (const fd of own.writeEnds) closeSync(fd);
    this.own.delete(name);
    return own.pipes;
  }

  private add(
    { name, run, pid, startedWallMs }: Begun,
    pipes: readonly RunPipe[],
    monitorPid: number,
    unmonitored: boolean,
  ): void {
    const { paths, limits, clock } = this.options;
    const { bundle } = runFiles(paths, name, run);
    const onLoss = (lost: Lost, error: Error | undefined) => this.onLoss(name, lost, error);
    const path = stdioLog(paths, name);
    this.runs.set(
      name,
      new RunLog({
        path,
        bundle,
        run,
        pid,
        startedWallMs,
        monitorPid,
        pipes,
        unmonitored,
        limits,
        clock,
        onLoss,
      }),
    );
    this.pumpSoon();
  }

  /** Also by somebody who outlives us. */
  private hold(name: string, run: number, pipes: readonly RunPipe[]): void {
    const held = ([each, { options }]: [string, RunLog]) => toHeld(each, options.run, options.pipes);
    if (pipes.length === 0) return;
    this.attempt(name, () =>
      this.holder.put(toHeld(name, run, pipes), () =>
        [...this.runs].filter(([, each]) => each.options.pipes.length > 0).map(held),
      ),
    );
  }

  private onLoss(name: string, { lines, bytes }: Lost, error: Error | undefined): void {
    const before = this.lostOf(name);
    const now = { lines: before.lines + lines, bytes: before.bytes + bytes };
    this.lost.set(name, now);
    const isFirst = before.lines === 0;
    if (error === undefined) this.options.log.warn(`${name}: its log can be written again`, { lost: now });
    else if (isFirst) this.options.log.error(`${name}: output is lost: ${error.message}`);
    if (isFirst || error === undefined) this.options.onChange();
  }

  private every(ms: number, work: () => void): void {
    this.after(ms, () => {
      work();
      this.every(ms, work);
    });
  }

  private after(ms: number, work: () => void): void {
    const timer = this.options.clock.after(ms, () => {
      this.timers.delete(timer);
      if (!this.stopped) work();
    });
    this.timers.add(timer);
  }

  private watchSpace(): void {
    this.checkSpace();
    this.after(this.space.nextLookMs, () => this.watchSpace());
  }

  private sweep(): void {
    for (const [name, log] of this.runs) {
      if (log.options.pipes.length > 0 && log.needsTending())
        log.tend().catch((error: Error) => this.options.log.warn(`${name}: log: ${error.message}`));
    }
  }

  private checkSpace(): void {
    const before = this.space.tight;
    const tight = this.space.look();
    if (tight !== before) {
      const words = tight ? 'is nearly full: what it does not take will be counted' : 'has room again';
      this.options.log.warn(`the disk of ${this.options.paths.stdioLogDir} ${words}`);
    }
    if (!tight && !before) return;
    for (const [name, log] of this.runs) this.attempt(name, () => (tight ? log.borrow() : log.giveBack()));
    this.checkBorrowed();
    this.pumpSoon();
  }

  /** A stopped monitor cannot tell of the end of its container, and daemons of one may keep the pipes open. */
  private checkBorrowed(): void {
    const borrowed = [...this.runs].filter(([, { writerKind }]) => writerKind === 'borrowed');
    if (this.stopped || borrowed.length === 0) return;
    for (const [name, log] of borrowed) if (!isAlive(log.options.pid)) this.attempt(name, () => log.finish());
    this.endCheck ??= this.options.clock.after(LOGS.endCheckMs, () => {
      this.endCheck = undefined;
      this.checkBorrowed();
    });
  }

  private pumpSoon(): void {
    if (this.stopped || ![...this.runs.values()].some(each => each.writerKind !== 'monitor')) return;
    this.pumping ??= this.options.clock.after(LOGS.pumpMs, () => {
      this.pumping = undefined;
      for (const [name, log] of this.runs) this.attempt(name, () => log.pump());
      this.pumpSoon();
    });
  }

  private attempt(name: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.options.log.warn(`${name}: log: ${(error as Error).message}`);
    }
  }
}
