import type { Clock } from '../ports/clock.ts';
import type { Endpoint, Net, UdpSocket } from '../ports/net.ts';
import type { Random } from '../ports/random.ts';
import { SimDisk } from './disk.ts';
import { seededRandom } from './random.ts';
import type { SimWorld } from './world.ts';

/** Linux's first ephemeral port. */
const FIRST_FREE_PORT = 32768;

interface SimSocket extends UdpSocket {
  readonly onPacket: (data: Uint8Array, from: Endpoint) => void;
}

/**
 * One machine with one process on it. `crash` ends the process: its timers and sockets are gone, the disk keeps what
 * was flushed; `restart` runs the boot function again. A paused process does nothing, then catches up.
 */
export class SimNode {
  readonly name: string;
  readonly index: number;
  readonly address: string;
  readonly clock: Clock;
  readonly net: Net;
  readonly random: Random;
  readonly disk: SimDisk;
  /** How often the process was started. */
  incarnation = 1;
  isUp = true;
  pausedUntilMs = 0;
  /** Local milliseconds per true millisecond. */
  clockRate = 1;
  wallOffsetMs = 0;
  readonly sockets = new Map<number, SimSocket>();
  /** By index of the other node: what we send there is lost. */
  readonly blockedTo: boolean[] = [];
  /** By index of the other node: what we send there before this time arrives after it. */
  readonly cloggedToUntilMs: number[] = [];
  readonly #world: SimWorld;
  readonly #boot: ((node: SimNode) => void) | undefined;

  constructor(world: SimWorld, name: string, index: number, address: string, boot?: (node: SimNode) => void) {
    this.#world = world;
    this.#boot = boot;
    this.name = name;
    this.index = index;
    this.address = address;
    // Streams of their own: one more number drawn by one node must not change the luck of all others.
    this.random = seededRandom(world.seed * 1024 + index + 1);
    this.disk = new SimDisk();
    this.clock = this.#makeClock();
    this.net = {
      udp: async (bindAddress, port, onPacket) => this.bindUdp(bindAddress, port, onPacket),
    };
  }

  /** `net.udp` without the promise, for code that runs inside `SimWorld.run`. */
  bindUdp(address: string, port: number, onPacket: (data: Uint8Array, from: Endpoint) => void): UdpSocket {
    if (address !== this.address && address !== '0.0.0.0')
      throw new Error(`bind EADDRNOTAVAIL ${address}:${port}`);
    const own = port === 0 ? this.#freePort() : port;
    if (this.sockets.has(own)) throw new Error(`bind EADDRINUSE ${address}:${own}`);
    const from = { address: this.address, port: own };
    const socket: SimSocket = {
      port: own,
      onPacket,
      send: (data, to) => {
        if (this.sockets.get(own) === socket) this.#world.sendPacket(this, from, data, to);
      },
      close: () => {
        if (this.sockets.get(own) === socket) this.sockets.delete(own);
      },
    };
    this.sockets.set(own, socket);
    return socket;
  }

  boot(): void {
    this.#boot?.(this);
  }

  crash(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.incarnation++;
    this.sockets.clear();
    this.disk.loseUnflushed();
    this.#world.note(`${this.name} crashes`);
  }

  restart(): void {
    if (this.isUp) return;
    this.isUp = true;
    this.pausedUntilMs = 0;
    this.#world.note(`${this.name} starts`);
    this.boot();
  }

  pause(durationMs: number): void {
    this.pausedUntilMs = this.#world.nowMs + durationMs;
    this.#world.note(`${this.name} pauses for ${Math.round(durationMs)} ms`);
  }

  jumpWallClock(byMs: number): void {
    this.wallOffsetMs += byMs;
    this.#world.note(`the wall clock of ${this.name} jumps by ${Math.round(byMs)} ms`);
  }

  #freePort(): number {
    let port = FIRST_FREE_PORT;
    while (this.sockets.has(port)) port++;
    return port;
  }

  #makeClock(): Clock {
    const world = this.#world;
    return {
      wallMs: () => Math.floor(world.epochMs + world.nowMs * this.clockRate + this.wallOffsetMs),
      monotonicMs: () => world.nowMs * this.clockRate,
      after: (delayMs, run) => world.schedule(Math.max(delayMs, 0) / this.clockRate, this, run),
    };
  }
}
