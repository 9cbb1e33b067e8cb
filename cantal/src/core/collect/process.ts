// /proc/PID/stat, io, schedstat as bytes: read hundreds of times per scan, so no strings and no objects are made.
import type { Field } from '../history/slots.ts';

/** Places in the array that `parseProcessStat` fills. Times are clock ticks, `rss` is pages. */
export const STAT = {
  state: 0,
  ppid: 1,
  userTime: 2,
  systemTime: 3,
  childUserTime: 4,
  childSystemTime: 5,
  threads: 6,
  startTime: 7,
  vsize: 8,
  rss: 9,
  /** Where the name begins and ends in the bytes, and a hash of it: a change means exec or rename. */
  nameStart: 10,
  nameEnd: 11,
  nameHash: 12,
} as const;
export const STAT_LENGTH = 13;

export const PROCESS_FIELDS: readonly Field[] = [
  { labels: { metric: 'vsize' }, kind: 'Integer' },
  { labels: { metric: 'rss' }, kind: 'Integer' },
  { labels: { metric: 'swap' }, kind: 'Integer' },
  { labels: { metric: 'num_threads' }, kind: 'Integer' },
  { labels: { metric: 'user_time' }, kind: 'Counter' },
  { labels: { metric: 'system_time' }, kind: 'Counter' },
  { labels: { metric: 'read_bytes' }, kind: 'Counter' },
  { labels: { metric: 'write_bytes' }, kind: 'Counter' },
];
/** Offsets into a group of PROCESS_FIELDS. */
export const PROCESS = {
  vsize: 0,
  rss: 1,
  swap: 2,
  threads: 3,
  userTime: 4,
  systemTime: 5,
  readBytes: 6,
  writeBytes: 7,
} as const;

const SPACE = 32;
const NEWLINE = 10;
const OPEN = 40;
const CLOSE = 41;
const ZERO = 48;
const NINE = 57;
const MINUS = 45;

/** Column (counted after the name, `state` = 0) of each field, in the order of STAT from `ppid` on. */
const COLUMNS = [1, 11, 12, 13, 14, 17, 19, 20, 21];
const LAST_COLUMN = 21;

/** Digits from `at` on; NaN when there are none. */
function numberAt(bytes: Uint8Array, at: number, end: number): number {
  let index = at;
  const negative = bytes[index] === MINUS;
  if (negative) index++;
  const first = index;
  let value = 0;
  for (; index < end; index++) {
    const byte = bytes[index] as number;
    if (byte < ZERO || byte > NINE) break;
    value = value * 10 + byte - ZERO;
  }
  if (index === first) return Number.NaN;
  return negative ? -value : value;
}

/** The name stands between the first "(" and the last ")", because it may hold both, and spaces. */
function readName(bytes: Uint8Array, length: number, out: Float64Array): number {
  const start = bytes.indexOf(OPEN) + 1;
  let end = length - 1;
  while (end > start && bytes[end] !== CLOSE) end--;
  if (start === 0 || end <= start) return -1;
  let hash = 0;
  for (let index = start; index < end; index++) hash = (hash * 31 + (bytes[index] as number)) | 0;
  out[STAT.nameStart] = start;
  out[STAT.nameEnd] = end;
  out[STAT.nameHash] = hash;
  return end + 2;
}

/** Fills `out` (STAT_LENGTH numbers) from the first `length` bytes; false when this is no stat line. */
export function parseProcessStat(bytes: Uint8Array, length: number, out: Float64Array): boolean {
  const first = readName(bytes, length, out);
  if (first < 0 || first >= length) return false;
  out[STAT.state] = bytes[first] as number;
  let at = first;
  let field = 0;
  for (let column = 0; column <= LAST_COLUMN; column++) {
    if (column === COLUMNS[field]) {
      out[STAT.ppid + field] = numberAt(bytes, at, length);
      field++;
    }
    while (at < length && bytes[at] !== SPACE) at++;
    at++;
    if (at >= length) return column >= LAST_COLUMN - 1 && field === COLUMNS.length;
  }
  return true;
}

const R = 114;
const W = 119;
const E = 101;

/** `read_bytes` and `write_bytes` of /proc/PID/io into `out[0]` and `out[1]`; false when either is missing. */
export function parseProcessIo(bytes: Uint8Array, length: number, out: Float64Array): boolean {
  let found = 0;
  let at = 0;
  while (at < length) {
    // "read_bytes: " and "write_bytes: " against "rchar", "wchar", "syscr", "syscw", "cancelled_write_bytes".
    if (bytes[at] === R && bytes[at + 1] === E) {
      out[0] = numberAt(bytes, at + 12, length);
      found++;
    } else if (bytes[at] === W && bytes[at + 1] === R) {
      out[1] = numberAt(bytes, at + 13, length);
      found++;
    }
    while (at < length && bytes[at] !== NEWLINE) at++;
    at++;
  }
  return found === 2;
}

/** Third number of /proc/PID/schedstat: how often the task was given the processor. NaN when absent. */
export function parseTimeslices(bytes: Uint8Array, length: number): number {
  let at = 0;
  for (let skipped = 0; skipped < 2; skipped++) {
    while (at < length && bytes[at] !== SPACE) at++;
    at++;
  }
  return numberAt(bytes, at, length);
}

export interface ProcessOwner {
  readonly uid: number;
  readonly gid: number;
  /** Bytes; 0 for kernel threads. */
  readonly swap: number;
}

/** Real ids and swap of /proc/PID/status. */
export function parseOwner(text: string): ProcessOwner {
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    uid: number(/^Uid:\s+(\d+)/m),
    gid: number(/^Gid:\s+(\d+)/m),
    swap: number(/^VmSwap:\s+(\d+) kB/m) * 1024,
  };
}

export interface MetricEnvironment {
  readonly path: string;
  readonly appname: string | undefined;
}

/** CANTAL_PATH and CANTAL_APPNAME of a NUL separated environment; undefined without a path. */
export function parseEnvironment(text: string): MetricEnvironment | undefined {
  let path: string | undefined;
  let appname: string | undefined;
  for (const entry of text.split('\0')) {
    if (path === undefined && entry.startsWith('CANTAL_PATH=')) path = entry.slice(12);
    else if (appname === undefined && entry.startsWith('CANTAL_APPNAME=')) appname = entry.slice(15);
  }
  const base = path?.replace(/\/+$/, '') ?? '';
  // Behind /proc/PID/root, ".." would leave the container.
  if (base === '' || base.split('/').includes('..')) return undefined;
  const ascii = appname !== undefined && [...appname].every(char => char <= '~' && char >= ' ');
  return { path: base, appname: ascii ? appname : undefined };
}
