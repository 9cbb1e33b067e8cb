// Synchronous reads of /proc and /sys. One burst of short reads every 2 s is cheaper than any asynchronous way: threads
// gained nothing and libuv was twice as slow when measured.
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { SCAN } from '../config/defaults.ts';

/** One buffer for all reads of a scan: each is consumed before the next. */
export const buffer = Buffer.allocUnsafe(SCAN.fileBytes);

function code(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** Absent, gone or not ours to read: a value for collectors. Everything else is a failure. */
function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ESRCH', 'EACCES', 'EPERM', 'ENODEV'].includes(code(error) ?? '');
}

/** Reads from position 0 to the end into `buffer`: seq files give a page at a time. Throws when it is longer. */
function readWhole(fd: number, path: string): number {
  let length = 0;
  for (;;) {
    const count = readSync(fd, buffer, length, buffer.length - length, length);
    if (count === 0) return length;
    length += count;
    if (length === buffer.length) throw new Error(`${path} is longer than ${buffer.length} bytes`);
  }
}

/** Text of a file, undefined when absent or not readable for us. */
export function readText(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  try {
    return buffer.toString('utf8', 0, readWhole(fd, path));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** A descriptor that stays open from scan to scan; opened anew after the file vanished. */
export class KeptFile {
  readonly path: string;
  #fd: number | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** undefined when the file is absent. */
  text(): string | undefined {
    try {
      this.#fd ??= openSync(this.path, 'r');
      return buffer.toString('utf8', 0, readWhole(this.#fd, this.path));
    } catch (error) {
      this.close();
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** Opens for reading without following a link at the end and without waiting for a fifo; undefined when impossible. */
function openPlain(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

/**
 * A regular file of someone else's container, read whole: links are not followed, because an absolute one would lead
 * into our own root. undefined when absent, of another type, or larger than `maxBytes`.
 */
export function readPlain(
  path: string,
  maxBytes: number,
  wanted: (stats: Stats) => boolean,
): { readonly bytes: Buffer; readonly stats: Stats } | undefined {
  const fd = openPlain(path);
  if (fd === undefined) return undefined;
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size > maxBytes || !wanted(stats)) return undefined;
    const bytes = Buffer.allocUnsafe(stats.size);
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, length);
      if (count === 0) break;
      length += count;
    }
    return { bytes: bytes.subarray(0, length), stats };
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}
