// Leader election without a consistent store. The core is one function (step.ts) over the values below.
//
//                       deadline                      deadline (epoch + 1)
//   ┌──────────┐ ───────────────────▶ ┌──────────┐ ◀──────────────────────┐
//   │ Starting │                      │ Electing │ ─┐ deadline (epoch+1)  │
//   └──────────┘ ◀── process start    └──────────┘ ◀┘                     │
//        │  Vote (after startMs)       │       │ Vote of a newer epoch    │
//        │                 enough votes│       ▼                          │
//        │                             │   ┌───────┐ ────────────────────▶┤
//        ├─────────────────────────────┼──▶│ Voted │                      │
//        │ Ping                        ▼   └───────┘                      │
//        │                       ┌────────┐    │ Ping                     │
//        │                       │ Leader │    ▼                          │
//        │                       └────────┘ ┌──────────┐ no Ping          │
//        │     Ping of a newer epoch, or    │          │ until deadline   │
//        │     of an equal one from a       │ Follower │ ─────────────────┘
//        │     smaller id ────────────────▶ │          │
//        └────────────────────────────────▶ └──────────┘
//   Leader ── Pong of a newer epoch ──▶ Electing; Leader ── overslept, or lease over (majority mode) ──▶ Voted (for itself).
//
// What is promised: at most one leader per (epoch, set of mutually reachable nodes), an epoch that never goes back on
// a node, and a leader within three election timeouts once faults stop. Two parts of a cut network may each have a leader.
//
// Ballots. (epoch, candidate) is written to disk before a vote is sent, without fsync: that survives every crash of the
// process. A power cut may lose it, so a node also votes for nobody during its first `startMs`: a candidate counts votes only
// for `electingMaxMs`, hence every election the node may have forgotten is over by then and its winner's pings (which
// carry the forgotten epoch) have been heard if they can be heard at all.

import type { ElectionPacket } from '@suite/shared/wire/election.ts';
import type { ElectionTimes } from '../../config/defaults.ts';

export type Phase =
  | { readonly kind: 'starting'; readonly votesFromMs: number }
  | { readonly kind: 'electing'; readonly needed: number; readonly voters: readonly string[] }
  | { readonly kind: 'voted'; readonly candidate: string }
  | {
      readonly kind: 'follower';
      readonly leader: string;
      /** Last ping that counted. */
      readonly pingMs: number;
      /** When the leader last told that it hears us (or when we began to follow). */
      readonly heardByLeaderMs: number;
    }
  | { readonly kind: 'leader'; readonly sinceMs: number };

/** `epoch` and `ballot` (whom this node stands by in that epoch) are what the disk remembers. Times are monotonic ms. */
export interface ElectionState {
  readonly phase: Phase;
  readonly epoch: number;
  readonly ballot: string | null;
  readonly deadlineMs: number;
}

/** What cannot change while the node runs. */
export interface ElectionSettings {
  readonly self: string;
  readonly times: ElectionTimes;
  /** Count only peers seen lately, so every part of a cut network gets a leader. */
  readonly allowMinority: boolean;
  readonly forceLeader: boolean;
  /** Uniform in [minMs, maxMs). */
  readonly random: (minMs: number, maxMs: number) => number;
}

/** One other node. `heardMs`: last election packet from it, -Infinity before the first one. */
export interface PeerSight {
  readonly id: string;
  readonly responsive: boolean;
  readonly heardMs: number;
}

/** The world at the moment of a step. `peers` is undefined until cantal has answered once: then nobody knows how many votes count. */
export interface View {
  readonly nowMs: number;
  readonly peers: ReadonlyMap<string, PeerSight> | undefined;
}

export type ElectionEvent =
  | { readonly type: 'timer' }
  | { readonly type: 'packet'; readonly packet: ElectionPacket };

/** A packet without what only the shell knows (schedule stamp, error count, `heard`). */
export type Outgoing =
  | { readonly type: 'Ping' | 'Pong'; readonly epoch: number }
  | { readonly type: 'Vote'; readonly epoch: number; readonly target: string };

/** Effects are carried out in order: a ballot is on its way to the disk before the vote leaves. */
export type ElectionEffect =
  | { readonly type: 'persist'; readonly epoch: number; readonly ballot: string | null }
  | { readonly type: 'send'; readonly to: string | 'all'; readonly packet: Outgoing };

export interface Step {
  readonly state: ElectionState;
  readonly effects: readonly ElectionEffect[];
  /** Equal to `state.deadlineMs`: when the next timer event is due. */
  readonly deadlineMs: number;
}

/** What the disk gave back; a node that never ran has epoch 0. */
export interface Remembered {
  readonly epoch: number;
  readonly ballot: string | null;
}

export function initialState(
  settings: ElectionSettings,
  remembered: Remembered,
  nowMs: number,
): ElectionState {
  const { startMs, timeoutMinMs } = settings.times;
  return {
    phase: { kind: 'starting', votesFromMs: nowMs + startMs },
    ...remembered,
    deadlineMs: nowMs + startMs + settings.random(0, timeoutMinMs),
  };
}

/** Votes a candidate needs, its own included: 1, 2, 2, 3, 3, 4, 4 for 1 to 7 counted nodes. */
export function minimumVotes(settings: ElectionSettings, peers: ReadonlyMap<string, PeerSight>): number {
  let counted = 1;
  for (const peer of peers.values()) if (!settings.allowMinority || peer.responsive) counted++;
  return counted === 1 ? 1 : Math.floor(counted / 2) + 1;
}
