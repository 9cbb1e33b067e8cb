// The life of one instance.
//
//                  due                started
//   ┌─────────┐ ─────────▶ ┌──────────┐ ───────▶ ┌─────────┐
//   │ waiting │            │ starting │          │ running │ ◀── adopted from disk
//   └─────────┘ ◀───────── └──────────┘          └─────────┘
//     │  ▲  ▲     failed     │                     │  │
//     │  │  └────────────────┼──────── exited ─────┘  │ configured with another identity, or removed: TERM
//     │  │ exited,           │ (removed: stops as     ▼
//     │  │ still wanted      │  soon as it started) ┌──────────┐
//     │  └───────────────────┼───────────────────── │ stopping │ ── deadline: KILL of the cgroup, then exited
//     │ removed              ▼                      └──────────┘
//     └──────────────────▶ ┌──────┐ ◀── exited, not wanted any more
//                          │ gone │
//                          └──────┘
import type { DesiredInstance, StopPolicy } from '../desired/types.ts';
import type { LastExit } from '../restart/restart.ts';

/** One attempt to run an instance; what stays true of it whatever the configuration says later. */
export interface Run {
  /** Counts up for ever; makes the id of the container unique. */
  readonly number: number;
  readonly identity: string;
  readonly stop: StopPolicy;
  readonly normalExitCodes: readonly number[];
  /** Monotonic milliseconds. */
  readonly startedMs: number;
}

export type State =
  | { readonly kind: 'waiting'; readonly startAtMs: number }
  | { readonly kind: 'starting'; readonly run: Run; readonly thenStop: boolean }
  | { readonly kind: 'running'; readonly run: Run; readonly pid: number }
  | {
      readonly kind: 'stopping';
      readonly run: Run;
      readonly pid: number;
      readonly deadlineMs: number;
      readonly killed: boolean;
    }
  | { readonly kind: 'gone' };

export interface Instance {
  readonly name: string;
  /** Undefined: not wanted any more. */
  readonly desired: DesiredInstance | undefined;
  readonly state: State;
  readonly nextRun: number;
  readonly lastStartMs: number;
  readonly restarts: number;
  readonly failures: number;
  readonly lastExit: LastExit | undefined;
  /** Why the last start failed; undefined after a good one. */
  readonly problem: string | undefined;
}

/** What is seen of a running program from outside; see daemon/observer.ts. */
export type Observation =
  | { readonly kind: 'ready' }
  /** Readiness is lost: no restart, but not counted as healthy. */
  | { readonly kind: 'unready'; readonly message: string }
  /** Liveness or watchdog failed, or it was not ready in time: stopped and started again, a failure. */
  | { readonly kind: 'sick'; readonly message: string }
  | { readonly kind: 'hook-done' };

export type Event =
  | { readonly kind: 'due' }
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'exited'; readonly code: number | null; readonly outOfMemory: boolean }
  | { readonly kind: 'deadline' }
  | { readonly kind: 'configured'; readonly desired: DesiredInstance }
  | { readonly kind: 'removed' }
  | Observation;

/** What the shell around the core has to do, in this order. */
export type Effect =
  /** Create and start the container; answer with `started` or `failed`. */
  | { readonly kind: 'start'; readonly run: Run; readonly desired: DesiredInstance }
  | { readonly kind: 'terminate'; readonly run: Run; readonly pid: number }
  /** KILL everything in the cgroup of the instance. */
  | { readonly kind: 'kill'; readonly run: Run; readonly pid: number }
  /** Send `due` or `deadline` at that time; replaces the timer set before. */
  | { readonly kind: 'wake'; readonly event: 'due' | 'deadline'; readonly atMs: number }
  /** The container of this run is over: remove what it left. */
  | { readonly kind: 'discard'; readonly run: Run }
  /** Nothing of the instance is wanted: remove its state directory and cgroup. */
  | { readonly kind: 'forget' };

export interface Step {
  readonly instance: Instance;
  readonly effects: readonly Effect[];
}
