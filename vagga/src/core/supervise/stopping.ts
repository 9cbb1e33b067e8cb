// How a supervised run comes to its end: in order, or at once. Pure.
import { type Children, type ChildState, NEW, runningNames } from './child.ts';
import { killing, received, stillWaiting } from './texts.ts';
import type {
  Alive,
  Stopping,
  StopSignal,
  SuperviseEffect,
  SuperviseOptions,
  SuperviseStep,
} from './types.ts';

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 } as const;

export const say = (to: 'stdout' | 'stderr', text: string): SuperviseEffect => ({ kind: 'say', to, text });
export const tries = ({ restarts, failures }: ChildState) => ({ restarts, failures });
export const pidOf = (state: ChildState | undefined): number[] =>
  state?.kind === 'running' ? [state.pid] : [];

export function put(children: Children, name: string, state: ChildState): Children {
  return { ...children, [name]: state };
}

/** By the signal that each gets. */
export function send(names: readonly string[], signal: string, options: SuperviseOptions): SuperviseEffect[] {
  const signalOf = (name: string) => {
    const own = options.children[name]?.stopSignal ?? 'TERM';
    return own === 'TERM' ? signal : `SIG${own}`;
  };
  return [...new Set(names.map(signalOf))].map(each => ({
    kind: 'send',
    signal: each,
    names: names.filter(name => signalOf(name) === each),
  }));
}

/** Asks those whom nobody alive needs any more. */
function tell(state: Stopping, options: SuperviseOptions): SuperviseStep {
  const alive = runningNames(state.children);
  if (alive.length === 0)
    return { state: { kind: 'ended', children: state.children, code: state.code }, effects: [] };
  const isNeeded = (name: string) => alive.some(other => options.children[other]?.after.includes(name));
  const names = alive.filter(name => !state.told.includes(name) && !isNeeded(name));
  if (names.length === 0) return { state, effects: [] };
  const pids = names.flatMap(name => pidOf(state.children[name]));
  const time: SuperviseEffect = { kind: 'give-time', seconds: options.killUnresponsiveAfterS, pids };
  return {
    state: { ...state, told: [...state.told, ...names] },
    effects: [...send(names, state.signal, options), time, { kind: 'remind' }],
  };
}

export function stop(
  children: Children,
  code: number,
  signal: string,
  text: SuperviseEffect,
  options: SuperviseOptions,
): SuperviseStep {
  const left = Object.fromEntries(
    Object.entries(children).map(([name, state]): [string, ChildState] => {
      const isIdle = state.kind === 'waiting' || state.kind === 'backoff';
      return [name, isIdle ? { ...tries(state), kind: 'done', code: 0, ready: false } : state];
    }),
  );
  const { state, effects } = tell({ kind: 'stopping', children: left, code, signal, told: [] }, options);
  return { state, effects: [text, ...effects] };
}

function kill(children: Children, code: number, options: SuperviseOptions): SuperviseStep {
  const names = runningNames(children);
  const lines = killing(names, options.killUnresponsiveAfterS).map(line => say('stdout', line));
  return { state: { kind: 'killing', children, code }, effects: [...lines, { kind: 'kill', names }] };
}

/** While all are being stopped it only matters who is left. */
export function leave(
  state: Exclude<Alive, { kind: 'running' }>,
  name: string,
  options: SuperviseOptions,
): SuperviseStep {
  const old = state.children[name] ?? NEW;
  const children = put(state.children, name, { ...tries(old), kind: 'done', code: 0, ready: false });
  if (state.kind === 'stopping') return tell({ ...state, children }, options);
  if (runningNames(children).length > 0) return { state: { ...state, children }, effects: [] };
  return { state: { kind: 'ended', children, code: state.code }, effects: [] };
}

export function signalled(state: Alive, signal: StopSignal, options: SuperviseOptions): SuperviseStep {
  const { children } = state;
  // The second one means: now.
  if (state.kind === 'stopping') return kill(children, state.code, options);
  if (state.kind === 'killing') return { state, effects: [{ kind: 'kill', names: runningNames(children) }] };
  return stop(children, 128 + NUMBERS[signal], signal, say('stderr', received(signal)), options);
}

export function timeIsUp(state: Alive, pids: readonly number[], options: SuperviseOptions): SuperviseStep {
  const names = runningNames(state.children).filter(name =>
    pidOf(state.children[name]).some(pid => pids.includes(pid)),
  );
  if (names.length === 0 || state.kind === 'killing') return { state, effects: [] };
  const lines = killing(names, options.killUnresponsiveAfterS).map(line => say('stdout', line));
  return { state, effects: [...lines, { kind: 'kill', names }] };
}

export function remind(state: Alive): SuperviseStep {
  if (state.kind !== 'stopping') return { state, effects: [] };
  const alive = runningNames(state.children);
  const [asked, later] = [true, false].map(is => alive.filter(name => state.told.includes(name) === is));
  return { state, effects: [say('stderr', stillWaiting(asked ?? [], later ?? []))] };
}
