// How one step of a series becomes bytes. A series starts an epoch as "missing" with base 0.
//
//   code 0      the value is missing from this scan on
//   code 1      a 64-bit float follows; the base stays
//   code 2      (columns only) a count follows: that many scans like the one before
//   code 3 + z  base += zigzag⁻¹(z); the value is base / quantum
//
// The quantum is 1 for counters and integers and 100 for floats, because load, uptime and most gauges of applications
// are hundredths; whatever is not a whole number of quanta is stored as it is. NaN stands for "missing" everywhere.
import type { ByteCursor, ByteLog } from './bytes.ts';

const MISSING = 0;
const RAW = 1;
const RUN = 2;
const DELTA = 3;

/** Beyond it zigzag + 3 would leave the exact integers. */
const MAX_DELTA = 2 ** 51;

/** The value as a whole number of quanta, or NaN when that would lose something. */
function quanta(value: number, quantum: number): number {
  const scaled = Math.round(value * quantum);
  return scaled / quantum === value && Math.abs(scaled) < MAX_DELTA ? scaled : Number.NaN;
}

/** Appends the change to `value` and returns the new base. */
export function writeChange(log: ByteLog, value: number, base: number, quantum: number): number {
  if (Number.isNaN(value)) {
    log.varint(MISSING);
    return base;
  }
  const scaled = quanta(value, quantum);
  const delta = scaled - base;
  if (Math.abs(delta) < MAX_DELTA) {
    log.varint(DELTA + (delta >= 0 ? delta * 2 : -delta * 2 - 1));
    return scaled;
  }
  log.varint(RAW);
  log.float(value);
  return base;
}

export function writeRun(log: ByteLog, scans: number): void {
  log.varint(RUN);
  log.varint(scans);
}

/** Moves the bytes of one change from a row to a column, unread. */
export function copyChange(from: ByteCursor, to: ByteLog): void {
  const code = from.varint();
  to.varint(code);
  if (code === RAW) to.float(from.float());
}

export function skipChange(from: ByteCursor): void {
  if (from.varint() === RAW) from.at += 8;
}

/** Walks the changes of one series; `value` is the current one (NaN = missing). */
export class SeriesReader {
  readonly #quantum: number;
  #base = 0;
  value = Number.NaN;

  constructor(quantum: number) {
    this.#quantum = quantum;
  }

  /** Reads one code. Returns for how many scans `value` now holds: 1, or the length of a run. */
  next(cursor: ByteCursor): number {
    const code = cursor.varint();
    if (code >= DELTA) {
      const zigzag = code - DELTA;
      this.#base += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
      this.value = this.#base / this.#quantum;
    } else if (code === RUN) return cursor.varint();
    else this.value = code === RAW ? cursor.float() : Number.NaN;
    return 1;
  }
}
