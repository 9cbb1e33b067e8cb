// The newest events, so that a client that was away can ask for what it missed.
import type { LithosEvent, LithosEventBody } from '@suite/shared/wire/lithos.ts';

export class EventRing {
  private readonly limit: number;
  private readonly kept: LithosEvent[] = [];
  private newestSeq: number;

  /**
   * `firstSeq`: the wall clock in ms, so that numbers go on growing when the supervisor is replaced (it would have to
   * tell a thousand events a second all its life to come into its successor's range).
   */
  constructor(limit: number, firstSeq: number) {
    this.limit = limit;
    this.newestSeq = firstSeq;
  }

  get newest(): number {
    return this.newestSeq;
  }

  add(body: LithosEventBody, wallMs: number): LithosEvent {
    const event: LithosEvent = { ...body, seq: ++this.newestSeq, wallMs };
    this.kept.push(event);
    if (this.kept.length > this.limit) this.kept.shift();
    return event;
  }

  /** Events after `since`. `missed`: there were others too, or nobody can tell (a number of another supervisor). */
  since(since: number): { readonly events: readonly LithosEvent[]; readonly missed: boolean } {
    const events = this.kept.filter(({ seq }) => seq > since);
    const known = (this.kept[0]?.seq ?? this.newestSeq + 1) - 1;
    return { events, missed: since < known || since > this.newestSeq };
  }
}
