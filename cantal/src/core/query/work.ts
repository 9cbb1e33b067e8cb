// What a query may cost. Evaluation is a generator that yields every few milliseconds, so that scans, gossip and other
// requests go on meanwhile; the limits are for memory and for patterns that were made to be slow.
import { QueryError } from './parse.ts';

/** A result that is computed in slices of a few milliseconds each. */
export type Sliced<T> = Generator<undefined, T>;

/** Pattern steps between two yields: about 2 ms. */
const SLICE_STEPS = 50_000;
/** Points read or computed between two yields: about 1 ms. */
export const SLICE_POINTS = 50_000;
/** Pattern steps of a whole query: half a second of one core; usual patterns on 10,000 series take 100,000. */
const MAX_STEPS = 10_000_000;

/** Counts the steps of all patterns of one query. */
export class Work {
  #steps = 0;
  #yieldAt = SLICE_STEPS;

  /** Throws QueryError when the query has had its share. */
  spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) {
      throw new QueryError('the patterns take too long', 'shorter repetitions, or "Eq" instead of a pattern');
    }
  }

  /** Is it time to let others run? */
  get due(): boolean {
    if (this.#steps < this.#yieldAt) return false;
    this.#yieldAt = this.#steps + SLICE_STEPS;
    return true;
  }
}
