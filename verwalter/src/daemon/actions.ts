import type { Clock, Timer } from '@suite/shared/ports/index.ts';
import { ACTIONS_PENDING_MAX, ACTIONS_PER_SECOND, WAIT_ACTION_MS } from '../config/defaults.ts';
import type { Json } from '../core/scheduler/engine.ts';

/** `done`: a published run has seen the action; `lost`: this node is no leader any more, or nothing happened for too long. */
export type Outcome = 'done' | 'lost';

/** Buttons pressed and API calls, waiting for the scheduler. They live in the leader's memory only. */
export class Actions {
  onAdd: () => void = () => {};
  readonly #clock: Clock;
  readonly #pending = new Map<number, Json>();
  readonly #waiters = new Map<number, (outcome: Outcome) => void>();
  #second = 0;
  #inSecond = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Id = second × 1000 + counter; undefined when this second's ids or the queue are used up. */
  add(action: Json): number | undefined {
    const second = Math.max(this.#second, Math.floor(this.#clock.wallMs() / 1_000));
    if (second !== this.#second) this.#inSecond = 0;
    if (this.#inSecond >= ACTIONS_PER_SECOND || this.#pending.size >= ACTIONS_PENDING_MAX) return undefined;
    this.#second = second;
    const id = second * 1_000 + this.#inSecond++;
    this.#pending.set(id, action);
    this.onAdd();
    return id;
  }

  isPending(id: number): boolean {
    return this.#pending.has(id);
  }

  /** By decimal id, as the scheduler gets them. */
  snapshot(): Record<string, Json> {
    return Object.fromEntries([...this.#pending].map(([id, action]) => [String(id), action]));
  }

  wait(id: number): Promise<Outcome> {
    return new Promise(resolve => {
      let timer: Timer | undefined;
      const settle = (outcome: Outcome) => {
        timer?.cancel();
        this.#waiters.delete(id);
        resolve(outcome);
      };
      timer = this.#clock.after(WAIT_ACTION_MS, () => settle('lost'));
      this.#waiters.set(id, settle);
    });
  }

  /** These were part of the input of a run that is published now. */
  consumed(ids: readonly string[]): void {
    for (const id of ids.map(Number)) {
      this.#pending.delete(id);
      this.#waiters.get(id)?.('done');
    }
  }

  /** Leadership is over. Gives those that no schedule has seen and nobody waits for: their senders think all is well. */
  drop(): readonly Json[] {
    const unheard = [...this.#pending].filter(([id]) => !this.#waiters.has(id)).map(([, action]) => action);
    this.#pending.clear();
    for (const settle of [...this.#waiters.values()]) settle('lost');
    return unheard;
  }
}
