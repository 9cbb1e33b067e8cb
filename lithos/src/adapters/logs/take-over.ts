// Writes a run's output in place of its monitor: bytes leave the pipe only when they are in the file, and what no disk
// takes is counted.
import { readSync } from 'node:fs';
import { makePipe, readablePipes, tee } from '@suite/shared/linux/pipes.ts';
import type { Clock } from '@suite/shared/ports/index.ts';
import { LOGS } from '../../config/defaults.ts';
import { logColumns, markerLine } from '../../core/logs/line.ts';
import type { LogFile } from './log-file.ts';
import type { RunPipe } from './run-pipes.ts';

export interface Lost {
  readonly lines: number;
  readonly bytes: number;
}

const NEWLINE = 10;

/** What is in a pipe can only be seen in a copy; one for all. */
class Glass {
  private readonly ends = makePipe();
  private readonly buffer = Buffer.allocUnsafe(LOGS.pipeLookBytes);

  /** Undefined: nothing there now; empty: nothing will come any more. */
  look(fd: number): Buffer | undefined {
    const count = tee(fd, this.ends[1], this.buffer.length);
    if (count === undefined) return undefined;
    for (let done = 0; done < count; ) done += readSync(this.ends[0], this.buffer, done, count - done, null);
    return this.buffer.subarray(0, count);
  }
}

let glass: Glass | undefined;

/** Lengths of the lines, newline included; the last one may have none. */
function* linesOf(data: Buffer): Generator<{ readonly length: number; readonly whole: boolean }> {
  for (let start = 0; start < data.length; ) {
    const found = data.indexOf(NEWLINE, start);
    const end = found < 0 ? data.length : found + 1;
    yield { length: end - start, whole: found >= 0 };
    start = end;
  }
}

function discard(fd: number, length: number): void {
  const waste = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) done += readSync(fd, waste, 0, length - done, null);
}

export interface TakeOverOptions {
  readonly pipes: readonly RunPipe[];
  readonly file: LogFile;
  readonly clock: Clock;
  /** The monitor has dropped lines before, nobody knows how many. */
  readonly wereLost: boolean;
  /** Called when lines are lost, and when it is written how many were. */
  readonly onLoss: (lost: Lost, error: Error | undefined) => void;
}

export class TakeOver {
  private readonly options: TakeOverOptions;
  private open: readonly RunPipe[];
  /** Not yet told in the log itself. */
  private untold: Lost = { lines: 0, bytes: 0 };
  private uncounted: boolean;
  private retryAtMs = 0;

  constructor(options: TakeOverOptions) {
    this.options = options;
    this.open = options.pipes;
    this.uncounted = options.wereLost;
  }

  /** True: every writer is gone, and everything they wrote has been dealt with. */
  get ended(): boolean {
    return this.open.length === 0;
  }

  get fds(): readonly number[] {
    return this.open.map(({ fd }) => fd);
  }

  /** Deals with what is there, up to a limit for each pipe, so that one program cannot keep all others waiting. */
  pump(): void {
    const ready = readablePipes(this.fds);
    this.open = this.open.filter(pipe => !ready.has(pipe.fd) || this.drain(pipe));
    if (this.hasNews) this.tell();
  }

  private get hasNews(): boolean {
    return this.uncounted || this.untold.lines > 0;
  }

  /** A line of ours. Throws the system's error. */
  write(line: string): void {
    this.options.file.write(line);
  }

  /** Looks whether the file is still where it belongs. */
  checkPlace(): void {
    this.options.file.checkPlace();
  }

  /** Ready for whoever writes to the file next. */
  close(): void {
    this.retryAtMs = 0;
    if (this.hasNews) this.tell();
    this.options.file.close();
  }

  /** False when nothing will come any more. */
  private drain({ fd, stream }: RunPipe): boolean {
    glass ??= new Glass();
    for (let done = 0; done < LOGS.pumpBytes; ) {
      const data = glass.look(fd);
      if (data === undefined) return true;
      if (data.length === 0) return false;
      for (const { length, whole } of linesOf(data)) this.line(fd, stream, length, whole);
      done += data.length;
    }
    return true;
  }

  private line(fd: number, stream: RunPipe['stream'], length: number, whole: boolean): void {
    let left = length;
    try {
      if (this.hasNews && !this.tell()) throw new Error('the disk is still full');
      const columns = logColumns(this.options.clock.wallMs(), stream, !whole);
      this.options.file.move(columns, fd, length, !whole, bytes => {
        left -= bytes;
      });
    } catch (error) {
      discard(fd, left);
      if (!this.hasNews) this.retryAtMs = this.options.clock.monotonicMs() + LOGS.retryMs;
      this.untold = { lines: this.untold.lines + 1, bytes: this.untold.bytes + length };
      this.options.onLoss({ lines: 1, bytes: length }, error as Error);
    }
  }

  /** False: the disk does not take that either. */
  private tell(): boolean {
    const { clock, file } = this.options;
    if (clock.monotonicMs() < this.retryAtMs) return false;
    const { lines, bytes } = this.untold;
    const before = this.uncounted ? ', and before that an unknown number' : '';
    try {
      file.write(
        markerLine(
          clock.wallMs(),
          `${lines} lines (${bytes} bytes) lost: the disk did not take them${before}`,
        ),
      );
    } catch {
      this.retryAtMs = clock.monotonicMs() + LOGS.retryMs;
      return false;
    }
    this.untold = { lines: 0, bytes: 0 };
    this.uncounted = false;
    this.options.onLoss({ lines: 0, bytes: 0 }, undefined);
    return true;
  }
}
