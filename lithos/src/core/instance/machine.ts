// The state machine of one instance, drawn in types.ts, as one table state × event. An empty cell means: nothing to do.
import { TIMES } from '../../config/defaults.ts';
import type { DesiredInstance } from '../desired/types.ts';
import { isFailure, type LastExit, nextStartMs } from '../restart/restart.ts';
import type { Effect, Event, Instance, Run, State, Step } from './types.ts';

type StateOf<K extends State['kind']> = Extract<State, { kind: K }>;
type EventOf<K extends Event['kind']> = Extract<Event, { kind: K }>;
type Cell<S extends State['kind'], E extends Event['kind']> = (
  instance: Instance,
  state: StateOf<S>,
  event: EventOf<E>,
  nowMs: number,
) => Step;
type Table = { readonly [S in State['kind']]: { readonly [E in Event['kind']]?: Cell<S, E> } };

const NEVER_MS = Number.NEGATIVE_INFINITY;

function stay(instance: Instance, ...effects: Effect[]): Step {
  return { instance, effects };
}

function become(instance: Instance, state: State, ...effects: Effect[]): Step {
  return { instance: { ...instance, state }, effects };
}

function start(instance: Instance, desired: DesiredInstance, nowMs: number): Step {
  const run: Run = {
    number: instance.nextRun,
    identity: desired.identity,
    stop: desired.stop,
    normalExitCodes: desired.normalExitCodes,
    startedMs: nowMs,
  };
  const again = instance.lastStartMs === NEVER_MS ? 0 : 1;
  const next = {
    ...instance,
    nextRun: run.number + 1,
    lastStartMs: nowMs,
    restarts: instance.restarts + again,
  };
  return become(next, { kind: 'starting', run, thenStop: false }, { kind: 'start', run, desired });
}

/** Starts now or waits for the minimum distance between two starts; ends when the instance is not wanted. */
function startOrWait(instance: Instance, earliestMs: number, nowMs: number): Step {
  if (instance.desired === undefined) return become(instance, { kind: 'gone' }, { kind: 'forget' });
  const at = Math.max(
    earliestMs,
    nextStartMs(nowMs, instance.lastStartMs, instance.desired.restart.timeoutMs),
  );
  if (at <= nowMs) return start(instance, instance.desired, nowMs);
  return become(instance, { kind: 'waiting', startAtMs: at }, { kind: 'wake', event: 'due', atMs: at });
}

function stop(instance: Instance, run: Run, pid: number, nowMs: number): Step {
  const deadlineMs = nowMs + run.stop.timeoutMs;
  return become(
    instance,
    { kind: 'stopping', run, pid, deadlineMs, killed: false },
    { kind: 'terminate', run, pid },
    { kind: 'wake', event: 'deadline', atMs: deadlineMs },
  );
}

function configure(instance: Instance, desired: DesiredInstance): Instance {
  return { ...instance, desired };
}

function unwanted(instance: Instance): Instance {
  return { ...instance, desired: undefined };
}

function ended(instance: Instance, run: Run, exit: LastExit, killed: boolean, nowMs: number): Step {
  // A stop that needed KILL is a failure although it was asked for: the program ignored TERM.
  const failed = killed || isFailure(exit, run.normalExitCodes);
  const known = { ...instance, lastExit: exit, failures: instance.failures + (failed ? 1 : 0) };
  const next = startOrWait(known, nowMs, nowMs);
  const last = next.effects.findIndex(effect => effect.kind === 'forget');
  // The new run comes first: removing what the old one left is not urgent.
  const discard: Effect = { kind: 'discard', run };
  const effects = last < 0 ? [...next.effects, discard] : [discard, ...next.effects];
  return { instance: next.instance, effects };
}

function exitOf(event: EventOf<'exited'>, requested: boolean): LastExit {
  return { code: event.code, outOfMemory: event.outOfMemory, requested };
}

const TABLE: Table = {
  waiting: {
    due: (instance, _state, _event, nowMs) => startOrWait(instance, nowMs, nowMs),
    configured: (instance, _state, event) => stay(configure(instance, event.desired)),
    removed: instance => become(unwanted(instance), { kind: 'gone' }, { kind: 'forget' }),
  },
  starting: {
    started(instance, state, event, nowMs) {
      const good = { ...instance, problem: undefined };
      const outdated = instance.desired !== undefined && instance.desired.identity !== state.run.identity;
      if (state.thenStop || outdated) return stop(good, state.run, event.pid, nowMs);
      return become(good, { kind: 'running', run: state.run, pid: event.pid });
    },
    failed(instance, state, event, nowMs) {
      const failed = { ...instance, problem: event.message, failures: instance.failures + 1 };
      const next = startOrWait(failed, nowMs + TIMES.failedStartMs, nowMs);
      return { instance: next.instance, effects: [{ kind: 'discard', run: state.run }, ...next.effects] };
    },
    configured: (instance, state, event) =>
      become(configure(instance, event.desired), { ...state, thenStop: false }),
    removed: (instance, state) => become(unwanted(instance), { ...state, thenStop: true }),
  },
  running: {
    exited: (instance, state, event, nowMs) => ended(instance, state.run, exitOf(event, false), false, nowMs),
    configured(instance, state, event, nowMs) {
      const next = configure(instance, event.desired);
      return event.desired.identity === state.run.identity
        ? stay(next)
        : stop(next, state.run, state.pid, nowMs);
    },
    removed: (instance, state, _event, nowMs) => stop(unwanted(instance), state.run, state.pid, nowMs),
  },
  stopping: {
    exited: (instance, state, event, nowMs) =>
      ended(instance, state.run, exitOf(event, true), state.killed, nowMs),
    deadline: (instance, state) =>
      become(instance, { ...state, killed: true }, { kind: 'kill', run: state.run, pid: state.pid }),
    configured: (instance, _state, event) => stay(configure(instance, event.desired)),
    removed: instance => stay(unwanted(instance)),
  },
  gone: {},
};

/** The next state and what to do. Pure: the same instance, event and time always give the same step. */
export function step(instance: Instance, event: Event, nowMs: number): Step {
  const cell = TABLE[instance.state.kind][event.kind] as Cell<State['kind'], Event['kind']> | undefined;
  // The table's type ties each cell to its state and event; only this look-up needs the wider type.
  return cell === undefined ? stay(instance) : cell(instance, instance.state as never, event as never, nowMs);
}

/** An instance nothing is known of: it is due at once. */
export function freshInstance(desired: DesiredInstance, nextRun: number, nowMs: number): Instance {
  return {
    name: desired.name,
    desired,
    state: { kind: 'waiting', startAtMs: nowMs },
    nextRun,
    lastStartMs: NEVER_MS,
    restarts: 0,
    failures: 0,
    lastExit: undefined,
    problem: undefined,
  };
}

/** What an earlier supervisor left running. `restarts` and `failures` go on from there. */
export interface Adopted {
  readonly name: string;
  readonly run: Run;
  readonly nextRun: number;
  readonly pid: number;
  readonly restarts: number;
  readonly failures: number;
  readonly lastExit: LastExit | undefined;
}

/** Undesired until a `configured` event says otherwise; `removed` stops it. */
export function adoptedInstance(adopted: Adopted): Instance {
  const { name, run, nextRun, pid, restarts, failures, lastExit } = adopted;
  return {
    name,
    desired: undefined,
    state: { kind: 'running', run, pid },
    nextRun,
    lastStartMs: run.startedMs,
    restarts,
    failures,
    lastExit,
    problem: undefined,
  };
}
