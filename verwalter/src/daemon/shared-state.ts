import type { ScheduleStamp } from '@suite/shared/wire/election.ts';
import type { RoleState, ScheduleObject } from '@suite/shared/wire/verwalter.ts';
import { FORK_MS, SCHEDULES_KEPT } from '../config/defaults.ts';
import { stampOf } from '../core/schedule/schedule.ts';
import type { SchedulerInput } from '../core/scheduler/engine.ts';

/** Counters of `/v1/status`, group `metrics`. */
export type Counters = Record<string, number>;

/** What the parts of the daemon know together. Everything that a reader of `/v1/status` could see ends with `changed()`. */
export class SharedState {
  /** Last schedule accepted or made, also one from before the start. */
  known: ScheduleObject | null = null;
  /** Made by this node in its present leadership. */
  owned: ScheduleObject | null = null;
  roles: readonly RoleState[] = [];
  /** Error flags by domain: `scheduler`, `scheduler_load`, `runtime`, `storage`, `cantal`, `log`, `machine_id`. */
  readonly errors = new Map<string, string>();
  lastInput: SchedulerInput | null = null;
  debugText: string | null = null;
  lastStableMs: number | null = null;
  peersTimestampMs: number | null = null;
  readonly counters: Counters = {};
  #fork: { readonly stamp: ScheduleStamp; readonly untilMs: number } | undefined;
  readonly #byHash = new Map<string, ScheduleObject>();
  readonly #listeners = new Set<() => void>();

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  count(name: string): void {
    this.counters[name] = (this.counters[name] ?? 0) + 1;
  }

  setError(domain: string, text: string | undefined): void {
    if (this.errors.get(domain) === text) return;
    if (text === undefined) this.errors.delete(domain);
    else this.errors.set(domain, text);
    this.changed();
  }

  /**
   * A schedule stays available by its hash for a while: a leader may still ask a peer for the one it has just left.
   * `nowMs` is monotonic.
   */
  remember(schedule: ScheduleObject, nowMs: number): void {
    if (this.known !== null && this.known.origin !== schedule.origin && this.known.hash !== schedule.hash) {
      this.#fork = { stamp: stampOf(this.known), untilMs: nowMs + FORK_MS };
    }
    this.#byHash.delete(schedule.hash);
    this.#byHash.set(schedule.hash, schedule);
    const [oldest] = this.#byHash.keys();
    if (this.#byHash.size > SCHEDULES_KEPT && oldest !== undefined) this.#byHash.delete(oldest);
    this.known = schedule;
    this.changed();
  }

  /** Stamp of the schedule left for that of another leader, for as long as pongs mention it. */
  fork(nowMs: number): ScheduleStamp | null {
    return this.#fork !== undefined && nowMs < this.#fork.untilMs ? this.#fork.stamp : null;
  }

  byHash(hash: string): ScheduleObject | undefined {
    return this.#byHash.get(hash);
  }

  /** What a leader hears about this node in every pong. */
  get errorCount(): number {
    return this.errors.size + this.roles.filter(role => !role.ok).length;
  }

  /** Leadership is over: what only a leader has goes. */
  dropLeaderData(): void {
    this.owned = null;
    this.lastInput = null;
    this.debugText = null;
    this.setError('scheduler', undefined);
    this.setError('scheduler_load', undefined);
  }
}
