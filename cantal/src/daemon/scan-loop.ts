// Scans at multiples of the interval, so that samples of all hosts fall on the same grid.
import type { Clock, Timer } from '@suite/shared/ports/index.ts';
import type { Scanner, ScanResult } from '../adapters/scanner.ts';
import { SCAN } from '../config/defaults.ts';

export interface ScanLoopOptions {
  readonly clock: Clock;
  readonly scanner: Scanner;
  readonly intervalMs: number;
  readonly onScan: (result: ScanResult) => void;
  /** The loop cannot go on: a bug, since collectors fail one by one. */
  readonly onFailure: (error: unknown) => void;
  readonly log: (message: string) => void;
}

export class ScanLoop {
  readonly #options: ScanLoopOptions;
  #timer: Timer | undefined;
  /** Monotonic time of the next scan. */
  #dueMs = 0;
  last: ScanResult | undefined;
  scans = 0;
  skipped = 0;

  constructor(options: ScanLoopOptions) {
    this.#options = options;
  }

  /** First scan at once, so that a fresh daemon has an answer; the next ones on the grid. */
  start(): void {
    this.#dueMs = this.#options.clock.monotonicMs();
    this.#run();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #run(): void {
    const { clock, intervalMs } = this.#options;
    try {
      this.#scan(Math.round(this.#options.clock.wallMs()));
    } catch (error) {
      this.#options.onFailure(error);
      return;
    }
    const now = clock.wallMs();
    const waitMs = (Math.floor(now / intervalMs) + 1) * intervalMs - now;
    const dueMs = clock.monotonicMs() + waitMs;
    // Intervals without a scan: this one started late or took too long. Monotonic, so a clock that is set skips nothing.
    this.skipped += Math.max(0, Math.floor((dueMs - this.#dueMs - 1) / intervalMs));
    this.#dueMs = dueMs;
    this.#timer = clock.after(waitMs, () => this.#run());
  }

  #scan(nowMs: number): void {
    if (!this.#mayScan(nowMs)) return;
    this.last = this.#options.scanner.scan(nowMs);
    this.scans++;
    this.#options.onScan(this.last);
  }

  /** A clock set back: up to 10 s is waited out, more starts the history anew. */
  #mayScan(nowMs: number): boolean {
    const { history } = this.#options.scanner;
    const aheadMs = history.newestMs() - nowMs;
    if (aheadMs < 0) return true;
    if (aheadMs <= SCAN.clockJumpMs) {
      this.skipped++;
      return false;
    }
    this.#options.log(`the clock went back by ${Math.round(aheadMs / 1000)} s: the history starts anew`);
    history.clear();
    return true;
  }
}
