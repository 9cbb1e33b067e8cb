// Whom to ping, at which address, and whom to tell about.
import type { GossipFriend, GossipPacket } from '@suite/shared/wire/gossip.ts';
import { GOSSIP } from '../../config/defaults.ts';
import { describeSelf, type GossipState, type Now, type Peer } from './state.ts';

/** The first `count` of a random order (Fisher–Yates, stopped early); changes `items`. */
function draw<T>(items: T[], count: number, random: () => number): T[] {
  const wanted = Math.min(count, items.length);
  for (let index = 0; index < wanted; index++) {
    const other = index + Math.floor(random() * (items.length - index));
    const item = items[index] as T;
    items[index] = items[other] as T;
    items[other] = item;
  }
  return items.slice(0, wanted);
}

/** Time of the freshest sign of life, direct or relayed; without any, since when the peer is known. */
export function lastSign(peer: Peer): number {
  return Math.max(peer.report?.at ?? peer.knownSince, peer.directAt ?? peer.knownSince);
}

function toFriend(peer: Peer, now: Now): GossipFriend {
  const wall = (at: number): number => Math.max(0, Math.round(now.wallMs - (now.monotonicMs - at)));
  return {
    id: peer.id,
    myPrimaryAddr: peer.primary,
    addresses: [...peer.addresses],
    host: peer.host,
    name: peer.name,
    report: peer.report && [wall(peer.report.at), peer.report.report],
    roundtrip: peer.lastRoundtrip && [wall(peer.lastRoundtrip.at), peer.lastRoundtrip.rttMs],
  };
}

function friendsFor(state: GossipState, destination: string, now: Now): GossipFriend[] {
  const candidates = [...state.peers.values()].filter(
    peer => !peer.addresses.has(destination) && now.monotonicMs - lastSign(peer) < GOSSIP.failMs,
  );
  return draw(candidates, GOSSIP.friendsPerPacket, now.random).map(peer => toFriend(peer, now));
}

export function ping(state: GossipState, to: string, now: Now): GossipPacket {
  const friends = friendsFor(state, to, now);
  return {
    kind: 'Ping',
    cluster: state.self.cluster,
    me: describeSelf(state),
    friends,
    now: Math.round(now.wallMs),
  };
}

export function pong(state: GossipState, to: string, pingTime: number, now: Now): GossipPacket {
  const friends = friendsFor(state, to, now);
  const peerTime = Math.round(now.wallMs);
  return { kind: 'Pong', cluster: state.self.cluster, me: describeSelf(state), friends, pingTime, peerTime };
}

/** The primary address while it can be trusted, otherwise a random one other than that probed last. */
export function addressOf(peer: Peer, now: Now): string | undefined {
  const probed = peer.lastProbe;
  const trusted =
    probed === null ||
    now.monotonicMs - probed.at < GOSSIP.probeAnswerMs ||
    (peer.directAt !== null && now.monotonicMs - peer.directAt < GOSSIP.prefailMs);
  if (trusted && peer.primary !== null) return peer.primary;
  const others = [...peer.addresses].filter(address => address !== probed?.address);
  return draw(others, 1, now.random)[0] ?? probed?.address ?? peer.primary ?? undefined;
}

export function isSmall(state: GossipState): boolean {
  return state.peers.size < GOSSIP.smallCluster;
}

function wantsPing(peer: Peer, now: Now): boolean {
  if (peer.lastProbe === null || now.monotonicMs - peer.lastProbe.at >= GOSSIP.maxProbeGapMs) return true;
  return now.monotonicMs - lastSign(peer) >= GOSSIP.freshReportMs;
}

/** Small clusters: everybody. Large ones: the next ten of a shuffled round, without those heard of just now. */
export function roundTargets(state: GossipState, now: Now): Peer[] {
  if (isSmall(state)) return [...state.peers.values()];
  if (state.queue.length === 0) state.queue = draw([...state.peers.keys()], state.peers.size, now.random);
  const ids = state.queue.splice(0, GOSSIP.pingsPerTick);
  return ids.flatMap(id => state.peers.get(id) ?? []).filter(peer => wantsPing(peer, now));
}
