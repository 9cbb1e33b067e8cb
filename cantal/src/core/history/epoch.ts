// A sealed stretch of history: one byte column per series, readable without its neighbours.
import { ByteCursor, ByteLog } from './bytes.ts';
import { copyChange, SeriesReader, skipChange, writeRun } from './codec.ts';

export interface Epoch {
  /** Number of the first scan, counted since the start of the history. */
  readonly firstScan: number;
  /** Unix ms of each scan, oldest first. */
  readonly timestamps: Float64Array;
  /** Where the column of each slot starts; one more than there are slots. An empty column = never present. */
  readonly offsets: Uint32Array;
  readonly columns: Uint8Array;
}

export interface Rows {
  /** (slot gap, change) pairs of every scan, one scan after the other. */
  readonly log: ByteLog;
  /** End of each scan's part of `log`. */
  readonly ends: readonly number[];
}

/** Calls `visit` with each slot that changed in this scan; `visit` must consume exactly one change. */
function eachChange(rows: Rows, scan: number, visit: (slot: number, cursor: ByteCursor) => void): void {
  const end = rows.ends[scan] as number;
  const cursor = new ByteCursor(rows.log.bytes, scan === 0 ? 0 : (rows.ends[scan - 1] as number));
  let slot = -1;
  while (cursor.at < end) {
    slot += cursor.varint() + 1;
    visit(slot, cursor);
  }
}

/** Bytes of every change, found per slot: `starts` points into the row log, grouped by slot. */
function indexChanges(rows: Rows, slots: number): { first: Uint32Array; scans: Uint8Array; at: Uint32Array } {
  const first = new Uint32Array(slots + 1);
  for (let scan = 0; scan < rows.ends.length; scan++) {
    eachChange(rows, scan, (slot, cursor) => {
      first[slot + 1] = (first[slot + 1] as number) + 1;
      skipChange(cursor);
    });
  }
  for (let slot = 0; slot < slots; slot++)
    first[slot + 1] = (first[slot + 1] as number) + (first[slot] as number);
  const next = first.slice();
  const scans = new Uint8Array(first[slots] as number);
  const at = new Uint32Array(scans.length);
  for (let scan = 0; scan < rows.ends.length; scan++) {
    eachChange(rows, scan, (slot, cursor) => {
      const index = next[slot] as number;
      next[slot] = index + 1;
      scans[index] = scan;
      at[index] = cursor.at;
      skipChange(cursor);
    });
  }
  return { first, scans, at };
}

/** Turns rows into columns. At most 255 scans. */
export function seal(rows: Rows, slots: number, firstScan: number, timestamps: Float64Array): Epoch {
  const { first, scans, at } = indexChanges(rows, slots);
  const out = new ByteLog(rows.log.length);
  const offsets = new Uint32Array(slots + 1);
  const cursor = new ByteCursor(rows.log.bytes, 0);
  for (let slot = 0; slot < slots; slot++) {
    offsets[slot] = out.length;
    let expected = 0;
    for (let index = first[slot] as number; index < (first[slot + 1] as number); index++) {
      const scan = scans[index] as number;
      if (scan > expected) writeRun(out, scan - expected);
      cursor.at = at[index] as number;
      copyChange(cursor, out);
      expected = scan + 1;
    }
  }
  offsets[slots] = out.length;
  return { firstScan, timestamps, offsets, columns: out.bytes.slice(0, out.length) };
}

/** Writes the values of one slot, oldest first, from `out[at]` on. After the last code the value stays to the end. */
export function readColumn(epoch: Epoch, slot: number, quantum: number, out: Float64Array, at: number): void {
  const count = epoch.timestamps.length;
  const start = epoch.offsets[slot];
  const end = epoch.offsets[slot + 1];
  if (start === undefined || end === undefined || start === end) {
    out.fill(Number.NaN, at, at + count);
    return;
  }
  const cursor = new ByteCursor(epoch.columns, start);
  const reader = new SeriesReader(quantum);
  let scan = 0;
  while (cursor.at < end) {
    const held = reader.next(cursor);
    out.fill(reader.value, at + scan, at + scan + held);
    scan += held;
  }
  out.fill(reader.value, at + scan, at + count);
}

export function epochBytes(epoch: Epoch): number {
  return epoch.columns.byteLength + epoch.offsets.byteLength + epoch.timestamps.byteLength;
}
