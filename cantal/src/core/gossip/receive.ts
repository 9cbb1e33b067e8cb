// What a packet teaches.
import type { GossipFriend, GossipPacket } from '@suite/shared/wire/gossip.ts';
import { GOSSIP } from '../../config/defaults.ts';
import { addressOf, ping, pong } from './select.ts';
import { createPeer, type GossipEffect, type GossipState, type Now, type Peer } from './state.ts';
import { awakeMs } from './view.ts';

/** A newly met host is worth a write of the peer file, but not one write per packet of a storm. */
const SAVE_SOON_MS = 2000;

function findOrCreate(state: GossipState, id: string, now: Now): Peer | undefined {
  const known = state.peers.get(id);
  if (known !== undefined) return known;
  if (state.peers.size >= GOSSIP.maxPeers) return undefined;
  const peer = createPeer(id, now);
  state.peers.set(id, peer);
  state.nextSaveAt = Math.min(state.nextSaveAt, now.monotonicMs + SAVE_SOON_MS);
  return peer;
}

function addAddresses(peer: Peer, addresses: readonly string[]): void {
  for (const address of addresses) if (peer.addresses.size < GOSSIP.maxAddresses) peer.addresses.add(address);
}

function refreshSender(
  state: GossipState,
  peer: Peer,
  packet: GossipPacket,
  from: string,
  now: Now,
): GossipEffect[] {
  const { me } = packet;
  const renamed = peer.name !== null && (peer.name !== me.name || peer.host !== me.host);
  peer.addresses.clear();
  addAddresses(peer, [from, ...me.addresses]);
  peer.primary = from;
  peer.report = { at: now.monotonicMs, report: me.report };
  peer.directAt = now.monotonicMs;
  peer.directAwake = awakeMs(state, now.monotonicMs);
  const message = `peer ${peer.id} was ${peer.name} (${peer.host}) and is now ${me.name} (${me.host})`;
  peer.host = me.host;
  peer.name = me.name;
  state.pending.delete(from);
  return renamed ? [{ type: 'log', message }] : [];
}

function sentBy(packet: GossipPacket): number {
  return packet.kind === 'Ping' ? packet.now : packet.peerTime;
}

/** Times in a friend entry are on the sender's clock; its age against the sender's `now` needs no agreement of clocks. */
function localTime(packet: GossipPacket, senderMs: number, now: Now): number {
  return now.monotonicMs - Math.max(0, sentBy(packet) - senderMs);
}

function mergeFriend(
  state: GossipState,
  friend: GossipFriend,
  packet: GossipPacket,
  from: string,
  now: Now,
): GossipEffect[] {
  if (friend.id === state.self.id) return [];
  const peer = findOrCreate(state, friend.id, now);
  if (peer === undefined) return [];
  addAddresses(peer, friend.addresses);
  peer.host ??= friend.host;
  peer.name ??= friend.name;
  if (friend.report !== null) {
    const at = localTime(packet, friend.report[0], now);
    if (peer.report === null || at > peer.report.at) peer.report = { at, report: friend.report[1] };
  }
  if (friend.roundtrip !== null) {
    const at = localTime(packet, friend.roundtrip[0], now);
    const newer = peer.friendRoundtrip === null || at > peer.friendRoundtrip.at;
    if (newer) peer.friendRoundtrip = { address: from, at, rttMs: friend.roundtrip[1] };
  }
  if (peer.primary !== null || friend.myPrimaryAddr === null) return [];
  peer.primary = friend.myPrimaryAddr;
  addAddresses(peer, [friend.myPrimaryAddr]);
  return probe(state, peer, now);
}

/** Pings a peer and notes it; nothing when no address is known. */
export function probe(state: GossipState, peer: Peer, now: Now): GossipEffect[] {
  const to = addressOf(peer, now);
  if (to === undefined || state.self.addresses.includes(to)) return [];
  peer.lastProbe = { at: now.monotonicMs, address: to };
  peer.probesSent++;
  return [{ type: 'send', to, packet: ping(state, to, now) }];
}

/** Round trips are wall clock differences of this host alone; a clock set meanwhile gives none. */
function noteRoundtrip(peer: Peer, pingTime: number, from: string, now: Now): void {
  const rttMs = Math.round(now.wallMs) - pingTime;
  const sane = rttMs >= 0 && rttMs < GOSSIP.maxProbeGapMs;
  if (sane) peer.lastRoundtrip = { address: from, at: now.monotonicMs, rttMs };
}

export function receive(state: GossipState, packet: GossipPacket, from: string, now: Now): GossipEffect[] {
  if (packet.cluster !== state.self.cluster) return [];
  if (packet.me.id === state.self.id) {
    state.pending.delete(from);
    return [];
  }
  const peer = findOrCreate(state, packet.me.id, now);
  if (peer === undefined) return [];
  const effects = refreshSender(state, peer, packet, from, now);
  if (packet.kind === 'Ping') peer.pingsReceived++;
  else {
    peer.pongsReceived++;
    noteRoundtrip(peer, packet.pingTime, from, now);
  }
  for (const friend of packet.friends) effects.push(...mergeFriend(state, friend, packet, from, now));
  if (packet.kind === 'Ping')
    effects.push({ type: 'send', to: from, packet: pong(state, from, packet.now, now) });
  return effects;
}
