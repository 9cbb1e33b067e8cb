import type { ElectionPacket, PingPacket, PongPacket, VotePacket } from '@suite/shared/wire/election.ts';
import {
  type ElectionEffect,
  type ElectionEvent,
  type ElectionSettings,
  type ElectionState,
  minimumVotes,
  type Phase,
  type Step,
  type View,
} from './state.ts';

const NOTHING: readonly ElectionEffect[] = [];

/** One event, one new state. An ignored event gives back the very same state object. Never throws, never looks at a clock. */
export function step(
  settings: ElectionSettings,
  state: ElectionState,
  event: ElectionEvent,
  view: View,
): Step {
  if (event.type === 'timer') return onTimer(settings, state, view);
  const { packet } = event;
  if (packet.id === settings.self) return ignored(state);
  if (packet.epoch < state.epoch) return onOlder(state, packet);
  switch (packet.type) {
    case 'Ping':
      return onPing(settings, state, packet, view);
    case 'Pong':
      return onPong(settings, state, packet, view);
    case 'Vote':
      return packet.target === settings.self
        ? onBallot(settings, state, packet, view)
        : onCandidate(settings, state, packet, view);
  }
}

function ignored(state: ElectionState): Step {
  return { state, effects: NOTHING, deadlineMs: state.deadlineMs };
}

function onTimer(settings: ElectionSettings, state: ElectionState, view: View): Step {
  if (view.nowMs < state.deadlineMs) return ignored(state);
  const { phase } = state;
  if (phase.kind === 'leader') return onHeartbeat(settings, state, view);
  if (phase.kind === 'starting' && settings.forceLeader) return lead(state, state.epoch + 1, settings, view);
  if (view.peers === undefined) return move(state, state.phase, view.nowMs + settings.times.timeoutMinMs);
  return startElection(settings, state, state.epoch + 1, view);
}

function onHeartbeat(settings: ElectionSettings, state: ElectionState, view: View): Step {
  const overdueMs = view.nowMs - state.deadlineMs;
  // Stopped or starved for so long that the others have another leader by now: look around before acting as one.
  if (overdueMs > settings.times.timeoutMaxMs && !settings.forceLeader) return resign(settings, state, view);
  const { leaseMs, heartbeatMs } = settings.times;
  const lease = view.nowMs - leaseMs;
  const led = state.phase.kind === 'leader' ? state.phase.sinceMs : view.nowMs;
  if (
    !settings.allowMinority &&
    !settings.forceLeader &&
    led < lease &&
    !hearsQuorum(settings, view, lease)
  ) {
    return resign(settings, state, view);
  }
  return move(state, state.phase, view.nowMs + heartbeatMs, [
    { type: 'send', to: 'all', packet: { type: 'Ping', epoch: state.epoch } },
  ]);
}

function resign(settings: ElectionSettings, state: ElectionState, view: View): Step {
  return move(state, { kind: 'voted', candidate: settings.self }, view.nowMs + voterWait(settings));
}

/** Have enough nodes (this one included) sent anything since `sinceMs`? */
function hearsQuorum(settings: ElectionSettings, view: View, sinceMs: number): boolean {
  if (view.peers === undefined) return false;
  let heard = 1;
  for (const peer of view.peers.values()) if (peer.heardMs >= sinceMs) heard++;
  return heard >= minimumVotes(settings, view.peers);
}

/** A packet of an older epoch changes nothing here; the answer helps its sender to catch up. */
function onOlder(state: ElectionState, packet: ElectionPacket): Step {
  if (state.phase.kind === 'leader' && packet.type !== 'Pong') return answer(state, packet.id, 'Ping');
  // A leader that hears of a newer epoch starts an election above it: so a node that raced ahead alone comes back.
  // A follower stays silent: it has a newer leader of its own, and waking the old one would unseat that.
  if (packet.type === 'Ping' && state.phase.kind !== 'follower') return answer(state, packet.id, 'Pong');
  return ignored(state);
}

function answer(state: ElectionState, to: string, type: 'Ping' | 'Pong'): Step {
  return move(state, state.phase, state.deadlineMs, [
    { type: 'send', to, packet: { type, epoch: state.epoch } },
  ]);
}

function onPing(settings: ElectionSettings, state: ElectionState, packet: PingPacket, view: View): Step {
  const { phase } = state;
  if (packet.epoch > state.epoch) return follow(settings, state, packet, view);
  switch (phase.kind) {
    case 'leader':
      // Two leaders of one epoch (each alone in its part, or a ballot lost by a power cut): the smaller id stays.
      return packet.id < settings.self
        ? follow(settings, state, packet, view)
        : answer(state, packet.id, 'Ping');
    case 'follower':
      if (packet.id > phase.leader && isSticky(settings, phase, view)) return ignored(state);
      return follow(settings, state, packet, view);
    case 'starting':
    case 'electing':
    case 'voted':
      return follow(settings, state, packet, view);
  }
}

/** A living leader keeps its follower: a candidate that merely missed some pings must not unseat it. */
function isSticky(
  settings: ElectionSettings,
  phase: Extract<Phase, { kind: 'follower' }>,
  view: View,
): boolean {
  return view.nowMs - phase.pingMs < settings.times.timeoutMinMs;
}

function follow(settings: ElectionSettings, state: ElectionState, packet: PingPacket, view: View): Step {
  const { nowMs } = view;
  const before =
    state.phase.kind === 'follower' && state.phase.leader === packet.id ? state.phase : undefined;
  const heardByLeaderMs = packet.heard || before === undefined ? nowMs : before.heardByLeaderMs;
  const pong: ElectionEffect = { type: 'send', to: packet.id, packet: { type: 'Pong', epoch: packet.epoch } };
  // A leader deaf to us for a whole timeout would schedule as if we were gone: answer it, but let the deadline run.
  if (before !== undefined && nowMs - heardByLeaderMs > settings.times.timeoutMaxMs) {
    return move(state, { ...before, heardByLeaderMs }, state.deadlineMs, [pong]);
  }
  const phase: Phase = { kind: 'follower', leader: packet.id, pingMs: nowMs, heardByLeaderMs };
  const deadlineMs = nowMs + voterWait(settings);
  if (packet.epoch === state.epoch && state.ballot !== null) return move(state, phase, deadlineMs, [pong]);
  // Following is as good as a vote: in this epoch nobody else can get one from here.
  return enter(phase, packet.epoch, packet.id, deadlineMs, [pong]);
}

function onPong(settings: ElectionSettings, state: ElectionState, packet: PongPacket, view: View): Step {
  if (packet.epoch === state.epoch) return ignored(state);
  if (state.phase.kind === 'leader') return startElection(settings, state, packet.epoch + 1, view);
  // Somebody follows us in an epoch we do not remember: a power cut took the ballot. Never fall behind it.
  if (state.phase.kind === 'starting') {
    return enter(state.phase, packet.epoch, settings.self, state.deadlineMs, NOTHING);
  }
  return ignored(state);
}

/** Somebody confirms that it stands by us. */
function onBallot(settings: ElectionSettings, state: ElectionState, packet: VotePacket, view: View): Step {
  const { phase } = state;
  if (phase.kind !== 'electing' || packet.epoch !== state.epoch) return ignored(state);
  if (view.peers?.has(packet.id) !== true || phase.voters.includes(packet.id)) return ignored(state);
  const voters = [...phase.voters, packet.id];
  const needed = Math.max(phase.needed, minimumVotes(settings, view.peers));
  if (voters.length >= needed) return lead(state, state.epoch, settings, view);
  return move(state, { ...phase, voters }, state.deadlineMs);
}

/** Somebody asks for our vote. */
function onCandidate(settings: ElectionSettings, state: ElectionState, packet: VotePacket, view: View): Step {
  const candidate = packet.target;
  if (packet.id !== candidate || refusesVotes(settings, state.phase, candidate, view)) return ignored(state);
  if (packet.epoch === state.epoch && state.ballot !== null) return ignored(state);
  return enter({ kind: 'voted', candidate }, packet.epoch, candidate, view.nowMs + voterWait(settings), [
    { type: 'send', to: candidate, packet: { type: 'Vote', epoch: packet.epoch, target: candidate } },
  ]);
}

function refusesVotes(settings: ElectionSettings, phase: Phase, candidate: string, view: View): boolean {
  switch (phase.kind) {
    case 'starting':
      return view.nowMs < phase.votesFromMs;
    case 'follower':
      return phase.leader !== candidate && isSticky(settings, phase, view);
    case 'leader':
      return hearsQuorum(settings, view, view.nowMs - settings.times.timeoutMinMs);
    case 'electing':
    case 'voted':
      return false;
  }
}

function startElection(settings: ElectionSettings, state: ElectionState, epoch: number, view: View): Step {
  const { self, times } = settings;
  const needed = view.peers === undefined ? Number.POSITIVE_INFINITY : minimumVotes(settings, view.peers);
  if (needed === 1) return lead(state, epoch, settings, view);
  const deadlineMs = view.nowMs + settings.random(times.electingMinMs, times.electingMaxMs);
  // Nobody to win with: waiting keeps the epoch of a lonely node from racing past the cluster it will come back to.
  if (responsiveNodes(view) < needed) return move(state, { kind: 'voted', candidate: self }, deadlineMs);
  return enter({ kind: 'electing', needed, voters: [self] }, epoch, self, deadlineMs, [
    { type: 'send', to: 'all', packet: { type: 'Vote', epoch, target: self } },
  ]);
}

function responsiveNodes(view: View): number {
  let count = 1;
  for (const peer of view.peers?.values() ?? []) if (peer.responsive) count++;
  return count;
}

function lead(state: ElectionState, epoch: number, settings: ElectionSettings, view: View): Step {
  const phase: Phase = { kind: 'leader', sinceMs: view.nowMs };
  const deadlineMs = view.nowMs + settings.times.heartbeatMs;
  const ping: ElectionEffect = { type: 'send', to: 'all', packet: { type: 'Ping', epoch } };
  if (epoch === state.epoch) return move(state, phase, deadlineMs, [ping]);
  return enter(phase, epoch, settings.self, deadlineMs, [ping]);
}

function voterWait(settings: ElectionSettings): number {
  return settings.random(settings.times.timeoutMinMs, settings.times.timeoutMaxMs);
}

/** Same epoch, same ballot: nothing for the disk. */
function move(state: ElectionState, phase: Phase, deadlineMs: number, effects = NOTHING): Step {
  return { state: { phase, epoch: state.epoch, ballot: state.ballot, deadlineMs }, effects, deadlineMs };
}

/** Another epoch or ballot: the disk learns it first. */
function enter(
  phase: Phase,
  epoch: number,
  ballot: string,
  deadlineMs: number,
  effects: readonly ElectionEffect[],
): Step {
  return {
    state: { phase, epoch, ballot, deadlineMs },
    effects: [{ type: 'persist', epoch, ballot }, ...effects],
    deadlineMs,
  };
}
