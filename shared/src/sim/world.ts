import type { Endpoint } from '../ports/net.ts';
import type { Random } from '../ports/random.ts';
import { EventHeap, SimEvent } from './heap.ts';
import { SimNode } from './node.ts';
import { chance, exponential, seededRandom } from './random.ts';

/** 2020-01-01 UTC: any fixed moment does. */
const EPOCH_MS = 1_577_836_800_000;
const NOTES_KEPT = 60;

/** Of every packet between two nodes; a node's packets to itself only take `delayMinMs`. */
export interface NetFaults {
  /** Probabilities, 0…1. */
  loss: number;
  duplication: number;
  /** Exponential on top of the minimum, so packets overtake each other. */
  delayMinMs: number;
  delayMeanMs: number;
}

export const CALM_NET: Readonly<NetFaults> = { loss: 0, duplication: 0, delayMinMs: 0.1, delayMeanMs: 1 };

interface Invariant {
  readonly name: string;
  readonly check: () => string | undefined;
  readonly everyMs: number;
  nextMs: number;
}

/** A whole network of machines in one thread: same seed and code, same run. Time stands still while code runs. */
export class SimWorld {
  readonly seed: number;
  readonly random: Random;
  readonly epochMs = EPOCH_MS;
  /** True time since the start, which no node knows. */
  nowMs = 0;
  eventCount = 0;
  faults: NetFaults = { ...CALM_NET };
  readonly nodes: SimNode[] = [];
  readonly #byAddress = new Map<string, SimNode>();
  readonly #heap = new EventHeap();
  readonly #invariants: Invariant[] = [];
  readonly #notes: string[] = [];
  #order = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.random = seededRandom(seed * 1024);
  }

  /** `boot` starts the node's program: now and after each restart. It must take its world only from the node. */
  addNode(name: string, address: string, boot?: (node: SimNode) => void): SimNode {
    if (this.#byAddress.has(address)) throw new Error(`address ${address} is taken`);
    const node = new SimNode(this, name, this.nodes.length, address, boot);
    this.nodes.push(node);
    this.#byAddress.set(address, node);
    node.boot();
    return node;
  }

  node(name: string): SimNode {
    const found = this.nodes.find(node => node.name === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  }

  /** An event of the test itself (no owner), or of a node's clock. */
  schedule(delayMs: number, owner: SimNode | undefined, run: () => void): SimEvent {
    const event = new SimEvent(this.#heap, this.nowMs + delayMs, this.#order++, owner, run);
    this.#heap.push(event);
    return event;
  }

  sendPacket(sender: SimNode, from: Endpoint, data: Uint8Array, to: Endpoint): void {
    const target = this.#byAddress.get(to.address);
    if (target === undefined) return;
    if (target === sender) {
      this.#deliverLater(this.faults.delayMinMs, target, data, to.port, from);
      return;
    }
    if (sender.blockedTo[target.index] || chance(this.random, this.faults.loss)) return;
    const copies = chance(this.random, this.faults.duplication) ? 2 : 1;
    const clogMs = Math.max((sender.cloggedToUntilMs[target.index] ?? 0) - this.nowMs, 0);
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = clogMs + this.faults.delayMinMs + exponential(this.random, this.faults.delayMeanMs);
      this.#deliverLater(delayMs, target, data, to.port, from);
    }
  }

  /**
   * Called after each event, or (given `everyMs`) at most that often. A text back means broken: `run` throws it with
   * the seed, the time and what happened before.
   */
  checkInvariant(name: string, check: () => string | undefined, everyMs = 0): void {
    this.#invariants.push({ name, check, everyMs, nextMs: 0 });
  }

  /** Kept for the message of a broken invariant: the last few things that happened. */
  note(text: string): void {
    if (this.#notes.length >= NOTES_KEPT) this.#notes.shift();
    this.#notes.push(`${(this.nowMs / 1000).toFixed(3)} s: ${text}`);
  }

  /** Lets everything happen up to true time `untilMs`. */
  run(untilMs: number): void {
    while (this.#step(untilMs));
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  /**
   * As `run`, with a turn of the real event loop (`turn`: resolves after one, as setImmediate does) after each event,
   * for code that awaits its ports; ten times slower.
   */
  async runAsync(untilMs: number, turn: () => Promise<void>): Promise<void> {
    do await turn();
    while (this.#step(untilMs));
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  #deliverLater(delayMs: number, target: SimNode, data: Uint8Array, port: number, from: Endpoint): void {
    // A copy: senders may reuse their buffer, as with a real socket.
    const packet = { data: data.slice(), port, from };
    this.#heap.push(new SimEvent(this.#heap, this.nowMs + delayMs, this.#order++, target, undefined, packet));
  }

  #step(untilMs: number): boolean {
    const event = this.#heap.first();
    if (event === undefined || event.timeMs > untilMs) return false;
    this.#heap.remove(event);
    this.nowMs = event.timeMs;
    const { owner } = event;
    if (owner !== undefined && owner.pausedUntilMs > this.nowMs && owner.isUp) {
      event.timeMs = owner.pausedUntilMs;
      this.#heap.push(event);
      return true;
    }
    this.eventCount++;
    this.#happen(event);
    if (this.#invariants.length > 0) this.#checkAll();
    return true;
  }

  #happen(event: SimEvent): void {
    const { owner, run, data, from } = event;
    if (run !== undefined) {
      if (owner === undefined || (owner.isUp && owner.incarnation === event.incarnation)) run();
    } else if (owner !== undefined && data !== undefined && from !== undefined) {
      // A packet outlives the process it was meant for: the next one on that port gets it.
      owner.sockets.get(event.port)?.onPacket(data, from);
    }
  }

  #checkAll(): void {
    for (const invariant of this.#invariants) {
      if (this.nowMs < invariant.nextMs) continue;
      invariant.nextMs = this.nowMs + invariant.everyMs;
      const problem = invariant.check();
      if (problem === undefined) continue;
      const where = `seed ${this.seed} at ${(this.nowMs / 1000).toFixed(3)} s`;
      throw new Error(`${invariant.name}: ${problem} (${where})\n${this.#notes.join('\n')}`);
    }
  }
}
