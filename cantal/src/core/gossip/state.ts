// What this host knows about its peers. All times here are monotonic milliseconds; wall clocks appear only in packets
// and in the view, so that a jump of either clock makes nobody look dead.
//
//   address ──add-host/seed──▶ pending ──first packet──▶ peer: reachable ⇄ unreachable ──2 days silent──▶ forgotten
//                                 └──five retries (seeds: never)──▶ given up
import type { GossipMe, GossipPacket, GossipReport } from '@suite/shared/wire/gossip.ts';

export interface Peer {
  readonly id: string;
  readonly knownSince: number;
  primary: string | null;
  readonly addresses: Set<string>;
  host: string | null;
  name: string | null;
  /** Newest report, heard directly or through a friend. */
  report: { readonly at: number; readonly report: GossipReport } | null;
  /** When a packet of the peer itself came in last, and the same in awake time (see `awakeMs`). */
  directAt: number | null;
  directAwake: number;
  lastProbe: { readonly at: number; readonly address: string } | null;
  probesSent: number;
  pingsReceived: number;
  pongsReceived: number;
  lastRoundtrip: { readonly address: string; readonly at: number; readonly rttMs: number } | null;
  friendRoundtrip: { readonly address: string; readonly at: number; readonly rttMs: number } | null;
}

/** An address nobody has answered from yet. */
export interface PendingAddress {
  readonly seed: boolean;
  retries: number;
  delayMs: number;
  dueAt: number;
}

export interface GossipSelf {
  readonly cluster: string;
  readonly id: string;
  readonly addresses: readonly string[];
  readonly host: string;
  readonly name: string;
}

export interface GossipState {
  readonly self: GossipSelf;
  readonly seeds: readonly string[];
  readonly peers: Map<string, Peer>;
  readonly pending: Map<string, PendingAddress>;
  /** Shuffled ids still to visit in a large cluster. */
  queue: string[];
  nextRoundAt: number;
  nextGarbageAt: number;
  nextSaveAt: number;
  lastStepAt: number;
  /** Time this process did not run although it should have (stopped, starved): nobody else was silent then. */
  pausedMs: number;
  numStale: number;
}

export interface Now {
  readonly monotonicMs: number;
  readonly wallMs: number;
  /** In [0, 1). */
  readonly random: () => number;
}

export type GossipEvent =
  | { readonly type: 'wake' }
  | { readonly type: 'packet'; readonly packet: GossipPacket; readonly from: string }
  | { readonly type: 'add-host'; readonly address: string };

export type GossipEffect =
  | { readonly type: 'send'; readonly to: string; readonly packet: GossipPacket }
  | { readonly type: 'save'; readonly addresses: readonly string[] }
  | { readonly type: 'log'; readonly message: string };

export function createGossip(self: GossipSelf, seeds: readonly string[], monotonicMs: number): GossipState {
  const others = seeds.filter(seed => !self.addresses.includes(seed));
  const pending = others.map(
    seed => [seed, { seed: true, retries: 0, delayMs: 0, dueAt: monotonicMs }] as const,
  );
  return {
    self,
    seeds: others,
    peers: new Map(),
    pending: new Map(pending),
    queue: [],
    nextRoundAt: monotonicMs,
    nextGarbageAt: monotonicMs,
    nextSaveAt: Number.POSITIVE_INFINITY,
    lastStepAt: monotonicMs,
    pausedMs: 0,
    numStale: 0,
  };
}

export function createPeer(id: string, now: Now): Peer {
  return {
    id,
    knownSince: now.monotonicMs,
    primary: null,
    addresses: new Set(),
    host: null,
    name: null,
    report: null,
    directAt: null,
    directAwake: 0,
    lastProbe: null,
    probesSent: 0,
    pingsReceived: 0,
    pongsReceived: 0,
    lastRoundtrip: null,
    friendRoundtrip: null,
  };
}

export function describeSelf(state: GossipState): GossipMe {
  const { id, addresses, host, name } = state.self;
  return { id, addresses, host, name, report: { peers: state.peers.size, hasRemote: false } };
}
