// The running daemon: scan loop, gossip, HTTP.
import { createServer, type Server } from 'node:http';
import { hostname } from 'node:os';
import type { Logger } from '@suite/shared/cli/log.ts';
import type { Clock, Disk, Net, Random } from '@suite/shared/ports/index.ts';
import { announcedAddresses, findMachineId } from '../adapters/identity.ts';
import { loadPeers, savePeers } from '../adapters/peer-file.ts';
import { createScanner, type Scanner } from '../adapters/scanner.ts';
import { HTTP } from '../config/defaults.ts';
import type { CantalOptions } from '../config/options.ts';
import { GossipDriver } from '../core/gossip/driver.ts';
import type { GossipSelf } from '../core/gossip/state.ts';
import { Assets } from './assets.ts';
import { Push } from './push.ts';
import { createListener } from './routes.ts';
import { ScanLoop } from './scan-loop.ts';
import { SelfMeter } from './self-report.ts';

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly net: Net;
  readonly disk: Disk;
  readonly log: Logger;
  /** Directory of the web UI. */
  readonly publicDirectory: string;
  /** Called when the scan loop ends, which only a bug can cause. */
  readonly onScanFailure: (error: unknown) => void;
}

export class Agent {
  readonly options: CantalOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly startedMs: number;
  readonly scanner: Scanner;
  readonly loop: ScanLoop;
  readonly meter: SelfMeter;
  readonly assets: Assets;
  readonly identity: { readonly id: string; readonly host: string; readonly name: string };
  readonly gossip: GossipDriver | undefined;
  /** Last write of peers.json. */
  storage = { time: 0, timestamp: 0, duration: 0, size: 0 };
  readonly #world: World;
  readonly #push: Push;
  #servers: Server[] = [];

  constructor(options: CantalOptions, world: World, id: string) {
    this.options = options;
    this.#world = world;
    this.clock = world.clock;
    this.log = world.log;
    this.startedMs = Math.round(world.clock.wallMs());
    this.identity = { id, host: hostname(), name: options.nodeName ?? hostname() };
    const log = (message: string): void => world.log.warn(message);
    this.scanner = createScanner({
      keepMs: options.keepHistoryMs,
      log,
      ...(options.cgroupBase !== undefined && { cgroupBase: options.cgroupBase }),
    });
    this.meter = new SelfMeter(this.startedMs);
    this.assets = new Assets(world.publicDirectory);
    this.gossip = options.clusterName === undefined ? undefined : this.#createGossip(options.clusterName);
    this.#push = new Push(this);
    this.loop = new ScanLoop({
      clock: world.clock,
      scanner: this.scanner,
      intervalMs: options.intervalMs,
      onScan: () => this.#scanned(),
      onFailure: world.onScanFailure,
      log,
    });
  }

  #createGossip(cluster: string): GossipDriver {
    const { clock, random, log } = this.#world;
    const { host, port, seeds } = this.options;
    const self: GossipSelf = { cluster, ...this.identity, addresses: announcedAddresses(host, port) };
    const save = (addresses: readonly string[]): void => void this.#savePeers(addresses);
    return new GossipDriver({ clock, random, self, seeds, save, log: message => log.warn(message) });
  }

  async #savePeers(addresses: readonly string[]): Promise<void> {
    const { storageDir } = this.options;
    if (storageDir === undefined) return;
    const started = this.clock.monotonicMs();
    const timestamp = Math.round(this.clock.wallMs());
    try {
      const size = await savePeers(this.#world.disk, storageDir, addresses);
      const duration = Math.round(this.clock.monotonicMs() - started);
      this.storage = { time: Math.round(this.clock.wallMs()), timestamp, duration, size };
    } catch (error) {
      this.log.warn('peers.json cannot be written', { error });
    }
  }

  #scanned(): void {
    this.meter.sample(this.clock.wallMs(), this.clock.monotonicMs());
    this.#push.scanned();
  }

  /** Binds HTTP and gossip; rejects when an address cannot be had. */
  async start(): Promise<void> {
    const { host, port, bindLocalhost } = this.options;
    await this.#listen(host);
    if (bindLocalhost && host !== '0.0.0.0' && host !== '127.0.0.1') await this.#listen('127.0.0.1');
    const { gossip } = this;
    if (gossip !== undefined) {
      gossip.start(await this.#world.net.udp(host, port, (data, from) => gossip.receive(data, from)));
      for (const address of await this.#knownPeers()) gossip.addHost(address);
    }
    this.loop.start();
    this.log.info('started', { host, port, id: this.identity.id, name: this.identity.name });
  }

  async #knownPeers(): Promise<string[]> {
    const { storageDir } = this.options;
    if (storageDir === undefined) return [];
    try {
      return await loadPeers(this.#world.disk, storageDir);
    } catch (error) {
      this.log.warn('peers.json cannot be read', { error });
      return [];
    }
  }

  async #listen(host: string): Promise<void> {
    const server = createServer({
      // verwalter's first client sent no header at all, and Node would answer that with 400.
      requireHostHeader: false,
      requestTimeout: HTTP.requestMs,
      headersTimeout: HTTP.headersMs,
      keepAliveTimeout: HTTP.keepAliveMs,
    });
    server.maxConnections = HTTP.maxConnections;
    server.timeout = HTTP.stalledMs;
    server.on('request', createListener(this));
    server.on('upgrade', (request, socket, head) => {
      this.#push.upgrade(request, socket, head).catch(() => socket.destroy());
    });
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.options.port, host, resolve);
    });
    server.on('error', error => this.log.warn('HTTP listener', { error }));
  }

  async stop(): Promise<void> {
    this.loop.stop();
    this.gossip?.stop();
    this.#push.close();
    if (this.gossip !== undefined) await this.#savePeers(this.gossip.addresses());
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    }
    this.#servers = [];
    this.scanner.close();
  }
}

export async function createAgent(options: CantalOptions, world: World): Promise<Agent> {
  const id = options.machineId ?? (await findMachineId(world.disk, world.random, options.storageDir));
  return new Agent(options, world, id);
}
