// One run of the demo: from nothing to a healthy cluster, hosts that go and come back, and back to nothing.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { missing, missingCalm, type Sample } from './cluster/health.ts';
import { type ClusterView, instancesOf, look, placeOf } from './cluster/view.ts';
import { sample } from './cluster/visit.ts';
import { LIMITS_MS, LOG_TAIL_LINES } from './defaults.ts';
import { type Hierarchy, ownHierarchies } from './host/cgroups.ts';
import { writeHostConfig } from './host/config.ts';
import { type Host, killHost, onEnd, startHost } from './host/host.ts';
import { makeBridge, usedNetworks } from './host/network.ts';
import { alone, dropLock, takeLock } from './host/state.ts';
import { announce, teardown } from './host/teardown.ts';
import { buildImages, type Images } from './images/build.ts';
import { hostPlaces, type Places } from './places.ts';
import { type DemoPlan, hostPlan, makePlan } from './plan.ts';
import { DemoError, Interrupted, run } from './run.ts';
import type { Screen } from './screen/screen.ts';
import { waitFor } from './wait.ts';

/** Seconds of each stage of the start. */
export interface Seconds {
  readonly images: number;
  readonly hosts: number;
  readonly healthy: number;
}

/** The proof of health: what was seen, and visits through nginx that all succeeded. */
export interface Healthy {
  readonly view: ClusterView;
  readonly visits: Sample;
}

export class Demo {
  readonly places: Places;
  readonly signal: AbortSignal;
  readonly hosts = new Map<string, Host>();
  hierarchies: readonly Hierarchy[] = [];
  private readonly screen: Screen;
  private made: DemoPlan | undefined;
  private images: Images | undefined;
  private locked = false;
  private wasHealthy = false;

  constructor(places: Places, screen: Screen, signal: AbortSignal) {
    this.places = places;
    this.screen = screen;
    this.signal = signal;
  }

  get plan(): DemoPlan {
    if (this.made === undefined) throw new Error('the demo has no plan before it is started');
    return this.made;
  }

  /** True from the first time the whole cluster was up. */
  get isHealthy(): boolean {
    return this.wasHealthy;
  }

  async bringUp(): Promise<Seconds & Healthy> {
    await this.prepare();
    const [images] = await this.timed('images', () => this.buildImages());
    const [hosts] = await this.timed('hosts', () => this.startAll());
    const [healthy, proof] = await this.timed('cluster', () => this.waitHealthy());
    this.wasHealthy = true;
    return { images, hosts, healthy, ...proof };
  }

  /** Everything the demo has made goes; what could not be removed is said. Safe at any moment. */
  async takeDown(): Promise<void> {
    if (!this.locked) return;
    this.screen.say('Taking the cluster down');
    const left = await teardown(this.places, [...this.hosts.values()]);
    this.hosts.clear();
    dropLock(this.places);
    this.locked = false;
    if (left.length > 0) throw new DemoError(left.join('\n'));
  }

  look(): Promise<ClusterView> {
    return look(this.plan, this.hosts);
  }

  addressOf(name: string): string {
    return hostPlan(this.plan, name).address;
  }

  async killHost(name: string): Promise<void> {
    const host = this.hosts.get(name);
    if (host === undefined) return;
    this.hosts.delete(name);
    await killHost(host);
  }

  /** A host that comes back knows nothing of its earlier life except its database files. */
  async startHost(name: string): Promise<void> {
    const { places, plan, images, hierarchies, signal } = this;
    if (images === undefined) throw new Error('the demo has no images before it is started');
    const host = hostPlan(plan, name);
    writeHostConfig(places, plan, host, images);
    const started = await startHost(host, { plan, places, hierarchies, signal });
    this.hosts.set(name, started);
    // A host that ends by itself, or by somebody's kill, is lost like one that was killed from here.
    onEnd(started, () => {
      if (this.hosts.get(name) === started) this.hosts.delete(name);
    });
  }

  /** The cluster of the slide: everything at its place, and nginx showing pages of all three hosts. */
  private async waitHealthy(): Promise<Healthy> {
    let visits: Sample | undefined;
    const view = await this.settle(async view => {
      const unseen = { requests: 0, failed: 0, hosts: view.hosts.map(host => host.name) };
      const lacking = missing(view, unseen);
      const nginx = placeOf(view.schedule, 'nginx');
      if (lacking.length > 0 || nginx === undefined) return lacking;
      visits = await sample(this.addressOf(nginx));
      return missing(view, visits);
    });
    if (visits === undefined) throw new Error('healthy without a visit');
    return { view, visits };
  }

  /** The same wherever the services ended up: after a host was lost they stay where they are while that is possible. */
  waitCalm(): Promise<ClusterView> {
    return this.settle(async view => missingCalm(view));
  }

  private async settle(lacks: (view: ClusterView) => Promise<string[]>): Promise<ClusterView> {
    let lacking: readonly string[] = [];
    const probe = async (): Promise<ClusterView | undefined> => {
      const view = await this.look();
      lacking = await lacks(view);
      this.screen.status([`waiting for ${lacking.join(', ')}`]);
      return lacking.length === 0 ? view : undefined;
    };
    return await waitFor(probe, {
      what: 'a healthy cluster',
      deadlineMs: LIMITS_MS.healthy,
      signal: this.signal,
      explain: () => [`missing: ${lacking.join('; ')}`, ...this.troubles()].join('\n'),
    });
  }

  /** What is wrong with instances that do not run, with the last lines they printed. */
  troubles(): string[] {
    return [...this.hosts.values()].flatMap(host => {
      const name = host.plan.name;
      const failing = instancesOf(host).filter(item => item.state !== 'running');
      if (failing.length === 0 && instancesOf(host).length > 0) return [];
      if (failing.length === 0)
        return [`${name}: no instances`, this.tail(join(hostPlaces(this.places, name).console))];
      return failing.slice(0, 3).map(item => {
        const log = join(hostPlaces(this.places, name).logs, 'stdio', `${item.name.replace('/', '.')}.log`);
        return `${name}: ${item.name} is ${item.state}: ${item.problem ?? ''}\n${this.tail(log)}`;
      });
    });
  }

  private async prepare(): Promise<void> {
    takeLock(this.places);
    this.locked = true;
    // What an earlier demo left when it was killed.
    const left = await teardown(this.places, []);
    if (left.length > 0) throw new DemoError(left.join('\n'));
    rmSync(this.places.logs, { recursive: true, force: true });
    mkdirSync(this.places.logs, { recursive: true });
    const missingTools = await absentTools();
    if (missingTools.length > 0) throw new DemoError(`these programs are needed: ${missingTools.join(', ')}`);
    this.hierarchies = ownHierarchies();
    if (this.hierarchies.length === 0)
      throw new DemoError('no cgroups: nothing is mounted at /sys/fs/cgroup');
    this.made = await alone(() => this.takeNetwork(), this.signal);
    this.screen.showPlan(this.made);
  }

  /** A free network, and the bridge that makes it used: two checkouts must not choose the same one. */
  private async takeNetwork(): Promise<DemoPlan> {
    const plan = makePlan(this.places.root, await usedNetworks());
    if (plan === undefined)
      throw new DemoError('no free network: 10.97.0.0/24 to 10.127.0.0/24 are all in use');
    announce(this.places, plan, this.hierarchies);
    await makeBridge(plan);
    return plan;
  }

  private async buildImages(): Promise<void> {
    this.images = await buildImages(this.places, {
      signal: this.signal,
      onLine: (image, line) => this.screen.status([`${image}: ${line}`]),
    });
  }

  private async startAll(): Promise<void> {
    if (this.signal.aborted) throw new Interrupted('stopped');
    for (const host of this.plan.hosts) await this.startHost(host.name);
  }

  /** Seconds, to a tenth, and what the work gave. */
  private async timed<T>(stage: string, work: () => Promise<T>): Promise<[number, T]> {
    const startedMs = performance.now();
    this.screen.stage(stage);
    const value = await work();
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    this.screen.done(stage, seconds);
    return [seconds, value];
  }

  private tail(file: string): string {
    if (!existsSync(file)) return '';
    const lines = readFileSync(file, 'utf8').trim().split('\n').slice(-LOG_TAIL_LINES);
    return lines.map(line => `    ${line}`).join('\n');
  }
}

const TOOLS = ['ip', 'nft', 'unshare', 'nsenter', 'setpriv', 'conmon', 'catatonit', 'mmdebstrap'];

async function absentTools(): Promise<string[]> {
  const script = 'for tool do command -v "$tool" >/dev/null || echo "$tool"; done';
  const { output } = await run(['sh', '-c', script, 'sh', ...TOOLS]);
  return output.split('\n').filter(Boolean);
}
