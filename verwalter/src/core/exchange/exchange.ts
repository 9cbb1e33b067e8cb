// Who fetches which schedule from whom. Level-triggered: every call looks at the whole situation (stamps of all peers, the
// election, what is held), so a stamp that arrived before anybody waited for it is not missed.
//
//                 leader                       all answered, or settled, or too late
//   Unstable ───────────────▶ Prefetching ────────────────────────────▶ StableLeader
//     ▲  ▲ │ follower                 │ leadership lost                       │
//     │  │ └──────────▶ Replicating ◀─┴───────────────────────────────────────┘
//     └──┴── no leader ─────┘
//
import type { ScheduleStamp } from '@suite/shared/wire/election.ts';
import type { FetchState, ScheduleObject, ScheduleStatus } from '@suite/shared/wire/verwalter.ts';
import type { Phase } from '../election/state.ts';
import { distinctSchedules } from '../schedule/schedule.ts';

/** Requests under way (hash → peer asked) and peers put aside until a time, monotonic ms. */
interface Requests {
  readonly busy: ReadonlyMap<string, string>;
  readonly asideUntilMs: ReadonlyMap<string, number>;
}

export type ExchangeState =
  | { readonly kind: 'unstable' }
  | ({
      readonly kind: 'prefetching';
      readonly epoch: number;
      readonly sinceMs: number;
      readonly held: ReadonlyMap<string, ScheduleObject>;
    } & Requests)
  | ({
      readonly kind: 'stableLeader';
      readonly epoch: number;
      /** Of the newest parent, on the clock of its maker: what is older has been merged long ago. */
      readonly newestParentMs: number;
      /** Hashes that need no fetching any more: given to the scheduler, or gone. */
      readonly seen: ReadonlySet<string>;
    } & Requests)
  | ({
      readonly kind: 'replicating';
      readonly leader: string;
      readonly epoch: number;
      /** Hash accepted under this leader. */
      readonly stable: string | null;
    } & Requests);

export interface ExchangePeer {
  readonly id: string;
  readonly responsive: boolean;
  readonly heardMs: number;
  readonly schedule: ScheduleStamp | null;
  readonly fork: ScheduleStamp | null;
}

export interface ExchangeView {
  readonly nowMs: number;
  readonly self: string;
  readonly phase: Phase;
  readonly epoch: number;
  readonly peers: ReadonlyMap<string, ExchangePeer>;
  readonly known: ScheduleObject | null;
}

export interface ExchangeTimes {
  readonly settleMs: number;
  readonly maxMs: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** How long before the leadership an answer still counts for it: the votes came during the election. */
  readonly voteMs: number;
}

export interface ExchangeSettings {
  readonly times: ExchangeTimes;
  readonly random: (minMs: number, maxMs: number) => number;
}

export type ExchangeEvent =
  | { readonly type: 'look' }
  | {
      readonly type: 'fetched';
      readonly peer: string;
      readonly hash: string;
      readonly schedule: ScheduleObject;
    }
  /** `gone`: the peer answered that it does not have this schedule any more. */
  | { readonly type: 'failed'; readonly peer: string; readonly hash: string; readonly gone: boolean };

export type ExchangeEffect =
  | { readonly type: 'fetch'; readonly peer: string; readonly hash: string }
  /** Everything the first scheduler run of this leadership gets as parents. */
  | { readonly type: 'parents'; readonly schedules: readonly ScheduleObject[] }
  /** A part of the cluster came back with a schedule of its own: one more parent for the next run. */
  | { readonly type: 'lateParent'; readonly schedule: ScheduleObject }
  /** The leader's schedule: becomes last known and stable, and is rendered. */
  | { readonly type: 'accept'; readonly schedule: ScheduleObject };

export interface ExchangeStep {
  readonly state: ExchangeState;
  readonly effects: readonly ExchangeEffect[];
}

const IDLE: Requests = { busy: new Map(), asideUntilMs: new Map() };

export function exchange(
  settings: ExchangeSettings,
  before: ExchangeState,
  event: ExchangeEvent,
  view: ExchangeView,
): ExchangeStep {
  const entered = enter(before, view);
  const effects: ExchangeEffect[] = [];
  const answered =
    entered === before && event.type !== 'look' ? onAnswer(settings, entered, event, view, effects) : entered;
  return { state: look(settings, answered, view, effects), effects };
}

/** Follows the election; a change of kind, leader or epoch starts afresh. */
function enter(state: ExchangeState, view: ExchangeView): ExchangeState {
  const { phase, epoch } = view;
  if (phase.kind === 'leader') {
    const same = (state.kind === 'prefetching' || state.kind === 'stableLeader') && state.epoch === epoch;
    if (same) return state;
    const held = new Map(view.known === null ? [] : [[view.known.hash, view.known]]);
    return { kind: 'prefetching', epoch, sinceMs: view.nowMs, held, ...IDLE };
  }
  if (phase.kind === 'follower') {
    const same = state.kind === 'replicating' && state.leader === phase.leader && state.epoch === epoch;
    return same ? state : { kind: 'replicating', leader: phase.leader, epoch, stable: null, ...IDLE };
  }
  return state.kind === 'unstable' ? state : { kind: 'unstable' };
}

function onAnswer(
  settings: ExchangeSettings,
  state: ExchangeState,
  event: Exclude<ExchangeEvent, { type: 'look' }>,
  view: ExchangeView,
  effects: ExchangeEffect[],
): ExchangeState {
  if (state.kind === 'unstable' || state.busy.get(event.hash) !== event.peer) return state;
  const busy = without(state.busy, event.hash);
  if (event.type === 'fetched' && event.schedule.hash === event.hash) {
    return onSchedule({ ...state, busy }, event.schedule, effects);
  }
  const { retryMinMs, retryMaxMs } = settings.times;
  const asideUntilMs = new Map(state.asideUntilMs);
  asideUntilMs.set(event.peer, view.nowMs + settings.random(retryMinMs, retryMaxMs));
  const gone = event.type === 'failed' && event.gone;
  if (state.kind === 'stableLeader' && gone) {
    return { ...state, busy, asideUntilMs, seen: new Set([...state.seen, event.hash]) };
  }
  return { ...state, busy, asideUntilMs };
}

function onSchedule(
  state: Exclude<ExchangeState, { kind: 'unstable' }>,
  schedule: ScheduleObject,
  effects: ExchangeEffect[],
): ExchangeState {
  switch (state.kind) {
    case 'prefetching':
      return { ...state, held: new Map([...state.held, [schedule.hash, schedule]]) };
    case 'stableLeader':
      effects.push({ type: 'lateParent', schedule });
      return { ...state, seen: new Set([...state.seen, schedule.hash]) };
    case 'replicating':
      if (schedule.origin !== state.leader) return state;
      effects.push({ type: 'accept', schedule });
      return { ...state, stable: schedule.hash };
  }
}

function look(
  settings: ExchangeSettings,
  state: ExchangeState,
  view: ExchangeView,
  effects: ExchangeEffect[],
): ExchangeState {
  switch (state.kind) {
    case 'unstable':
      return state;
    case 'prefetching':
      return lookPrefetching(settings, state, view, effects);
    case 'stableLeader':
      return lookLeader(state, view, effects);
    case 'replicating':
      return lookReplicating(state, view, effects);
  }
}

function lookPrefetching(
  { times }: ExchangeSettings,
  state: Extract<ExchangeState, { kind: 'prefetching' }>,
  view: ExchangeView,
  effects: ExchangeEffect[],
): ExchangeState {
  const isAnswered = (peer: ExchangePeer) => peer.heardMs >= state.sinceMs - times.voteMs;
  const missing = stampsOf(view, peer => isAnswered(peer)).filter(({ stamp }) => !state.held.has(stamp.hash));
  const busy = request(state, missing, view, effects);
  const passedMs = view.nowMs - state.sinceMs;
  const allAnswered = [...view.peers.values()].every(peer => !peer.responsive || isAnswered(peer));
  const isDone = missing.length === 0 && (allAnswered || passedMs >= times.settleMs);
  if (!isDone && passedMs < times.maxMs) return { ...state, busy };
  const schedules = distinctSchedules(state.held.values());
  effects.push({ type: 'parents', schedules });
  const { epoch, asideUntilMs, held } = state;
  const newestParentMs = schedules[0]?.timestamp ?? 0;
  return {
    kind: 'stableLeader',
    epoch,
    newestParentMs,
    seen: new Set(held.keys()),
    busy: new Map(),
    asideUntilMs,
  };
}

/** Schedules of another leader that are newer than every parent come from a part that was cut off. */
function lookLeader(
  state: Extract<ExchangeState, { kind: 'stableLeader' }>,
  view: ExchangeView,
  effects: ExchangeEffect[],
): ExchangeState {
  const forks = stampsOf(view, () => true).filter(
    ({ stamp }) =>
      stamp.origin !== view.self && stamp.timestamp > state.newestParentMs && !state.seen.has(stamp.hash),
  );
  const busy = request(state, forks, view, effects);
  return busy === state.busy ? state : { ...state, busy };
}

function lookReplicating(
  state: Extract<ExchangeState, { kind: 'replicating' }>,
  view: ExchangeView,
  effects: ExchangeEffect[],
): ExchangeState {
  const stamp = view.peers.get(state.leader)?.schedule ?? null;
  if (stamp === null || stamp.origin !== state.leader || stamp.hash === state.stable) return state;
  if (view.known?.hash === stamp.hash) {
    effects.push({
      type: 'accept',
      schedule: { ...view.known, timestamp: stamp.timestamp, origin: stamp.origin },
    });
    return { ...state, stable: stamp.hash };
  }
  const busy = request(state, [{ peer: state.leader, stamp }], view, effects);
  return { ...state, stable: null, busy };
}

function stampsOf(
  view: ExchangeView,
  wants: (peer: ExchangePeer) => boolean,
): { peer: string; stamp: ScheduleStamp }[] {
  const found: { peer: string; stamp: ScheduleStamp }[] = [];
  for (const peer of view.peers.values()) {
    if (!wants(peer)) continue;
    for (const stamp of [peer.schedule, peer.fork]) if (stamp !== null) found.push({ peer: peer.id, stamp });
  }
  return found;
}

/** Asks one peer per hash at a time, and never a peer that has just failed. */
function request(
  requests: Requests,
  wanted: readonly { peer: string; stamp: ScheduleStamp }[],
  view: ExchangeView,
  effects: ExchangeEffect[],
): ReadonlyMap<string, string> {
  let busy: Map<string, string> | undefined;
  for (const { peer, stamp } of wanted) {
    const isBusy = (busy ?? requests.busy).has(stamp.hash);
    if (isBusy || (requests.asideUntilMs.get(peer) ?? Number.NEGATIVE_INFINITY) > view.nowMs) continue;
    busy ??= new Map(requests.busy);
    busy.set(stamp.hash, peer);
    effects.push({ type: 'fetch', peer, hash: stamp.hash });
  }
  return busy ?? requests.busy;
}

function without(busy: ReadonlyMap<string, string>, hash: string): ReadonlyMap<string, string> {
  const rest = new Map(busy);
  rest.delete(hash);
  return rest;
}

/** `/v1/status`: `fetch_state`. */
export function fetchState(state: ExchangeState, view: ExchangeView): FetchState {
  switch (state.kind) {
    case 'unstable':
      return { state: 'Unstable' };
    case 'prefetching':
      return { state: 'Prefetching', waiting: [...state.busy.keys()] };
    case 'stableLeader':
      return { state: 'StableLeader' };
    case 'replicating': {
      const hash = view.peers.get(state.leader)?.schedule?.hash ?? null;
      return { state: 'Replicating', leader: state.leader, schedule: hash };
    }
  }
}

export function scheduleStatus(state: ExchangeState, view: ExchangeView): ScheduleStatus {
  if (state.kind === 'unstable') return 'unstable';
  if (state.kind !== 'replicating') return 'ok';
  const announced = view.peers.get(state.leader)?.schedule ?? null;
  if (announced === null) return 'waiting';
  return announced.hash === state.stable ? 'ok' : 'fetching';
}
