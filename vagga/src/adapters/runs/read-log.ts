// Reading the log of a detached command: what is there, then what comes.
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { OUTPUT_LINE_BYTES_MAX } from '../../config/defaults.ts';
import { LineCutter } from '../../core/supervise/lines.ts';
import { type LogLine, parseLogLine } from '../../core/supervise/log-line.ts';
import type { RunPlace } from './place.ts';

const CHUNK_BYTES = 64 * 1024;
/** Also when no event comes, as on some network file systems. */
const POLL_MS = 250;
/** A line of a process with what we put before it. */
const LINE_BYTES_MAX = OUTPUT_LINE_BYTES_MAX + 1024;

const textOf = (line: Uint8Array): LogLine[] => {
  const parsed = parseLogLine(Buffer.from(line).toString());
  return parsed === undefined ? [] : [parsed];
};

/** What was put aside when the log grew too big. */
export function olderLines(place: RunPlace): LogLine[] {
  try {
    const cutter = new LineCutter(LINE_BYTES_MAX);
    return [...cutter.push(readFileSync(place.olderLog)), ...cutter.end()].flatMap(textOf);
  } catch {
    return [];
  }
}

/** One open log, from where it was read last. */
export class LogReader {
  readonly #place: RunPlace;
  #fd: number | undefined;
  #cutter = new LineCutter(LINE_BYTES_MAX);
  readonly #buffer = Buffer.alloc(CHUNK_BYTES);

  constructor(place: RunPlace) {
    this.#place = place;
    this.#open();
  }

  #open(): void {
    try {
      this.#fd = openSync(this.#place.log, 'r');
    } catch {
      this.#fd = undefined;
    }
    this.#cutter = new LineCutter(LINE_BYTES_MAX);
  }

  #isReplaced(): boolean {
    const stat = statSync(this.#place.log, { throwIfNoEntry: false });
    return stat !== undefined && (this.#fd === undefined || fstatSync(this.#fd).ino !== stat.ino);
  }

  /** Whole lines that have come since the last call. */
  read(): LogLine[] {
    // Looked at before reading: what is written to the old file until it is replaced is read first.
    const replaced = this.#isReplaced();
    const lines = this.#drain();
    if (!replaced) return lines;
    this.close();
    this.#open();
    return [...lines, ...this.#drain()];
  }

  #drain(): LogLine[] {
    const lines: LogLine[] = [];
    if (this.#fd === undefined) return lines;
    for (let size = this.#take(); size > 0; size = this.#take())
      lines.push(...this.#cutter.push(Buffer.from(this.#buffer.subarray(0, size))).flatMap(textOf));
    return lines;
  }

  #take(): number {
    return readSync(this.#fd as number, this.#buffer);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** Lines as they come, until `isOver` says that no more will. */
export async function followLog(
  place: RunPlace,
  reader: LogReader,
  isOver: () => boolean,
  show: (lines: readonly LogLine[]) => void,
): Promise<void> {
  let wake = () => {};
  const watcher = watch(place.directory, () => wake());
  watcher.on('error', () => wake());
  try {
    for (;;) {
      // Asked first: what was written before the end is shown, too.
      const over = isOver();
      const lines = reader.read();
      if (lines.length > 0) show(lines);
      if (over) return;
      const woken = new Promise<void>(resolve => {
        wake = resolve;
      });
      await Promise.race([woken, sleep(POLL_MS, undefined, { ref: true })]);
    }
  } finally {
    watcher.close();
  }
}
