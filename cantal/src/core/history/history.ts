// One hour of every number, in memory.
//
//   set(slot, value) … commit() ──▶ open epoch: rows of changed series ──120 scans──▶ sealed epoch: columns ──keep──▶ dropped
//
// A value holds until it is set anew or its group is closed; NaN = no sample.
import type { MetricKey } from '@suite/shared/wire/cantal.ts';
import { ByteLog } from './bytes.ts';
import { writeChange } from './codec.ts';
import { type Epoch, epochBytes, seal } from './epoch.ts';
import { HistoryReader } from './reader.ts';
import { type Field, type Group, Slots } from './slots.ts';

const FLOAT_QUANTUM = 100;
const INITIAL_SLOTS = 1024;
const INITIAL_LOG_BYTES = 65_536;

export interface HistoryOptions {
  readonly keepMs: number;
  readonly epochScans: number;
  readonly maxSeries: number;
}

export class History {
  readonly slots: Slots;
  readonly #options: HistoryOptions;
  /** Values of the scan being collected. */
  #current = new Float64Array(INITIAL_SLOTS).fill(Number.NaN);
  #previous = new Float64Array(INITIAL_SLOTS).fill(Number.NaN);
  /** Newest real value and the scan it came from, for series that are gone. */
  #last = new Float64Array(INITIAL_SLOTS).fill(Number.NaN);
  #lastScan = new Float64Array(INITIAL_SLOTS).fill(-1);
  #base = new Float64Array(INITIAL_SLOTS);
  #quantum = new Uint8Array(INITIAL_SLOTS).fill(1);
  #sealed: Epoch[] = [];
  #log = new ByteLog(INITIAL_LOG_BYTES);
  #ends: number[] = [];
  #openTimes: number[] = [];
  /** The open epoch as columns, made by the first query after a scan and shared by those that follow. */
  #openEpoch: Epoch | undefined;
  #nextScan = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.slots = new Slots(options.maxSeries);
  }

  /** New series, all missing until set. undefined when there are too many series. */
  open(labels: MetricKey, fields: readonly Field[]): Group | undefined {
    const group = this.slots.open(labels, fields);
    if (group === undefined) return undefined;
    this.#grow(this.slots.used);
    fields.forEach((field, index) => {
      const slot = group.first + index;
      this.#quantum[slot] = field.kind === 'Float' ? FLOAT_QUANTUM : 1;
      this.#last[slot] = Number.NaN;
      this.#lastScan[slot] = -1;
      this.#current[slot] = Number.NaN;
    });
    return group;
  }

  #grow(needed: number): void {
    if (needed <= this.#current.length) return;
    const size = Math.max(needed, this.#current.length * 2);
    const grow = (old: Float64Array, fill: number): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(size).fill(fill);
      grown.set(old);
      return grown;
    };
    this.#current = grow(this.#current, Number.NaN);
    this.#previous = grow(this.#previous, Number.NaN);
    this.#last = grow(this.#last, Number.NaN);
    this.#lastScan = grow(this.#lastScan, -1);
    this.#base = grow(this.#base, 0);
    const quantum = new Uint8Array(size).fill(1);
    quantum.set(this.#quantum);
    this.#quantum = quantum;
  }

  set(slot: number, value: number): void {
    this.#current[slot] = value;
  }

  /** The value of the scan being collected: what was set last, or what held before. */
  get(slot: number): number {
    return this.#current[slot] ?? Number.NaN;
  }

  blank(group: Group): void {
    this.#current.fill(Number.NaN, group.first, group.first + group.fields.length);
  }

  close(group: Group): void {
    this.blank(group);
    this.slots.close(group, this.#nextScan);
  }

  /** Ends a scan and returns how many series have a value in it. `timestampMs` must be larger than that of the scan before. */
  commit(timestampMs: number): number {
    if (timestampMs <= this.newestMs()) throw new RangeError('timestamps of scans must grow');
    const present = this.#appendRow();
    this.#openTimes.push(timestampMs);
    this.#nextScan++;
    this.#openEpoch = undefined;
    if (this.#openTimes.length === this.#options.epochScans) this.#seal();
    this.#expire(timestampMs);
    return present;
  }

  #appendRow(): number {
    const log = this.#log;
    const current = this.#current;
    const previous = this.#previous;
    let before = -1;
    let presentCount = 0;
    for (let slot = 0; slot < this.slots.used; slot++) {
      const value = current[slot] as number;
      const present = !Number.isNaN(value);
      if (present) {
        presentCount++;
        this.#last[slot] = value;
        this.#lastScan[slot] = this.#nextScan;
      }
      const old = previous[slot] as number;
      if (value === old || (!present && Number.isNaN(old))) continue;
      log.varint(slot - before - 1);
      this.#base[slot] = writeChange(log, value, this.#base[slot] as number, this.#quantum[slot] as number);
      previous[slot] = value;
      before = slot;
    }
    this.#ends.push(log.length);
    return presentCount;
  }

  #seal(): void {
    this.#sealed.push(this.#sealOpen());
    this.#log.clear();
    this.#ends = [];
    this.#openTimes = [];
    this.#previous.fill(Number.NaN);
    this.#base.fill(0);
  }

  #expire(nowMs: number): void {
    const first = this.#sealed.findIndex(
      epoch => (epoch.timestamps.at(-1) as number) >= nowMs - this.#options.keepMs,
    );
    const expired = first < 0 ? this.#sealed.length : first;
    if (expired === 0) return;
    this.#sealed.splice(0, expired);
    this.slots.collect(this.#nextScan - this.length);
  }

  /** Scans that can be read. */
  get length(): number {
    const first = this.#sealed[0];
    return this.#nextScan - (first?.firstScan ?? this.#nextScan - this.#openTimes.length);
  }

  newestMs(): number {
    return this.#openTimes.at(-1) ?? this.#sealed.at(-1)?.timestamps.at(-1) ?? Number.NEGATIVE_INFINITY;
  }

  oldestMs(): number | undefined {
    return this.#sealed[0]?.timestamps[0] ?? this.#openTimes[0];
  }

  /** Unix ms of every scan that can be read, newest first. */
  timestamps(): number[] {
    const sealed = this.#sealed.flatMap(epoch => Array.from(epoch.timestamps));
    return [...sealed, ...this.#openTimes].reverse();
  }

  /** Newest real value of a slot with its time, or undefined when it has none that can still be read. */
  tip(
    slot: number,
  ): { readonly value: number; readonly timestampMs: number; readonly scansAgo: number } | undefined {
    const scan = this.#lastScan[slot] ?? -1;
    const scansAgo = this.#nextScan - 1 - scan;
    if (scan < 0 || scansAgo >= this.length) return undefined;
    return { value: this.#last[slot] as number, timestampMs: this.#timeOf(scan), scansAgo };
  }

  #timeOf(scan: number): number {
    const open = scan - (this.#nextScan - this.#openTimes.length);
    if (open >= 0) return this.#openTimes[open] as number;
    const epoch = this.#sealed.findLast(candidate => candidate.firstScan <= scan) as Epoch;
    return epoch.timestamps[scan - epoch.firstScan] as number;
  }

  /** The newest `scans` scans as they are now: a query may read on while new scans come in. */
  reader(scans: number): HistoryReader {
    const total = Math.min(scans, this.length);
    return new HistoryReader(this.#epochsFor(total), total, this.#quantum.slice(0, this.slots.used));
  }

  #epochsFor(scans: number): Epoch[] {
    this.#openEpoch ??= this.#sealOpen();
    let missing = scans - this.#openTimes.length;
    let first = this.#sealed.length;
    while (missing > 0 && first > 0) {
      first--;
      missing -= (this.#sealed[first] as Epoch).timestamps.length;
    }
    return [...this.#sealed.slice(first), this.#openEpoch];
  }

  #sealOpen(): Epoch {
    const rows = { log: this.#log, ends: this.#ends };
    const firstScan = this.#nextScan - this.#openTimes.length;
    return seal(rows, this.slots.used, firstScan, Float64Array.from(this.#openTimes));
  }

  /** Bytes of the typed arrays: what the history costs beside the keys. */
  bytes(): number {
    const perSlot = this.#current.byteLength * 5 + this.#quantum.byteLength;
    const open = this.#openEpoch === undefined ? 0 : epochBytes(this.#openEpoch);
    const log = this.#log.bytes.byteLength;
    return this.#sealed.reduce((sum, epoch) => sum + epochBytes(epoch), perSlot + log + open);
  }

  /** Forgets every sample but keeps the series, for a wall clock that went far back. */
  clear(): void {
    this.#sealed = [];
    this.#openEpoch = undefined;
    this.#log.clear();
    this.#ends = [];
    this.#openTimes = [];
    this.#previous.fill(Number.NaN);
    this.#base.fill(0);
    this.#lastScan.fill(-1);
    this.slots.collect(this.#nextScan);
  }
}
