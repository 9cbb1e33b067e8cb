// Latest activity states of applications: text, so no history; forgotten 60 s after they were last seen.
import type { MetricKey, StateValue } from '@suite/shared/wire/cantal.ts';

export interface StateTip {
  readonly key: MetricKey;
  readonly value: StateValue;
  readonly seenMs: number;
}

/** One text per label set, whatever the order of its labels. */
export function keyText(key: MetricKey): string {
  const sorted = Object.keys(key).sort();
  return JSON.stringify(sorted.map(label => [label, key[label]]));
}

export class Tips {
  readonly #tips = new Map<string, StateTip>();
  readonly #keepMs: number;

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** Takes the states seen in one scan and drops those not seen for long. */
  push(states: readonly { readonly key: MetricKey; readonly value: StateValue }[], nowMs: number): void {
    for (const { key, value } of states) this.#tips.set(keyText(key), { key, value, seenMs: nowMs });
    for (const [text, { seenMs }] of this.#tips) {
      // Seen in the future: before the clock went back.
      if (seenMs < nowMs - this.#keepMs || seenMs > nowMs) this.#tips.delete(text);
    }
  }

  get size(): number {
    return this.#tips.size;
  }

  all(): IterableIterator<StateTip> {
    return this.#tips.values();
  }
}
