// The state machine of one instance, drawn in types.ts, as one table state × event. An empty cell means: nothing to do.
import {
  become,
  beginStop,
  configure,
  diedAlone,
  forgiven,
  isHealthy,
  start,
  startFailed,
  startOrWait,
  stay,
  stopped,
  vanish,
} from './transitions.ts';
import type { Effect, Event, Instance, State, Step } from './types.ts';

type StateOf<K extends State['kind']> = Extract<State, { kind: K }>;
type EventOf<K extends Event['kind']> = Extract<Event, { kind: K }>;
type Cell<S extends State['kind'], E extends Event['kind']> = (
  instance: Instance,
  state: StateOf<S>,
  event: EventOf<E>,
  nowMs: number,
) => Step;
type Table = { readonly [S in State['kind']]: { readonly [E in Event['kind']]?: Cell<S, E> } };

function unwanted(instance: Instance): Instance {
  return { ...instance, desired: undefined };
}

/** Only what waits for somebody to say so is worth a note on disk. */
function noted(state: StateOf<'running'>, ready: boolean): Effect[] {
  return state.run.waitsForReady ? [{ kind: 'note-ready', run: state.run, ready }] : [];
}

function nowRunning(instance: Instance, { run }: StateOf<'starting'>, pid: number, nowMs: number): Step {
  const ready = !run.waitsForReady;
  const good = { ...instance, problem: undefined };
  const state: State = { kind: 'running', run, pid, readySinceMs: ready ? nowMs : null };
  if (instance.desired === undefined) return become(good, state);
  return become(good, state, { kind: 'observe', run, desired: instance.desired, pid, ready });
}

const TABLE: Table = {
  held: {
    released: (instance, _state, { next }, nowMs) =>
      next === null ? startOrWait(instance, nowMs, nowMs) : become(instance, { kind: 'held', reason: next }),
    configured: (instance, _state, event) => stay(configure(instance, event.desired)),
    removed: instance => vanish(instance),
    // An operator knows better than an order of starts, but must not break a roll-out.
    restart: (instance, state, _event, nowMs) =>
      state.reason === 'after' ? startOrWait(instance, nowMs, nowMs) : stay(instance),
  },
  waiting: {
    due: (instance, _state, _event, nowMs) => startOrWait(instance, nowMs, nowMs),
    configured(instance, state, event, nowMs) {
      const next = configure(instance, event.desired);
      return event.desired.identity === instance.lastIdentity
        ? stay(next, { kind: 'wake', event: 'due', atMs: state.startAtMs })
        : startOrWait(next, nowMs, nowMs);
    },
    removed: instance => vanish(instance),
    restart: (instance, _state, _event, nowMs) => startOrWait(forgiven(instance), nowMs, nowMs),
    clear: (instance, _state, _event, nowMs) => start(forgiven(instance), nowMs),
  },
  starting: {
    started(instance, state, event, nowMs) {
      const running: State = { kind: 'running', run: state.run, pid: event.pid, readySinceMs: null };
      if (state.thenStop === null) return nowRunning(instance, state, event.pid, nowMs);
      return beginStop({ ...instance, problem: undefined }, running, state.thenStop, nowMs);
    },
    failed: (instance, state, event, nowMs) => startFailed(instance, state.run, event.message, nowMs),
    configured(instance, state, event) {
      const thenStop = event.desired.identity === state.run.identity ? null : 'configured';
      return become(configure(instance, event.desired), { ...state, thenStop });
    },
    removed: (instance, state) => become(unwanted(instance), { ...state, thenStop: 'removed' }),
  },
  running: {
    exited(instance, state, event, nowMs) {
      const { code, outOfMemory } = event;
      const healthy = isHealthy(state.run, state.readySinceMs, nowMs);
      return diedAlone(instance, state.run, { code, outOfMemory, requested: false }, healthy, nowMs);
    },
    ready(instance, state, _event, nowMs) {
      if (state.readySinceMs !== null) return stay(instance);
      const ready = { ...instance, problem: undefined };
      return become(ready, { ...state, readySinceMs: nowMs }, ...noted(state, true));
    },
    unready(instance, state, event) {
      const unwell = { ...instance, problem: event.message };
      if (state.readySinceMs === null) return stay(unwell);
      return become(unwell, { ...state, readySinceMs: null }, ...noted(state, false));
    },
    sick: (instance, state, event, nowMs) =>
      beginStop({ ...instance, problem: event.message }, state, 'sick', nowMs),
    restart: (instance, state, _event, nowMs) => beginStop(instance, state, 'restart', nowMs),
    configured(instance, state, event, nowMs) {
      const { desired } = event;
      const { run, pid } = state;
      const next = configure(instance, desired);
      if (desired.identity !== run.identity) return beginStop(next, state, 'configured', nowMs);
      if (instance.desired !== undefined) return stay(next);
      // Adopted, and known only now.
      return stay(next, { kind: 'observe', run, desired, pid, ready: state.readySinceMs !== null });
    },
    removed: (instance, state, _event, nowMs) => beginStop(unwanted(instance), state, 'removed', nowMs),
  },
  stopping: {
    exited(instance, state, event, nowMs) {
      const { code, outOfMemory } = event;
      const reason = state.cause === 'sick' ? { reason: instance.problem ?? 'a check failed' } : {};
      return stopped(instance, state, { code, outOfMemory, requested: true, ...reason }, nowMs);
    },
    'hook-done'(instance, state) {
      const { run, pid, phase } = state;
      if (phase !== 'hook') return stay(instance);
      const { signal } = run.stop;
      return become(instance, { ...state, phase: 'signal' }, { kind: 'terminate', run, pid, signal });
    },
    deadline: (instance, state) =>
      become(instance, { ...state, phase: 'kill' }, { kind: 'kill', run: state.run, pid: state.pid }),
    configured: (instance, _state, event) => stay(configure(instance, event.desired)),
    removed: instance => stay(unwanted(instance)),
  },
  failed: {
    configured(instance, _state, event, nowMs) {
      const next = configure(instance, event.desired);
      if (event.desired.identity === instance.lastIdentity) return stay(next);
      return startOrWait(forgiven(next), nowMs, nowMs);
    },
    removed: instance => vanish(instance),
    restart: (instance, _state, _event, nowMs) => start(forgiven(instance), nowMs),
    clear: (instance, _state, _event, nowMs) => start(forgiven(instance), nowMs),
  },
  gone: {},
};

/** The next state and what to do. Pure: the same instance, event and time always give the same step. */
export function step(instance: Instance, event: Event, nowMs: number): Step {
  const cell = TABLE[instance.state.kind][event.kind] as Cell<State['kind'], Event['kind']> | undefined;
  // The table's type ties each cell to its state and event; only this look-up needs the wider type.
  return cell === undefined ? stay(instance) : cell(instance, instance.state as never, event as never, nowMs);
}
