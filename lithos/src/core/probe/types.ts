// How a running program is watched.
//
//   ┌──────────┐  READY=1, or enough good answers  ┌────┐  STOPPING=1  ┌────────┐
//   │ starting │ ────────────────────────────────▶ │ up │ ───────────▶ │ ending │
//   └──────────┘                                   └────┘              └────────┘
//        │ start-timeout        liveness or watchdog │                      │ longer than the kill-timeout
//        ▼                                           ▼                      ▼
//   ┌──────────────────────────────────────────────────────────────────────────┐
//   │ over: reported as sick, nothing is asked any more                        │
//   └──────────────────────────────────────────────────────────────────────────┘
//
// While up, readiness is asked on: it can be lost and come back. Liveness and the watchdog begin with `up`.
import type { Probe, Readiness } from '../desired/types.ts';
import type { Observation } from '../instance/types.ts';
import type { Check } from './check.ts';
import type { Notice } from './notice.ts';

/** What does not change while a run is watched. */
export interface Rules {
  readonly readiness: Readiness;
  readonly liveness: Probe | null;
  readonly watchdogMs: number | null;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  /** Monotonic milliseconds. */
  readonly startedMs: number;
  /** 0…1, different for each run: spreads the questions to programs that were started (or adopted) together. */
  readonly jitter: number;
}

export type Watch =
  | { readonly kind: 'starting'; readonly deadlineMs: number; readonly readiness: Check | null }
  | {
      readonly kind: 'up';
      readonly ready: boolean;
      readonly readiness: Check | null;
      readonly liveness: Check | null;
      readonly watchdogDueMs: number | null;
    }
  | { readonly kind: 'ending'; readonly deadlineMs: number }
  | { readonly kind: 'over' };

export type Question = 'readiness' | 'liveness';

export type WatchEvent =
  | { readonly kind: 'time' }
  /** `problem` null: all is well. */
  | { readonly kind: 'answer'; readonly to: Question; readonly problem: string | null }
  | { readonly kind: 'notice'; readonly notice: Notice };

export type WatchEffect =
  | { readonly kind: 'ask'; readonly question: Question; readonly probe: Probe }
  | { readonly kind: 'report'; readonly seen: Observation };

export interface WatchStep {
  readonly watch: Watch;
  readonly effects: readonly WatchEffect[];
}
