// Reading a stretch of history that no longer changes.
import { type Epoch, readColumn } from './epoch.ts';

export class HistoryReader {
  /** Scans of every column. */
  readonly scans: number;
  /** Unix ms, newest first. */
  readonly timestamps: readonly number[];
  readonly #epochs: readonly Epoch[];
  readonly #quantum: Uint8Array;
  readonly #length: number;

  constructor(epochs: readonly Epoch[], scans: number, quantum: Uint8Array) {
    this.scans = scans;
    this.#epochs = epochs;
    this.#quantum = quantum;
    this.#length = epochs.reduce((sum, epoch) => sum + epoch.timestamps.length, 0);
    const times = epochs.flatMap(epoch => Array.from(epoch.timestamps));
    this.timestamps = times.slice(times.length - scans).reverse();
  }

  /** Values of one slot, newest first, NaN = no sample; as many as there are timestamps. */
  read(slot: number): Float64Array {
    const values = new Float64Array(this.#length);
    let at = 0;
    for (const epoch of this.#epochs) {
      readColumn(epoch, slot, this.#quantum[slot] ?? 1, values, at);
      at += epoch.timestamps.length;
    }
    return values.subarray(this.#length - this.scans).reverse();
  }
}
