// The newest lines of an instance's log, for whoever asks what went wrong last.
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { LineJoiner } from '../core/logs/joiner.ts';

function readEnd(fd: number, sizeBytes: number, maxBytes: number): { text: string; whole: boolean } {
  const start = Math.max(0, sizeBytes - maxBytes);
  const bytes = Buffer.alloc(Math.min(sizeBytes, maxBytes));
  const length = readSync(fd, bytes, 0, bytes.length, start);
  return { text: bytes.toString('utf8', 0, length), whole: start === 0 };
}

/** What the program itself wrote: whole lines, with the time of their first part. */
function joined(lines: readonly string[], maxChars: number): string[] {
  const joiner = new LineJoiner(maxChars);
  const whole = lines.flatMap(line => joiner.push(line) ?? []);
  return [...whole, ...joiner.rest()]
    .filter(({ stream }) => stream !== 'lithos')
    .map(({ stream, time, text }) => (stream === undefined ? text : `${time} ${text}`));
}

function linesAtEnd(file: string, maxBytes: number): string[] {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = fstatSync(fd);
      if (!status.isFile()) return [];
      const { text, whole } = readEnd(fd, status.size, maxBytes);
      const all = text.split('\n').slice(whole ? 0 : 1);
      return all.at(-1) === '' ? all.slice(0, -1) : all;
    } finally {
      closeSync(fd);
    }
  } catch {
    return [];
  }
}

/**
 * At most `lines` lines as `TIME text`, oldest first, also from the file before it where a rotation has just left few;
 * empty when there is no log or it must not be read.
 */
export function logTail(file: string, lines: number, maxBytes: number): string[] {
  if (lines === 0) return [];
  const newest = joined(linesAtEnd(file, maxBytes), maxBytes);
  if (newest.length >= lines) return newest.slice(-lines);
  const older = linesAtEnd(`${file}.1`, maxBytes);
  return joined([...older, ...linesAtEnd(file, maxBytes)], maxBytes).slice(-lines);
}

/** Everybody on this host may read the file anyway. */
export function isPublic(file: string): boolean {
  try {
    return (statSync(file).mode & 0o004) !== 0 && (statSync(dirname(file)).mode & 0o001) !== 0;
  } catch {
    return false;
  }
}
