// A log file that we write line by line, straight out of a pipe. Each line is either in the pipe or in the file: columns
// are written first, then the kernel moves the text in one step. What a kill in between leaves at the end of the file is
// put right by whoever opens it next.
//
//   … F earlier line⏎        whole
//   … F                      columns without text: taken back
//   … F some te              torn: gets its newline
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { spliceToFile } from '@suite/shared/linux/pipes.ts';
import { isOnlyColumns } from '../../core/logs/line.ts';
import { LOG_MODE, type LogLimits, rotateOwn } from './rotation.ts';

/** More than columns have. */
const TAIL_BYTES = 128;
const NEWLINE = Buffer.from('\n');

/** All of it or an error; where the disk is full the kernel writes what fits and says so only the next time. */
function writeAll(fd: number, data: Uint8Array, offset: number): void {
  let done = 0;
  while (done < data.length) done += writeSync(fd, data, done, data.length - done, offset + done);
}

function readTail(fd: number, size: number): string {
  const tail = Buffer.alloc(Math.min(TAIL_BYTES, size));
  readSync(fd, tail, 0, tail.length, size - tail.length);
  return tail.toString('latin1');
}

/** Its last line was not written to its end: a monitor met a full disk, and has dropped what came next. */
export function isTorn(path: string): boolean {
  if (!existsSync(path)) return false;
  const fd = openSync(path, 'r');
  try {
    const tail = readTail(fd, fstatSync(fd).size);
    return tail !== '' && !tail.endsWith('\n') && !isOnlyColumns(tail.slice(tail.lastIndexOf('\n') + 1));
  } finally {
    closeSync(fd);
  }
}

/** `fd`: open for reading and writing; answers where the next line begins. */
function mendTail(fd: number): number {
  const { size } = fstatSync(fd);
  if (size === 0) return 0;
  const tail = readTail(fd, size);
  const last = tail.slice(tail.lastIndexOf('\n') + 1);
  if (last === '') return size;
  if (isOnlyColumns(last)) {
    ftruncateSync(fd, size - last.length);
    return size - last.length;
  }
  writeAll(fd, NEWLINE, size);
  return size + 1;
}

/** A line of ours at the end of a file that others append to as well. Throws the system's error. */
export function appendLine(path: string, line: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, LOG_MODE);
  try {
    const { size } = fstatSync(fd);
    const torn = size > 0 && !readTail(fd, size).endsWith('\n');
    writeSync(fd, torn ? `\n${line}` : line);
  } finally {
    closeSync(fd);
  }
}

/** Where the file system cannot take pages of a pipe, a kill between the two calls loses what was read. */
function moveSome(pipe: number, fd: number, offset: number, length: number): number {
  try {
    return spliceToFile(pipe, fd, offset, length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    const data = Buffer.allocUnsafe(length);
    const count = readSync(pipe, data, 0, length, null);
    writeAll(fd, data.subarray(0, count), offset);
    return count;
  }
}

export class LogFile {
  private readonly path: string;
  private readonly limits: LogLimits;
  private fd: number | undefined;
  private end = 0;

  constructor(path: string, limits: LogLimits) {
    this.path = path;
    this.limits = limits;
  }

  /** Throws; the file is then as it was before. */
  write(line: string): void {
    this.whole(fd => {
      const data = Buffer.from(line);
      writeAll(fd, data, this.end);
      return data.length;
    });
  }

  /**
   * Moves `length` bytes of text out of a pipe, after `columns`. `moved` is told of every step, because after an error the
   * caller has to take the rest out of the pipe. Throws the system's error; the file is then as it was before.
   */
  move(
    columns: string,
    pipe: number,
    length: number,
    needsNewline: boolean,
    moved: (bytes: number) => void,
  ): void {
    this.whole(fd => {
      const start = Buffer.from(columns, 'latin1');
      writeAll(fd, start, this.end);
      const textAt = this.end + start.length;
      for (let done = 0; done < length; ) {
        const bytes = moveSome(pipe, fd, textAt + done, length - done);
        moved(bytes);
        done += bytes;
      }
      if (needsNewline) writeAll(fd, NEWLINE, textAt + length);
      return start.length + length + (needsNewline ? 1 : 0);
    });
  }

  /** Somebody may have removed or replaced the file: the next line then goes into a new one. */
  checkPlace(): void {
    if (this.fd === undefined) return;
    const there = statSync(this.path, { throwIfNoEntry: false });
    if (there?.ino !== fstatSync(this.fd).ino) this.close();
  }

  /** Somebody else may write to it now. */
  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }

  private whole(write: (fd: number) => number): void {
    const fd = this.open();
    // Somebody emptied it (`> FILE`), or added a line of ours.
    if (fstatSync(fd).size !== this.end) this.end = mendTail(fd);
    try {
      this.end += write(fd);
    } catch (error) {
      ftruncateSync(fd, this.end);
      throw error;
    }
    if (this.end > this.limits.sizeBytes) this.rotate();
  }

  private open(): number {
    if (this.fd !== undefined) return this.fd;
    mkdirSync(dirname(this.path), { recursive: true });
    const fd = openSync(this.path, constants.O_RDWR | constants.O_CREAT, LOG_MODE);
    try {
      this.end = mendTail(fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.fd = fd;
    return fd;
  }

  private rotate(): void {
    try {
      rotateOwn(this.path, this.limits.files);
      this.close();
    } catch {
      // No room for another file: this one goes on, and the next line tries again.
    }
  }
}
