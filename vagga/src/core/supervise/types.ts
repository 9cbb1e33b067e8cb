// State, events and effects of a supervised run; machine.ts says how they follow each other.
import type { ChildOptions, Children } from './child.ts';

export interface SuperviseOptions {
  readonly mode: 'stop-on-failure' | 'wait-all-successful';
  readonly killUnresponsiveAfterS: number;
  /** In the order in which they start. */
  readonly children: Readonly<Record<string, ChildOptions>>;
}

export type SuperviseState =
  | { readonly kind: 'running'; readonly children: Children }
  | {
      readonly kind: 'stopping';
      readonly children: Children;
      readonly code: number;
      /** What they are asked with unless they have a signal of their own. */
      readonly signal: string;
      readonly told: readonly string[];
    }
  | { readonly kind: 'killing'; readonly children: Children; readonly code: number }
  | { readonly kind: 'ended'; readonly children: Children; readonly code: number };

export type Alive = Exclude<SuperviseState, { kind: 'ended' }>;
export type Stopping = Extract<SuperviseState, { kind: 'stopping' }>;

export type StopSignal = 'SIGINT' | 'SIGQUIT' | 'SIGTERM' | 'SIGHUP';

export type SuperviseEvent =
  | { readonly kind: 'begin' }
  | { readonly kind: 'started'; readonly name: string; readonly pid: number }
  | { readonly kind: 'ready'; readonly name: string; readonly pid: number }
  /** Its time is over; `reason` says what the check has answered last. */
  | { readonly kind: 'not-ready'; readonly name: string; readonly pid: number; readonly reason: string }
  /** `code`: 128 + number when a signal ended it. */
  | {
      readonly kind: 'exited';
      readonly name: string;
      readonly pid: number;
      readonly code: number;
      readonly ranMs: number;
    }
  | { readonly kind: 'not-started'; readonly name: string; readonly reason: string }
  | { readonly kind: 'back-off-over'; readonly name: string }
  /** Somebody wants these to be started again, or to end while the others go on. */
  | { readonly kind: 'restart'; readonly names: readonly string[] }
  | { readonly kind: 'stop'; readonly names: readonly string[] }
  | { readonly kind: 'signal'; readonly signal: StopSignal }
  | { readonly kind: 'time-is-up'; readonly pids: readonly number[] }
  | { readonly kind: 'reminder' };

export type SuperviseEffect =
  | { readonly kind: 'say'; readonly to: 'stdout' | 'stderr'; readonly text: string }
  | { readonly kind: 'start'; readonly name: string }
  | { readonly kind: 'send'; readonly signal: string; readonly names: readonly string[] }
  | { readonly kind: 'kill'; readonly names: readonly string[] }
  /** Leads to `time-is-up`. */
  | { readonly kind: 'give-time'; readonly seconds: number; readonly pids: readonly number[] }
  /** Leads to `back-off-over`. */
  | { readonly kind: 'back-off'; readonly name: string; readonly delayMs: number }
  /** Leads to `reminder`. */
  | { readonly kind: 'remind' };

export interface SuperviseStep {
  readonly state: SuperviseState;
  readonly effects: readonly SuperviseEffect[];
}
