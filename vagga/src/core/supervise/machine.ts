// Several processes as one command. Pure: events in, effects out. Each process has its own states, see child.ts.
//
//                 a child ends (stop-on-failure: any; wait-all-successful: badly), INT, QUIT, TERM
//     running ──────────────────────────────────────────────────────────────────────▶ stopping
//        │                                                                              │   │ a second signal
//        │ the last one has ended                                the last one has ended │   ▼
//        └───────────────▶ ended ◀────────────────────────────────────────────────────────┘  killing ──▶ ended
//
// Stopping asks first those that nobody alive has named in `after`, and the others when these are gone.

import { READY_FAILED_CODE } from '../../config/defaults.ts';
import {
  backOff,
  type Children,
  type Intent,
  isOver,
  isRestarted,
  NEW,
  type Running,
  startable,
  waitersOf,
} from './child.ts';
import { leave, pidOf, put, remind, say, send, signalled, stop, timeIsUp, tries } from './stopping.ts';
import { endText, shuttingDown, startingAgain } from './texts.ts';
import type {
  Alive,
  SuperviseEffect,
  SuperviseEvent,
  SuperviseOptions,
  SuperviseState,
  SuperviseStep,
} from './types.ts';

/** Starts who can be started now; when nobody is left who could ever run, the whole is over. */
function goOn(
  children: Children,
  options: SuperviseOptions,
  before: readonly SuperviseEffect[] = [],
): SuperviseStep {
  if (isOver(children)) return { state: { kind: 'ended', children, code: 0 }, effects: before };
  const names = startable(children, options.children);
  const started = names.reduce(
    (all, name) => put(all, name, { kind: 'running', pid: 0, ready: false, ...tries(all[name] ?? NEW) }),
    children,
  );
  const effects = names.map((name): SuperviseEffect => ({ kind: 'start', name }));
  return { state: { kind: 'running', children: started }, effects: [...before, ...effects] };
}

type Ended = Extract<SuperviseEvent, { kind: 'exited' | 'not-started' }>;

interface End {
  readonly code: number;
  readonly ranMs: number;
  /** As `endText`. */
  readonly text: string;
}

/** It ended and stays so. */
function finish(
  children: Children,
  name: string,
  old: Running,
  end: End,
  options: SuperviseOptions,
): SuperviseStep {
  const { code, text } = end;
  const isJob = options.children[name]?.ready === 'ended';
  const isFine = code === 0 && (isJob || options.mode === 'wait-all-successful');
  const ready = old.ready || (isJob && code === 0);
  const next = put(children, name, { ...tries(old), kind: 'done', code, ready });
  const waiting = waitersOf(next, options.children, name);
  if (isFine && (ready || waiting.length === 0)) return goOn(next, options);
  const early = isFine ? `${text} before it was ready` : text;
  return stop(next, isFine ? 1 : code, 'SIGTERM', say('stdout', shuttingDown(early)), options);
}

function exited(
  state: Extract<SuperviseState, { kind: 'running' }>,
  name: string,
  end: End,
  options: SuperviseOptions,
): SuperviseStep {
  const { children } = state;
  const own = options.children[name];
  const old = children[name];
  if (old?.kind !== 'running' || own === undefined) return { state, effects: [] };
  if (old.intent === 'restart')
    return goOn(put(children, name, { kind: 'waiting', restarts: old.restarts, failures: 0 }), options);
  if (old.intent === 'stop')
    return goOn(put(children, name, { ...tries(old), kind: 'done', code: 0, ready: true }), options);
  if (!isRestarted(old, own, end.code)) return finish(children, name, old, end, options);
  const { next, delayMs } = backOff(old, own, end.ranMs);
  const text = startingAgain(end.text, delayMs, next.restarts, own.maxRestarts);
  return {
    state: { ...state, children: put(children, name, next) },
    effects: [say('stdout', text), { kind: 'back-off', name, delayMs }],
  };
}

function ended(state: Alive, event: Ended, options: SuperviseOptions): SuperviseStep {
  const { name } = event;
  if (state.kind !== 'running') return leave(state, name, options);
  if (event.kind === 'exited') {
    const { pid, code, ranMs } = event;
    return exited(state, name, { code, ranMs, text: endText(name, pid, code) }, options);
  }
  const children = put(state.children, name, { ...NEW, kind: 'done', code: 127, ready: false });
  const text = shuttingDown(`${name} could not be run: ${event.reason}`);
  return stop(children, 127, 'SIGTERM', say('stdout', text), options);
}

/** Asks running ones to end for a reason of their own; others go on. Who is to start again is not ready for others meanwhile. */
function ask(
  children: Children,
  names: readonly string[],
  intent: Intent,
  options: SuperviseOptions,
): SuperviseStep {
  const asked = names.filter(name => children[name]?.kind === 'running');
  const next = asked.reduce((all, name) => {
    const child = all[name] as Running;
    return put(all, name, { ...child, intent, ready: child.ready && intent === 'stop' });
  }, children);
  const pids = asked.flatMap(name => pidOf(children[name]));
  const time: SuperviseEffect = { kind: 'give-time', seconds: options.killUnresponsiveAfterS, pids };
  const effects = asked.length === 0 ? [] : [...send(asked, 'SIGTERM', options), time];
  return { state: { kind: 'running', children: next }, effects };
}

function restart(children: Children, names: readonly string[], options: SuperviseOptions): SuperviseStep {
  const idle = names.filter(name => ['backoff', 'done'].includes(children[name]?.kind ?? ''));
  const anew = idle.reduce((all, name) => put(all, name, NEW), children);
  const { state, effects } = goOn(anew, options);
  const asked = ask(
    state.children,
    names.filter(name => !idle.includes(name)),
    'restart',
    options,
  );
  return { state: asked.state, effects: [...effects, ...asked.effects] };
}

function stopSome(children: Children, names: readonly string[], options: SuperviseOptions): SuperviseStep {
  const idle = names.filter(name => ['backoff', 'waiting'].includes(children[name]?.kind ?? ''));
  const left = idle.reduce(
    (all, name) => put(all, name, { ...NEW, kind: 'done', code: 0, ready: false }),
    children,
  );
  if (isOver(left)) return goOn(left, options);
  return ask(left, names, 'stop', options);
}

function notReady(
  state: Extract<SuperviseState, { kind: 'running' }>,
  { name, reason }: Extract<SuperviseEvent, { kind: 'not-ready' }>,
  options: SuperviseOptions,
): SuperviseStep {
  const own = options.children[name];
  const child = state.children[name] as Running;
  const text = `${name}:${child.pid} is not ready: ${reason}`;
  const again = own !== undefined && own.restart !== 'never' && isRestarted(child, own, READY_FAILED_CODE);
  if (again) return ask(state.children, [name], 'retry', options);
  return stop(state.children, READY_FAILED_CODE, 'SIGTERM', say('stdout', shuttingDown(text)), options);
}

/** Too late are events about a process that is not the one which runs now, and about one that is asked to end. */
function current(state: Alive, name: string, pid: number): Running | undefined {
  const child = state.children[name];
  return child?.kind === 'running' && child.pid === pid && child.intent === undefined ? child : undefined;
}

function whileRunning(
  state: Extract<SuperviseState, { kind: 'running' }>,
  event: SuperviseEvent,
  options: SuperviseOptions,
): SuperviseStep {
  const { children } = state;
  switch (event.kind) {
    case 'ready': {
      const child = current(state, event.name, event.pid);
      return child === undefined
        ? { state, effects: [] }
        : goOn(put(children, event.name, { ...child, ready: true }), options);
    }
    case 'not-ready':
      return current(state, event.name, event.pid) === undefined
        ? { state, effects: [] }
        : notReady(state, event, options);
    case 'back-off-over': {
      const child = children[event.name];
      return child?.kind === 'backoff'
        ? goOn(put(children, event.name, { ...child, kind: 'waiting' }), options)
        : { state, effects: [] };
    }
    case 'restart':
      return restart(children, event.names, options);
    case 'stop':
      return stopSome(children, event.names, options);
    default:
      return goOn(children, options);
  }
}

function hasStarted(state: Alive, name: string, pid: number, options: SuperviseOptions): SuperviseStep {
  const child = state.children[name];
  if (child?.kind !== 'running') return { state, effects: [] };
  const ready = options.children[name]?.ready === 'started';
  const children = put(state.children, name, { ...child, pid, ready });
  if (state.kind !== 'running') return { state: { ...state, children }, effects: [] };
  // Who was asked to end before there was a process to ask is asked now.
  return child.intent === undefined ? goOn(children, options) : ask(children, [name], child.intent, options);
}

export function superviseStart(names: readonly string[]): SuperviseState {
  return { kind: 'running', children: Object.fromEntries(names.map(name => [name, NEW])) };
}

export function superviseStep(
  state: SuperviseState,
  event: SuperviseEvent,
  options: SuperviseOptions,
): SuperviseStep {
  if (state.kind === 'ended') return { state, effects: [] };
  switch (event.kind) {
    case 'started':
      return hasStarted(state, event.name, event.pid, options);
    case 'exited':
    case 'not-started':
      return ended(state, event, options);
    case 'signal':
      return signalled(state, event.signal, options);
    case 'time-is-up':
      return timeIsUp(state, event.pids, options);
    case 'reminder':
      return remind(state);
    default:
      return state.kind === 'running' ? whileRunning(state, event, options) : { state, effects: [] };
  }
}
