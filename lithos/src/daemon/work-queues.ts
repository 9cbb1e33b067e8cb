// Work on the files of one instance is done one after the other: its next run must not meet the removal of the last.
import type { Clock } from '@suite/shared/ports/index.ts';
import { TIMES } from '../config/defaults.ts';

export class WorkQueues {
  private readonly tails = new Map<string, Promise<void>>();
  /** How much is waiting or under way that somebody waits for. */
  private readonly urgent = new Map<string, number>();
  /** What ends the pause of a name before its time. */
  private readonly hurry = new Map<string, () => void>();
  private readonly clock: Clock;
  private readonly onError: (name: string, error: Error) => void;

  constructor(clock: Clock, onError: (name: string, error: Error) => void) {
    this.clock = clock;
    this.onError = onError;
  }

  /** Runs after everything added under this name before; a failure is told and does not stop what follows. */
  add(name: string, work: () => Promise<void>): void {
    this.count(name, 1);
    this.hurry.get(name)?.();
    this.append(name, () => work().finally(() => this.count(name, -1)));
  }

  /**
   * For what nobody waits for: runs in its turn, but first leaves the processor for a moment to what has just been
   * begun, unless more is to be done after it.
   */
  addCalm(name: string, work: () => Promise<void>): void {
    this.append(name, async () => {
      if (!this.urgent.has(name)) await this.pause(name);
      await work();
    });
  }

  /** Resolves when everything added until now is done. */
  async idle(): Promise<void> {
    for (const wake of [...this.hurry.values()]) wake();
    await Promise.all(this.tails.values());
  }

  private append(name: string, work: () => Promise<void>): void {
    const before = this.tails.get(name) ?? Promise.resolve();
    const after = before.then(work).catch((error: Error) => this.onError(name, error));
    this.tails.set(name, after);
    void after.then(() => {
      if (this.tails.get(name) === after) this.tails.delete(name);
    });
  }

  private count(name: string, change: number): void {
    const count = (this.urgent.get(name) ?? 0) + change;
    if (count > 0) this.urgent.set(name, count);
    else this.urgent.delete(name);
  }

  private async pause(name: string): Promise<void> {
    await new Promise<void>(resolve => {
      const timer = this.clock.after(TIMES.calmMs, resolve);
      this.hurry.set(name, () => {
        timer.cancel();
        resolve();
      });
    });
    this.hurry.delete(name);
  }
}
