/** A pending call; cancelling one that already ran does nothing. */
export interface Timer {
  cancel(): void;
}

/** The only source of time. Cores compare `monotonicMs` and show `wallMs`: a wall clock may jump by hours. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC; may go back. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start, possibly fractional; never goes back. */
  monotonicMs(): number;
  /** Runs once, never before `delayMs` passed and never synchronously. */
  after(delayMs: number, run: () => void): Timer;
}
