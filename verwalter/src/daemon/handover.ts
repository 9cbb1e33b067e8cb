import type { Timer } from '@suite/shared/ports/index.ts';
import {
  ACTIONS_PENDING_MAX,
  FORWARD_TIMEOUT_MS,
  HANDOVER_MS,
  HANDOVER_RETRY_MS,
} from '../config/defaults.ts';
import type { Json } from '../core/scheduler/engine.ts';
import type { Context } from './options.ts';

/** Takes one action to the leader; false = not now. */
export type Deliver = (action: Json, timeoutMs: number) => Promise<boolean>;

interface Kept {
  readonly action: Json;
  readonly untilMs: number;
}

/**
 * Actions a leader had registered and no schedule has seen when its leadership ended. Their senders were told that all is well, so
 * they go to the next leader; what finds none in time is written to the log.
 */
export class Handover {
  readonly #context: Context;
  readonly #deliver: Deliver;
  #kept: readonly Kept[] = [];
  #timer: Timer | undefined;

  constructor(context: Context, deliver: Deliver) {
    this.#context = context;
    this.#deliver = deliver;
  }

  take(actions: readonly Json[]): void {
    if (actions.length === 0) return;
    const untilMs = this.#context.ports.clock.monotonicMs() + HANDOVER_MS;
    this.#kept = [...this.#kept, ...actions.map(action => ({ action, untilMs }))].slice(-ACTIONS_PENDING_MAX);
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    for (const { action } of this.#kept) this.#lost(action);
    this.#kept = [];
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = this.#context.ports.clock.after(HANDOVER_RETRY_MS, () => void this.#round());
  }

  async #round(): Promise<void> {
    const round = this.#kept;
    this.#kept = [];
    const left: Kept[] = [];
    for (const [at, kept] of round.entries()) {
      if (await this.#deliver(kept.action, FORWARD_TIMEOUT_MS)) {
        this.#context.log.info('an action was handed to the next leader', {
          action: JSON.stringify(kept.action),
        });
        continue;
      }
      // No leader for one is none for the others.
      left.push(...round.slice(at));
      break;
    }
    const nowMs = this.#context.ports.clock.monotonicMs();
    for (const { action } of left.filter(({ untilMs }) => untilMs <= nowMs)) this.#lost(action);
    this.#kept = [...left.filter(({ untilMs }) => untilMs > nowMs), ...this.#kept];
    if (this.#kept.length > 0) this.#arm();
  }

  #lost(action: Json): void {
    this.#context.log.warn('an action is lost: no leader took it', { action: JSON.stringify(action) });
  }
}
