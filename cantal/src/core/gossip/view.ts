// The peer table as the API shows it: wall clock times, and a verdict whether each peer can be reached.
import type { CantalPeer } from '@suite/shared/wire/cantal.ts';
import { GOSSIP } from '../../config/defaults.ts';
import { isSmall, lastSign } from './select.ts';
import type { GossipState, Now, Peer } from './state.ts';

/** Monotonic time without the stretches in which this process stood still, including one that is just ending. */
export function awakeMs(state: GossipState, monotonicMs: number): number {
  const gap = monotonicMs - state.lastStepAt;
  const standing = gap > 2 * GOSSIP.tickMs ? gap - GOSSIP.tickMs : 0;
  return monotonicMs - state.pausedMs - standing;
}

export function isReachable(state: GossipState, peer: Peer, monotonicMs: number): boolean {
  if (!isSmall(state))
    return peer.directAt !== null && monotonicMs - lastSign(peer) < GOSSIP.unreachableLargeMs;
  if (peer.directAt === null) return false;
  return awakeMs(state, monotonicMs) - peer.directAwake < GOSSIP.unreachableSmallMs;
}

type Times = { readonly address: string; readonly at: number; readonly rttMs: number } | null;

/** Peers known only by an id from a friend have no name yet; a text consumer of the list cannot take null there. */
function peerView(state: GossipState, peer: Peer, now: Pick<Now, 'monotonicMs' | 'wallMs'>): CantalPeer {
  const wall = (at: number): number => Math.round(now.wallMs - (now.monotonicMs - at));
  const roundtrip = (times: Times) => times && ([times.address, wall(times.at), times.rttMs] as const);
  const reachable = isReachable(state, peer, now.monotonicMs);
  const { report, lastProbe, directAt } = peer;
  return {
    id: peer.id,
    hostname: peer.host ?? '',
    name: peer.name ?? '',
    primary_addr: peer.primary,
    addresses: [...peer.addresses],
    known_since: wall(peer.knownSince),
    report: report && [wall(report.at), { peers: report.report.peers, has_remote: report.report.hasRemote }],
    peers: report?.report.peers ?? null,
    has_remote: report?.report.hasRemote ?? false,
    last_report_direct: directAt === null ? null : wall(directAt),
    last_report: report && wall(report.at),
    last_probe: lastProbe && [wall(lastProbe.at), lastProbe.address],
    probe_time: lastProbe && wall(lastProbe.at),
    probe_addr: lastProbe?.address ?? null,
    probes_sent: peer.probesSent,
    pings_received: peer.pingsReceived,
    pongs_received: peer.pongsReceived,
    last_roundtrip: roundtrip(peer.lastRoundtrip),
    roundtrip: peer.lastRoundtrip?.rttMs ?? null,
    random_peer_roundtrip: roundtrip(peer.friendRoundtrip),
    reachable,
    unreachable_since: reachable ? null : wall(directAt ?? peer.knownSince),
  };
}

export function peersView(state: GossipState, now: Pick<Now, 'monotonicMs' | 'wallMs'>): CantalPeer[] {
  return [...state.peers.values()].map(peer => peerView(state, peer, now));
}
