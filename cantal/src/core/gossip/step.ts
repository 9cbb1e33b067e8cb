// The gossip protocol without clock, socket or chance: `step` changes the state it is given and returns what to do.
import { GOSSIP } from '../../config/defaults.ts';
import { probe, receive } from './receive.ts';
import { lastSign, ping, roundTargets } from './select.ts';
import type { GossipEffect, GossipEvent, GossipState, Now, PendingAddress } from './state.ts';

function isKnown(state: GossipState, address: string): boolean {
  for (const peer of state.peers.values()) if (peer.primary === address) return true;
  return false;
}

/** Doubling with jitter: 100 ms × random(0.5..1.5), then twice that × random(0.5..1.5) … */
function nextDelay(pending: PendingAddress, random: () => number): number {
  const grown = pending.delayMs === 0 ? GOSSIP.retryFirstMs : pending.delayMs * 2;
  return Math.min(GOSSIP.retryMaxMs, grown) * (0.5 + random());
}

function tryAddress(state: GossipState, address: string, pending: PendingAddress, now: Now): GossipEffect[] {
  if (!pending.seed && pending.retries > GOSSIP.addHostRetries) {
    state.pending.delete(address);
    return [
      { type: 'log', message: `no answer from ${address} after ${GOSSIP.addHostRetries} retries, given up` },
    ];
  }
  pending.retries++;
  pending.delayMs = nextDelay(pending, now.random);
  pending.dueAt = now.monotonicMs + pending.delayMs;
  return [{ type: 'send', to: address, packet: ping(state, address, now) }];
}

function addHost(state: GossipState, address: string, now: Now): GossipEffect[] {
  if (state.self.addresses.includes(address)) return [];
  if (isKnown(state, address) || state.pending.has(address)) {
    return [{ type: 'send', to: address, packet: ping(state, address, now) }];
  }
  if (state.pending.size >= GOSSIP.maxPeers)
    return [{ type: 'log', message: `too many addresses, ${address} ignored` }];
  const pending: PendingAddress = { seed: false, retries: 0, delayMs: 0, dueAt: now.monotonicMs };
  state.pending.set(address, pending);
  return tryAddress(state, address, pending, now);
}

function duePending(state: GossipState, now: Now): GossipEffect[] {
  const due = [...state.pending].filter(([, pending]) => pending.dueAt <= now.monotonicMs);
  return due.flatMap(([address, pending]) => tryAddress(state, address, pending, now));
}

/** A seed is tried for ever: once its host is forgotten or has moved, the address becomes pending again. */
function missingSeeds(state: GossipState, now: Now): void {
  for (const seed of state.seeds) {
    if (state.pending.has(seed) || isKnown(state, seed)) continue;
    state.pending.set(seed, { seed: true, retries: 0, delayMs: 0, dueAt: now.monotonicMs });
  }
}

function collectGarbage(state: GossipState, now: Now): void {
  state.nextGarbageAt = now.monotonicMs + GOSSIP.garbageMs;
  for (const [id, peer] of state.peers) {
    if (now.monotonicMs - lastSign(peer) >= GOSSIP.removeMs) state.peers.delete(id);
  }
}

function countStale(state: GossipState, now: Now): void {
  let stale = 0;
  for (const peer of state.peers.values()) if (now.monotonicMs - lastSign(peer) >= GOSSIP.staleMs) stale++;
  state.numStale = stale;
}

function round(state: GossipState, now: Now): GossipEffect[] {
  state.nextRoundAt = now.monotonicMs + GOSSIP.tickMs;
  missingSeeds(state, now);
  countStale(state, now);
  if (now.monotonicMs >= state.nextGarbageAt) collectGarbage(state, now);
  return roundTargets(state, now).flatMap(peer => probe(state, peer, now));
}

function save(state: GossipState, now: Now): GossipEffect[] {
  if (now.monotonicMs < state.nextSaveAt) return [];
  state.nextSaveAt = now.monotonicMs + GOSSIP.peerFileMs;
  return [{ type: 'save', addresses: knownAddresses(state) }];
}

/** Every address of every peer: what re-introduces them after a restart. */
export function knownAddresses(state: GossipState): string[] {
  return [...new Set([...state.peers.values()].flatMap(peer => [...peer.addresses]))];
}

function wake(state: GossipState, now: Now): GossipEffect[] {
  const rounds = now.monotonicMs >= state.nextRoundAt ? round(state, now) : [];
  return [...rounds, ...duePending(state, now), ...save(state, now)];
}

/** A gap of more than two ticks between steps means that this process was not running. */
function notePause(state: GossipState, now: Now): void {
  const gap = now.monotonicMs - state.lastStepAt;
  if (gap > 2 * GOSSIP.tickMs) state.pausedMs += gap - GOSSIP.tickMs;
  state.lastStepAt = now.monotonicMs;
}

export function step(state: GossipState, event: GossipEvent, now: Now): GossipEffect[] {
  notePause(state, now);
  switch (event.type) {
    case 'wake':
      return wake(state, now);
    case 'packet':
      return receive(state, event.packet, event.from, now);
    case 'add-host':
      return addHost(state, event.address, now);
  }
}

/** Monotonic time at which the next `wake` is due. */
export function nextWakeAt(state: GossipState): number {
  let next = Math.min(state.nextRoundAt, state.nextSaveAt);
  for (const pending of state.pending.values()) next = Math.min(next, pending.dueAt);
  return next;
}
