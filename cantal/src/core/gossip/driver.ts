// Runs the protocol over the ports: the same code in the daemon and in the simulator.
import type { Clock, Endpoint, Random, Timer, UdpSocket } from '@suite/shared/ports/index.ts';
import type { CantalPeer } from '@suite/shared/wire/cantal.ts';
import { decodeGossip, encodeGossip } from '@suite/shared/wire/gossip.ts';
import {
  createGossip,
  type GossipEffect,
  type GossipEvent,
  type GossipSelf,
  type GossipState,
  type Now,
} from './state.ts';
import { knownAddresses, nextWakeAt, step } from './step.ts';
import { isReachable, peersView } from './view.ts';

export interface DriverOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly self: GossipSelf;
  readonly seeds: readonly string[];
  readonly save: (addresses: readonly string[]) => void;
  readonly log: (message: string) => void;
}

function endpoint(address: string): Endpoint {
  const colon = address.lastIndexOf(':');
  return { address: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

export class GossipDriver {
  readonly #options: DriverOptions;
  readonly #state: GossipState;
  #socket: UdpSocket | undefined;
  #timer: Timer | undefined;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#state = createGossip(options.self, options.seeds, options.clock.monotonicMs());
  }

  /** Takes the bound socket (whose packets go to `receive`) and starts pinging. */
  start(socket: UdpSocket): void {
    this.#socket = socket;
    this.#step({ type: 'wake' });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** Anything that is not a packet of this protocol is dropped. */
  receive(data: Uint8Array, from: Endpoint): void {
    const packet = decodeGossip(data);
    if (packet === undefined || this.#socket === undefined) return;
    this.#step({ type: 'packet', packet, from: `${from.address}:${from.port}` });
  }

  /** `a.b.c.d:port`. */
  addHost(address: string): void {
    if (this.#socket !== undefined) this.#step({ type: 'add-host', address });
  }

  /** Every address of every peer, for the peer file. */
  addresses(): string[] {
    return knownAddresses(this.#state);
  }

  peers(): CantalPeer[] {
    return peersView(this.#state, this.#now());
  }

  counts(): { readonly peers: number; readonly stale: number; readonly reachable: number } {
    const { monotonicMs } = this.#now();
    let reachable = 0;
    for (const peer of this.#state.peers.values())
      if (isReachable(this.#state, peer, monotonicMs)) reachable++;
    return { peers: this.#state.peers.size, stale: this.#state.numStale, reachable };
  }

  #now(): Now {
    const { clock, random } = this.#options;
    return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs(), random: () => random.next() };
  }

  #step(event: GossipEvent): void {
    for (const effect of step(this.#state, event, this.#now())) this.#perform(effect);
    this.#timer?.cancel();
    const delayMs = Math.max(1, nextWakeAt(this.#state) - this.#options.clock.monotonicMs());
    this.#timer = this.#options.clock.after(delayMs, () => this.#step({ type: 'wake' }));
  }

  #perform(effect: GossipEffect): void {
    switch (effect.type) {
      case 'send':
        this.#socket?.send(encodeGossip(effect.packet), endpoint(effect.to));
        return;
      case 'save':
        this.#options.save(effect.addresses);
        return;
      case 'log':
        this.#options.log(effect.message);
    }
  }
}
