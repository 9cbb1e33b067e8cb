// Reads the log of one instance, old files first, and goes on with it while it grows.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { LOGS } from '../../config/defaults.ts';
import { LineJoiner, type LogEntry } from '../../core/logs/joiner.ts';

const NEWLINE = 10;

/** Lines of one open file from `offset` on; the last one, without a newline, stays for later. */
class FileLines {
  readonly fd: number;
  readonly inode: number;
  private offset: number;
  private rest: Buffer = Buffer.alloc(0);

  constructor(path: string, offset: number) {
    this.fd = openSync(path, 'r');
    this.inode = fstatSync(this.fd).ino;
    this.offset = offset;
  }

  *next(): Generator<string> {
    const chunk = Buffer.allocUnsafe(LOGS.readBytes);
    if (fstatSync(this.fd).size < this.offset) this.beginAgain();
    for (;;) {
      const count = readSync(this.fd, chunk, 0, chunk.length, this.offset);
      if (count === 0) return;
      this.offset += count;
      const data = Buffer.concat([this.rest, chunk.subarray(0, count)]);
      let start = 0;
      for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, start)) {
        yield data.toString('utf8', start, end);
        start = end + 1;
      }
      this.rest = data.subarray(start);
      if (this.rest.length > LOGS.lineBytes) yield this.takeRest();
    }
  }

  /** Somebody emptied it: what is there now was written since. */
  private beginAgain(): void {
    this.offset = 0;
    this.rest = Buffer.alloc(0);
  }

  takeRest(): string {
    const text = this.rest.toString('utf8');
    this.rest = Buffer.alloc(0);
    return text;
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** Where the last `lines` lines begin, or a little before. */
function offsetOfLast(path: string, lines: number): { offset: number; found: number } {
  const fd = openSync(path, 'r');
  try {
    let end = fstatSync(fd).size;
    let found = 0;
    const chunk = Buffer.allocUnsafe(LOGS.readBytes);
    while (end > 0) {
      const begin = Math.max(0, end - chunk.length);
      const count = readSync(fd, chunk, 0, end - begin, begin);
      for (let at = chunk.lastIndexOf(NEWLINE, count - 1); at >= 0; at = chunk.lastIndexOf(NEWLINE, at - 1)) {
        // The newline of the last line ends it; the one before the first wanted line begins that.
        if (found++ === lines) return { offset: begin + at + 1, found: lines };
        if (at === 0) break;
      }
      end = begin;
    }
    return { offset: 0, found };
  } finally {
    closeSync(fd);
  }
}

export interface LogFiles {
  /** The current one. */
  readonly path: string;
  /** Numbers of the old ones that there are, oldest first; without 0. */
  readonly ages: readonly number[];
}

function pathOf({ path }: LogFiles, age: number): string {
  return age === 0 ? path : `${path}.${age}`;
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

export class LogReader {
  private readonly files: LogFiles;
  private readonly joiner = new LineJoiner(LOGS.lineBytes);
  private current: FileLines | undefined;

  constructor(files: LogFiles) {
    this.files = files;
  }

  /** `lastLines`: at least that many from the end are read, if there are so many. `sinceMs`: older files are left out. */
  *read(lastLines: number | undefined, sinceMs: number | undefined): Generator<LogEntry> {
    let starts = this.starts(sinceMs);
    if (lastLines !== undefined) starts = this.lastOf(starts, lastLines);
    for (const { path, offset } of starts) {
      this.current?.close();
      this.current = new FileLines(path, offset);
      yield* this.entries(this.current);
    }
    if (starts.length === 0 && inodeOf(this.files.path) !== undefined)
      this.current = new FileLines(this.files.path, 0);
  }

  /** What has come since; also from the next file, when this one was rotated. */
  *more(): Generator<LogEntry> {
    const before = this.current;
    // First, so that what is written into the old file until the change is not missed.
    const next = this.newer(before?.inode);
    if (before !== undefined) yield* this.entries(before);
    for (const path of next) {
      this.current?.close();
      this.current = new FileLines(path, 0);
      yield* this.entries(this.current);
    }
  }

  private *entries(file: FileLines): Generator<LogEntry> {
    for (const line of file.next()) {
      const entry = this.joiner.push(line);
      if (entry !== undefined) yield entry;
    }
  }

  private starts(sinceMs: number | undefined): { path: string; offset: number }[] {
    const all = [...this.files.ages, 0].map(age => pathOf(this.files, age));
    // In the middle of a rotation a file has two names.
    const paths = all.filter((path, index) => inodeOf(path) !== inodeOf(all[index + 1] ?? ''));
    const wanted = paths.filter(path => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found !== undefined && (sinceMs === undefined || found.mtimeMs >= sinceMs);
    });
    return wanted.map(path => ({ path, offset: 0 }));
  }

  private lastOf(starts: readonly { path: string }[], lines: number): { path: string; offset: number }[] {
    const chosen: { path: string; offset: number }[] = [];
    let missing = lines;
    for (const { path } of [...starts].reverse()) {
      const { offset, found } = offsetOfLast(path, missing);
      chosen.unshift({ path, offset });
      missing -= found;
      if (missing <= 0) break;
    }
    return chosen;
  }

  /** Files that were begun after the one with that inode, oldest first. */
  private newer(inode: number | undefined): string[] {
    if (inodeOf(this.files.path) === inode) return [];
    const newer: string[] = inodeOf(this.files.path) === undefined ? [] : [this.files.path];
    for (let age = 1; inode !== undefined; age++) {
      const there = inodeOf(pathOf(this.files, age));
      // Not found: it was removed, and what is left began after it or nobody knows.
      if (there === undefined) return newer.slice(-1);
      if (there === inode) break;
      newer.unshift(pathOf(this.files, age));
    }
    return newer;
  }
}
