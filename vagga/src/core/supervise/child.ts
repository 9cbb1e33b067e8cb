// One supervised process as the machine of all sees it. Pure.
//
//   waiting ──those of `after` are ready──▶ running (not ready) ──its check answers──▶ running (ready)
//                                            ▲   │ ends, and is to be started again     │
//                                            │   ▼                                      │
//                                           backoff ◀───────────────────────────────────┤
//                                                                        ends for good  ▼
//                                                                                     done
import { RESTART_BACKOFF_FIRST_MS, RESTART_FORGET_MS } from '../../config/defaults.ts';

export interface ChildOptions {
  /** Siblings that must be ready before this one starts. */
  readonly after: readonly string[];
  /** `started`: at once; `checked`: when somebody says so; `ended`: a job, ready when it has ended with 0. */
  readonly ready: 'started' | 'checked' | 'ended';
  readonly restart: 'never' | 'on-failure' | 'always';
  readonly restartBackoffMaxS: number;
  /** 0 = no limit. */
  readonly maxRestarts: number;
  /** Without `SIG`. */
  readonly stopSignal: string;
}

/** Why somebody asked a running process to end, when it is not the end of all. */
export type Intent = 'stop' | 'restart' | 'retry';

/** Starts again so far; `failures`: those in a row, which make the pauses longer. */
interface Tries {
  readonly restarts: number;
  readonly failures: number;
}

export type ChildState =
  | ({ readonly kind: 'waiting' } & Tries)
  | ({
      readonly kind: 'running';
      readonly pid: number;
      readonly ready: boolean;
      readonly intent?: Intent;
    } & Tries)
  | ({ readonly kind: 'backoff' } & Tries)
  /** `ready`: a job that has done its work, or what was ready before it ended well. */
  | ({ readonly kind: 'done'; readonly code: number; readonly ready: boolean } & Tries);

export type Running = Extract<ChildState, { kind: 'running' }>;
export type Children = Readonly<Record<string, ChildState>>;

export const NEW: ChildState = { kind: 'waiting', restarts: 0, failures: 0 };

export function isReady(state: ChildState | undefined): boolean {
  return (state?.kind === 'running' || state?.kind === 'done') && state.ready;
}

/** In the order of the names given. */
export function runningNames(children: Children): string[] {
  return Object.keys(children).filter(name => children[name]?.kind === 'running');
}

export function isOver(children: Children): boolean {
  return Object.values(children).every(({ kind }) => kind === 'done');
}

/** Who waits and whose siblings of `after` are all ready. One that was not selected is not waited for. */
export function startable(children: Children, options: Readonly<Record<string, ChildOptions>>): string[] {
  return Object.keys(children).filter(
    name =>
      children[name]?.kind === 'waiting' &&
      (options[name]?.after ?? []).every(other => children[other] === undefined || isReady(children[other])),
  );
}

/** Those who still wait for `name` to be ready. */
export function waitersOf(
  children: Children,
  options: Readonly<Record<string, ChildOptions>>,
  name: string,
): string[] {
  return Object.keys(children).filter(
    other => children[other]?.kind === 'waiting' && options[other]?.after.includes(name),
  );
}

/** Whether an end with this code leads to another start. */
export function isRestarted(state: Running, options: ChildOptions, code: number): boolean {
  const wanted =
    state.intent === 'retry' ||
    options.restart === 'always' ||
    (options.restart === 'on-failure' && code !== 0);
  return wanted && (options.maxRestarts === 0 || state.restarts < options.maxRestarts);
}

/** The next state, and the pause before the start: it doubles with every failure, and a long life makes them forgotten. */
export function backOff(state: Running, options: ChildOptions, ranMs: number) {
  const failures = ranMs >= RESTART_FORGET_MS ? 0 : state.failures;
  const delayMs = Math.min(RESTART_BACKOFF_FIRST_MS * 2 ** failures, options.restartBackoffMaxS * 1000);
  const next: ChildState = { kind: 'backoff', restarts: state.restarts + 1, failures: failures + 1 };
  return { next, delayMs };
}
