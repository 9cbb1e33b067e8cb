// Who writes the log of one run.
//
//                       its monitor died                 (or: there was no log to give to a monitor)
//   ┌─────────┐ ───────────────────────────────────────▶ ┌──────┐
//   │ monitor │                                          │ ours │  until the run ends
//   └─────────┘ ◀────────── room again ────────────┐     └──────┘
//        │                                         │        ▲
//        │ the disk is nearly full: STOP    ┌──────────┐    │ its monitor died
//        └────────────────────────────────▶ │ borrowed │ ───┘
//                                           └──────────┘
//                                             run ended: CONT, the monitor tells how
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '@suite/shared/ports/index.ts';
import { markerLine } from '../../core/logs/line.ts';
import { appendLine, isTorn, LogFile } from './log-file.ts';
import { appendsTo, reopenLog } from './monitor-log.ts';
import { keepOld, type LogLimits, rotateOwn, settle } from './rotation.ts';
import { closePipes, type RunPipe } from './run-pipes.ts';
import { type Lost, TakeOver } from './take-over.ts';

type Writer =
  /** `inode` of the file it writes; undefined: not looked at yet. */
  | { readonly kind: 'monitor'; inode: number | undefined; opening: boolean }
  /** `still`: the monitor has really stopped, so nobody else reads the pipes. */
  | { readonly kind: 'borrowed'; readonly takeOver: TakeOver; still: boolean }
  | { readonly kind: 'ours'; readonly takeOver: TakeOver };

export interface RunLogOptions {
  readonly path: string;
  readonly bundle: string;
  readonly run: number;
  readonly startedWallMs: number;
  /** The container's first process. */
  readonly pid: number;
  readonly monitorPid: number;
  readonly pipes: readonly RunPipe[];
  /** No monitor reads them. */
  readonly unmonitored: boolean;
  readonly limits: LogLimits;
  readonly clock: Clock;
  readonly onLoss: (lost: Lost, error: Error | undefined) => void;
}

function isStopped(pid: number): boolean {
  try {
    return /^\d+ \(.*\) [Tt]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It died: whoever looks after monitors will tell.
  }
}

export class RunLog {
  readonly options: RunLogOptions;
  private writer: Writer = { kind: 'monitor', inode: undefined, opening: false };
  /** All its writers are gone: the monitor must not be stopped any more. */
  private over = false;

  constructor(options: RunLogOptions) {
    this.options = options;
    if (options.unmonitored) this.own();
  }

  get writerKind(): Writer['kind'] {
    return this.writer.kind;
  }

  /** What is read from here on, nobody else reads. */
  private takeOver(limits: LogLimits, wereLost = false): TakeOver {
    const { path, pipes, clock, onLoss } = this.options;
    return new TakeOver({ pipes, file: new LogFile(path, limits), clock, wereLost, onLoss });
  }

  /** The monitor is dead. May be called again. */
  own(): void {
    const { path, limits } = this.options;
    if (this.writer.kind === 'ours') return;
    if (this.writer.kind === 'borrowed') this.writer.takeOver.close();
    // A rotation was cut short: both names are the same file, and the old one must not grow.
    if (inodeOf(path) !== undefined && inodeOf(path) === inodeOf(`${path}.1`)) rotateOwn(path, limits.files);
    this.writer = { kind: 'ours', takeOver: this.takeOver(limits) };
  }

  borrow(): void {
    const { writer } = this;
    if (writer.kind !== 'monitor' || writer.opening || this.over || this.options.pipes.length === 0) return;
    signal(this.options.monitorPid, 'SIGSTOP');
    // The monitor goes on with the same file: no rotation meanwhile.
    const limits = { ...this.options.limits, sizeBytes: Number.POSITIVE_INFINITY };
    const takeOver = this.takeOver(limits, isTorn(this.options.path));
    this.writer = { kind: 'borrowed', takeOver, still: false };
  }

  giveBack(): void {
    if (this.writer.kind !== 'borrowed') return;
    this.writer.takeOver.close();
    this.writer = { kind: 'monitor', inode: undefined, opening: false };
    signal(this.options.monitorPid, 'SIGCONT');
  }

  /** Writes what has come, unless somebody else does. */
  pump(): void {
    const { writer } = this;
    if (writer.kind === 'monitor') return;
    if (writer.kind === 'borrowed') writer.still ||= isStopped(this.options.monitorPid);
    if (writer.kind === 'borrowed' && !writer.still) return;
    writer.takeOver.pump();
    if (writer.takeOver.ended) this.finish();
  }

  /** The run ends, which its monitor must see to tell how. */
  finish(): void {
    this.over = true;
    this.giveBack();
  }

  /** Asked each second for every run, so it costs a look at the file and nothing more. */
  needsTending(): boolean {
    const { writer } = this;
    return writer.kind !== 'monitor' || (!writer.opening && this.needsNext(writer));
  }

  /** Too long, removed or replaced: the next file is begun. Resolves when that is done. */
  async tend(): Promise<void> {
    const { writer } = this;
    if (writer.kind !== 'monitor') return writer.takeOver.checkPlace();
    if (!this.needsTending()) return;
    writer.opening = true;
    try {
      const { path, limits, bundle, monitorPid, clock } = this.options;
      mkdirSync(dirname(path), { recursive: true });
      settle(path, limits.files);
      if (inodeOf(path) !== undefined) keepOld(path, limits.files);
      writer.inode = await reopenLog({ path, bundle, monitorPid }, clock);
    } finally {
      writer.opening = false;
    }
  }

  private needsNext(writer: Extract<Writer, { kind: 'monitor' }>): boolean {
    const { path, limits, monitorPid } = this.options;
    const there = statSync(path, { throwIfNoEntry: false });
    if (there === undefined) return true;
    // Found after a crash, it may not append yet, or write to a file of another name.
    if (writer.inode === undefined && appendsTo(monitorPid, there.ino)) writer.inode = there.ino;
    return there.ino !== writer.inode || there.size > limits.sizeBytes;
  }

  /** A line of ours among those of the program. Throws the system's error. */
  mark(text: string): void {
    const line = markerLine(this.options.clock.wallMs(), text);
    if (this.writer.kind === 'ours') this.writer.takeOver.write(line);
    else appendLine(this.options.path, line);
  }

  /** The run is over: the last words are written, nothing is held any more. */
  close(monitorIsGone: boolean): void {
    if (monitorIsGone) this.own();
    this.pump();
    this.finish();
    if (this.writer.kind === 'ours') this.writer.takeOver.close();
    closePipes(this.options.pipes);
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
