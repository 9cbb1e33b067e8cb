// A cluster of election cores on one event heap: no sockets, no CBOR, so ten simulated minutes take milliseconds.
// The cores, the peer table and the packets are the daemon's own; clocks, network, disks and cantal are simulated here.

import { EventHeap, SimEvent } from '@suite/shared/sim/heap.ts';
import { seededRandom } from '@suite/shared/sim/index.ts';
import type { ElectionPacket } from '@suite/shared/wire/election.ts';
import { ELECTION, PEER_LIST_FRESH_MS, PEER_STALE_MS } from '../../src/config/defaults.ts';
import { completePacket } from '../../src/core/election/packet.ts';
import {
  type ElectionEvent,
  type ElectionSettings,
  type ElectionState,
  initialState,
  type Remembered,
  type Step,
  type View,
} from '../../src/core/election/state.ts';
import { type PeerReport, PeerTable } from '../../src/core/peers/table.ts';

export type StepFunction = (
  settings: ElectionSettings,
  state: ElectionState,
  event: ElectionEvent,
  view: View,
) => Step;

export interface WorldOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly allowMinority: boolean;
  readonly step: StepFunction;
  /** The disk keeps nothing at all: a deliberately broken variant. */
  readonly forgetful?: boolean;
}

export interface SimNode {
  readonly index: number;
  readonly id: string;
  readonly settings: ElectionSettings;
  readonly rate: number;
  wallOffsetMs: number;
  state: ElectionState;
  table: PeerTable;
  up: boolean;
  pausedUntilMs: number;
  cantalDownUntilMs: number;
  /** Running and not paused since (world time). */
  steadySinceMs: number;
  leaderSinceMs: number;
  incarnation: number;
  /** In the page cache, and what of it a power cut leaves. */
  disk: Remembered;
  durable: Remembered;
  timerAtMs: number;
  backlog: { packet: ElectionPacket; sentMs: number }[];
  /** Last direct report of each peer on the wall clock of this node; null = never. */
  readonly reports: (number | null)[];
}

/** What the checker wants to know, called synchronously. */
export interface Watcher {
  stepped(node: SimNode, was: ElectionState): void;
  voted(node: SimNode, epoch: number, candidate: string): void;
  restarted(node: SimNode, was: ElectionState, powerCut: boolean): void;
}

const CANTAL_MS = 1_000;
/** What a socket buffer holds while its process is stopped. */
const BACKLOG_MAX = 300;
/** A page cache writes back within this. */
const WRITE_BACK_MS = 5_000;
const SPEECH = { own: null, known: null, errors: 0, fork: null };

export class ElectionWorld {
  nowMs = 0;
  readonly nodes: SimNode[] = [];
  readonly random;
  readonly counts: Record<string, number> = {};
  /** Network faults; 0 everywhere is a perfect LAN of 1-20 ms. */
  loss = 0;
  duplication = 0;
  delayMs = 0;
  /** cut[from * n + to]: nothing passes; since when a pair is uncut in both directions. */
  readonly cut: boolean[];
  readonly uncutSinceMs: number[];
  /** Send time of the newest packet delivered from → to. */
  readonly deliveredMs: number[];
  readonly #heap = new EventHeap();
  #order = 0;
  #generation = 0;
  readonly #options: WorldOptions;
  readonly #watcher: Watcher;

  constructor(options: WorldOptions, watcher: Watcher) {
    this.#options = options;
    this.#watcher = watcher;
    this.random = seededRandom(options.seed);
    const size = options.nodes * options.nodes;
    this.cut = new Array<boolean>(size).fill(false);
    this.uncutSinceMs = new Array<number>(size).fill(0);
    this.deliveredMs = new Array<number>(size).fill(Number.NEGATIVE_INFINITY);
    for (let index = 0; index < options.nodes; index++) this.nodes.push(this.#makeNode(index));
    for (const node of this.nodes) this.at(this.random.next() * 3_000, () => this.#boot(node));
    this.at(0, () => this.#cantalRound());
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  at(atMs: number, run: () => void): void {
    this.#heap.push(new SimEvent(this.#heap, atMs, this.#order++, undefined, run));
  }

  run(untilMs: number): void {
    for (
      let event = this.#heap.first();
      event !== undefined && event.timeMs <= untilMs;
      event = this.#heap.first()
    ) {
      this.#heap.remove(event);
      this.nowMs = event.timeMs;
      event.run?.();
    }
    this.nowMs = untilMs;
  }

  /** Everything in flight is a remainder of the faults: it disappears with them. */
  dropInFlight(): void {
    this.#generation++;
  }

  #makeNode(index: number): SimNode {
    const id = (index + 1).toString(16).padStart(2, '0').repeat(16);
    const uniform = (min: number, max: number) => min + this.random.next() * (max - min);
    const settings: ElectionSettings = {
      self: id,
      times: ELECTION,
      allowMinority: this.#options.allowMinority,
      forceLeader: false,
      random: uniform,
    };
    const blank: Remembered = { epoch: 0, ballot: null };
    return {
      index,
      id,
      settings,
      rate: uniform(0.95, 1.05),
      wallOffsetMs: uniform(1e12, 2e12),
      state: initialState(settings, blank, 0),
      table: new PeerTable({ staleMs: PEER_STALE_MS, freshMs: PEER_LIST_FRESH_MS }),
      up: false,
      pausedUntilMs: 0,
      cantalDownUntilMs: 0,
      steadySinceMs: 0,
      leaderSinceMs: Number.POSITIVE_INFINITY,
      incarnation: 0,
      disk: blank,
      durable: blank,
      timerAtMs: Number.POSITIVE_INFINITY,
      backlog: [],
      reports: new Array<number | null>(this.#options.nodes).fill(null),
    };
  }

  #boot(node: SimNode): void {
    if (node.up) return;
    const remembered = this.#options.forgetful === true ? { epoch: 0, ballot: null } : node.disk;
    node.up = true;
    node.incarnation++;
    node.steadySinceMs = this.nowMs;
    node.pausedUntilMs = 0;
    node.backlog = [];
    node.table = new PeerTable({ staleMs: PEER_STALE_MS, freshMs: PEER_LIST_FRESH_MS });
    node.state = initialState(node.settings, remembered, this.mono(node));
    node.leaderSinceMs = Number.POSITIVE_INFINITY;
    this.#arm(node);
  }

  /** A crash of the process, or of the whole host with what its disk had not written yet. */
  crash(node: SimNode, powerCut: boolean, downMs: number): void {
    if (!node.up) return;
    const was = node.state;
    node.up = false;
    node.timerAtMs = Number.POSITIVE_INFINITY;
    node.leaderSinceMs = Number.POSITIVE_INFINITY;
    if (powerCut) {
      node.disk = node.durable;
      node.cantalDownUntilMs = this.nowMs + downMs;
    }
    this.#watcher.restarted(node, was, powerCut);
    this.at(this.nowMs + downMs, () => this.#boot(node));
  }

  /** Ends a pause or a down time now. */
  revive(node: SimNode): void {
    node.cantalDownUntilMs = this.nowMs;
    if (!node.up) this.#boot(node);
    else if (node.pausedUntilMs > this.nowMs) {
      node.pausedUntilMs = this.nowMs;
      this.#resume(node, node.incarnation);
    }
  }

  pause(node: SimNode, forMs: number): void {
    node.pausedUntilMs = Math.max(node.pausedUntilMs, this.nowMs + forMs);
    this.at(node.pausedUntilMs, () => this.#resume(node, node.incarnation));
  }

  #resume(node: SimNode, incarnation: number): void {
    if (!node.up || node.incarnation !== incarnation || node.pausedUntilMs > this.nowMs) return;
    node.steadySinceMs = this.nowMs;
    const { backlog } = node;
    node.backlog = [];
    // libuv runs timers before it polls sockets: the woken node acts first and reads its mail afterwards.
    node.timerAtMs = Number.POSITIVE_INFINITY;
    this.#step(node, { type: 'timer' });
    this.#arm(node);
    for (const { packet, sentMs } of backlog) this.#receive(node, packet, sentMs);
  }

  setCut(from: number, to: number, cut: boolean): void {
    const { length } = this.nodes;
    const [there, back] = [from * length + to, to * length + from];
    if (this.cut[there] === cut) return;
    this.cut[there] = cut;
    this.uncutSinceMs[there] = this.uncutSinceMs[back] = this.nowMs;
  }

  mono(node: SimNode): number {
    return this.nowMs * node.rate;
  }

  #view(node: SimNode): View {
    return { nowMs: this.mono(node), peers: node.table.peers };
  }

  #step(node: SimNode, event: ElectionEvent): void {
    const was = node.state;
    if (event.type === 'timer') node.table.refresh(this.mono(node));
    const view = this.#view(node);
    const next = this.#options.step(node.settings, was, event, view);
    node.state = next.state;
    if (next.state.phase.kind !== 'leader') node.leaderSinceMs = Number.POSITIVE_INFINITY;
    else if (was.phase.kind !== 'leader' || was.epoch !== next.state.epoch) node.leaderSinceMs = this.nowMs;
    for (const effect of next.effects) {
      if (effect.type === 'persist') this.#persist(node, { epoch: effect.epoch, ballot: effect.ballot });
      else {
        if (effect.packet.type === 'Vote')
          this.#watcher.voted(node, effect.packet.epoch, effect.packet.target);
        for (const peer of this.nodes) {
          if (peer === node || (effect.to !== 'all' && effect.to !== peer.id)) continue;
          this.#send(node, peer, completePacket(node.settings, effect.packet, peer.id, view, SPEECH));
        }
      }
    }
    if (next.state !== was) {
      this.#watcher.stepped(node, was);
      this.#arm(node);
    }
  }

  #persist(node: SimNode, remembered: Remembered): void {
    node.disk = remembered;
    this.at(this.nowMs + WRITE_BACK_MS, () => {
      if (node.disk === remembered) node.durable = remembered;
    });
  }

  /** At most one timer event per node is pending; one that fires too early looks at the deadline again. */
  #arm(node: SimNode): void {
    const atMs = Math.max(this.nowMs, node.state.deadlineMs / node.rate + 0.01);
    if (atMs >= node.timerAtMs) return;
    node.timerAtMs = atMs;
    const { incarnation } = node;
    this.at(atMs, () => {
      if (!node.up || node.incarnation !== incarnation || node.timerAtMs !== atMs) return;
      node.timerAtMs = Number.POSITIVE_INFINITY;
      if (node.pausedUntilMs > this.nowMs) return;
      if (this.mono(node) >= node.state.deadlineMs) this.#step(node, { type: 'timer' });
      else this.#arm(node);
    });
  }

  #send(from: SimNode, to: SimNode, packet: ElectionPacket): void {
    const copies = this.random.next() < this.duplication ? 2 : 1;
    if (copies === 2) this.count('duplicated');
    for (let copy = 0; copy < copies; copy++) {
      if (this.random.next() < this.loss) {
        this.count('lost');
        continue;
      }
      const extraMs = this.delayMs === 0 ? 0 : -Math.log(1 - this.random.next()) * this.delayMs;
      const sentMs = this.nowMs;
      const generation = this.#generation;
      this.at(sentMs + 1 + this.random.next() * 19 + extraMs, () => {
        if (generation === this.#generation) this.#arrive(from, to, packet, sentMs);
      });
    }
  }

  #arrive(from: SimNode, to: SimNode, packet: ElectionPacket, sentMs: number): void {
    if (this.cut[from.index * this.nodes.length + to.index] === true) this.count('cut');
    else if (!to.up) this.count('to the dead');
    else if (to.pausedUntilMs > this.nowMs) {
      if (to.backlog.length < BACKLOG_MAX) to.backlog.push({ packet, sentMs });
    } else this.#receive(to, packet, sentMs);
  }

  #receive(node: SimNode, packet: ElectionPacket, sentMs: number): void {
    const from = Number.parseInt(packet.id.slice(0, 2), 16) - 1;
    const link = from * this.nodes.length + node.index;
    this.deliveredMs[link] = Math.max(this.deliveredMs[link] as number, sentMs);
    node.table.heard(packet.id, this.mono(node), this.nowMs + node.wallOffsetMs, packet);
    this.#step(node, { type: 'packet', packet });
  }

  /** Every second each host's cantal probes every other one, and each verwalter reads the list. */
  #cantalRound(): void {
    for (const node of this.nodes) {
      if (node.cantalDownUntilMs > this.nowMs) continue;
      const wallMs = this.nowMs + node.wallOffsetMs;
      for (const peer of this.nodes) if (this.#probe(node, peer)) node.reports[peer.index] = wallMs;
      if (node.up && node.pausedUntilMs <= this.nowMs) {
        node.table.update(this.#list(node), this.mono(node), wallMs);
      }
    }
    this.at(this.nowMs + CANTAL_MS, () => this.#cantalRound());
  }

  #probe(node: SimNode, peer: SimNode): boolean {
    if (node === peer || peer.cantalDownUntilMs > this.nowMs) return false;
    const { length } = this.nodes;
    if (this.cut[node.index * length + peer.index] || this.cut[peer.index * length + node.index])
      return false;
    return this.random.next() >= this.loss && this.random.next() >= this.loss;
  }

  #list(node: SimNode): PeerReport[] {
    return this.nodes
      .filter(peer => peer !== node)
      .map(peer => ({
        id: peer.id,
        name: peer.id,
        hostname: peer.id,
        address: null,
        cantalPort: 1,
        knownSinceMs: 0,
        lastReportDirectMs: node.reports[peer.index] ?? null,
      }));
  }
}
