// The life of one instance.
//
//  ┌──────┐ released   ┌──────────┐ started   ┌─────────┐ ◀── adopted from disk
//  │ held │ ─────────▶ │ starting │ ────────▶ │ running │ ⟲ ready, unready
//  └──────┘            └──────────┘           └─────────┘
//   fresh, and          ▲        │ failed      │       │ configured with another identity, removed,
//   others come first   │ due    │             │       │ restart, sick
//                       │        ▼             │       ▼
//                      ┌──────────┐   exited   │   ┌──────────────────────────┐
//   fresh ───────────▶ │ waiting  │ ◀──────────┴── │ stopping                 │ hook-done: its signal
//                      └──────────┘    exited      │ hook ─▶ signal ─▶ kill   │ deadline: KILL of the cgroup
//                       │        ▲                 └──────────────────────────┘
//      too many failures│        │ clear, restart, configured with another identity
//                       ▼        │
//                      ┌──────────┐
//                      │  failed  │         From every state, once nothing runs and nothing is wanted: ──▶ gone
//                      └──────────┘         (starting and `removed`: stops as soon as it has started)
import type { DesiredInstance, StopPolicy } from '../desired/types.ts';
import type { LastExit } from '../restart/exit.ts';

/** One attempt to run an instance; what stays true of it whatever the configuration says later. */
export interface Run {
  /** Counts up for ever; makes the id of the container unique. */
  readonly number: number;
  readonly identity: string;
  readonly stop: StopPolicy;
  readonly normalExitCodes: readonly number[];
  /** Ready only when somebody says so; else as soon as it runs. */
  readonly waitsForReady: boolean;
  readonly healthyAfterMs: number;
  /** Monotonic milliseconds. */
  readonly startedMs: number;
}

/** `restart`: an operator asked for it. */
export type StopCause = 'configured' | 'removed' | 'restart' | 'sick';
export type HoldReason = 'after' | 'roll-out';

export type State =
  /** Its first start has to wait for other instances. */
  | { readonly kind: 'held'; readonly reason: HoldReason }
  | { readonly kind: 'waiting'; readonly reason: 'interval' | 'back-off'; readonly startAtMs: number }
  | { readonly kind: 'starting'; readonly run: Run; readonly thenStop: StopCause | null }
  | {
      readonly kind: 'running';
      readonly run: Run;
      readonly pid: number;
      /** Null: not ready. */
      readonly readySinceMs: number | null;
    }
  | {
      readonly kind: 'stopping';
      readonly run: Run;
      readonly pid: number;
      readonly cause: StopCause;
      readonly phase: 'hook' | 'signal' | 'kill';
      readonly deadlineMs: number;
      /** It had been ready long enough when the stop began. */
      readonly wasHealthy: boolean;
    }
  /** Too many failures in a row: stays down until it is cleared or configured differently. */
  | { readonly kind: 'failed' }
  | { readonly kind: 'gone' };

export interface Instance {
  readonly name: string;
  /** Undefined: not wanted any more. */
  readonly desired: DesiredInstance | undefined;
  readonly state: State;
  readonly nextRun: number;
  /** Identity of the last run; what `row` is about. */
  readonly lastIdentity: string | undefined;
  readonly lastStartMs: number;
  readonly restarts: number;
  /** All since the instance exists. */
  readonly failures: number;
  /** Failures, and ends before the run was healthy, since the last healthy one. */
  readonly row: number;
  readonly lastExit: LastExit | undefined;
  /** Why the last start failed, or why the program is not well; undefined when all is good. */
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

/** What a later supervisor could not find out by itself. */
export type StopOrder = Extract<Event, { readonly kind: 'restart' | 'sick' }>;

export type Event =
  | { readonly kind: 'due' }
  /** What it was held for has come; `next`: what else it has to wait for. */
  | { readonly kind: 'released'; readonly next: HoldReason | null }
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'exited'; readonly code: number | null; readonly outOfMemory: boolean }
  | { readonly kind: 'deadline' }
  | { readonly kind: 'configured'; readonly desired: DesiredInstance }
  | { readonly kind: 'removed' }
  /** An operator: stop and start again; not a failure, and the row of failures is forgotten. */
  | { readonly kind: 'restart' }
  /** An operator: forget the row of failures and start at once. */
  | { readonly kind: 'clear' }
  | Observation;

/** What the shell around the core has to do, in this order. */
export type Effect =
  /** Create and start the container; answer with `started` or `failed`. */
  | { readonly kind: 'start'; readonly run: Run; readonly desired: DesiredInstance }
  /** It runs now, or was found running: look after it. */
  | {
      readonly kind: 'observe';
      readonly run: Run;
      readonly desired: DesiredInstance;
      readonly pid: number;
      readonly ready: boolean;
    }
  | { readonly kind: 'unobserve'; readonly run: Run }
  /** A later supervisor must know whether it was ready. */
  | { readonly kind: 'note-ready'; readonly run: Run; readonly ready: boolean }
  /** … and that it is being stopped, where no configuration says so. */
  | { readonly kind: 'note-stop'; readonly run: Run; readonly order: StopOrder }
  /** Execute `run.stop.hook` in the container; answer with `hook-done`. */
  | { readonly kind: 'hook'; readonly run: Run; readonly pid: number }
  | {
      readonly kind: 'terminate';
      readonly run: Run;
      readonly pid: number;
      readonly signal: StopPolicy['signal'];
    }
  /** KILL everything in the cgroup of the instance. */
  | { readonly kind: 'kill'; readonly run: Run; readonly pid: number }
  /** Send `due` or `deadline` at that time; replaces the timer set before. */
  | { readonly kind: 'wake'; readonly event: 'due' | 'deadline'; readonly atMs: number }
  /** Nothing of it runs: keep on disk what a later supervisor must know (row of failures, when it may start). */
  | { readonly kind: 'rest' }
  /** The container of this run is over: remove what it left. */
  | { readonly kind: 'discard'; readonly run: Run }
  /** Nothing of the instance is wanted: remove its state directory and cgroup. */
  | { readonly kind: 'forget' };

export interface Step {
  readonly instance: Instance;
  readonly effects: readonly Effect[];
}
