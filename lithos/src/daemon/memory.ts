// The tree stays for months and works for seconds: what a burst of work has grown is given back afterwards.
import { trimHeap } from '@suite/shared/linux/memory.ts';
import type { Clock, Timer } from '@suite/shared/ports/index.ts';
import { MEMORY } from '../config/defaults.ts';

/**
 * For Node, when the tree executes itself. Nothing here computes for long, so optimised code costs more memory than it
 * saves time; a young generation of 1 MB instead of 16 makes most of the difference.
 */
export const NODE_FLAGS = [
  '--max-semi-space-size=1',
  '--v8-pool-size=1',
  '--optimize-for-size',
  '--no-opt',
  '--expose-gc',
] as const;

/** For glibc: an arena of its own for each thread is never given back. */
export const MEMORY_ENVIRONMENT = { MALLOC_ARENA_MAX: '1' } as const;

export class MemoryKeeper {
  private readonly clock: Clock;
  private changes = 0;
  private quiet: Timer | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Something was done; often called. */
  changed(): void {
    this.changes++;
    if (this.changes < MEMORY.burst) return;
    this.quiet?.cancel();
    this.quiet = this.clock.after(MEMORY.quietMs, () => this.giveBack());
  }

  /** Blocks for some tens of milliseconds. */
  private giveBack(): void {
    this.changes = 0;
    this.quiet = undefined;
    // Not there when the program was started in another way.
    globalThis.gc?.();
    trimHeap();
  }
}
