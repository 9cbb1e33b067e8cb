import {
  chooseFaults,
  forEachSeed,
  heal,
  partition,
  SimWorld,
  simSeeds,
  startFaults,
} from '@suite/shared/sim/index.ts';
import t from 'tap';
import { GossipDriver } from '../../src/core/gossip/driver.ts';
import { createGossip } from '../../src/core/gossip/state.ts';
import { step } from '../../src/core/gossip/step.ts';
import { peersView } from '../../src/core/gossip/view.ts';

const FILE = 'cantal/test/sim/gossip.test.ts';
const SOAK = process.env.SUITE_SOAK === '1';
const SEEDS = SOAK ? 5000 : 60;
/** A minute of disasters costs ten times a plain run. */
const DISASTER_SEEDS = SOAK ? 2000 : 40;
const PORT = 22_682;
/** What verwalter relies on: a dead peer is known as dead after 2.5 s plus one round, clocks being up to 5 % off. */
const VERDICT_MS = 3600;
const DAY_MS = 86_400_000;

interface Cluster {
  readonly world: SimWorld;
  readonly drivers: Map<string, GossipDriver>;
  readonly said: string[];
}

const addressOf = (index: number): string => `10.0.${Math.floor(index / 200)}.${(index % 200) + 1}`;

/** Nodes n0, n1 …; everyone is told of n0 only. */
function cluster(seed: number, size: number): Cluster {
  const world = new SimWorld(seed);
  const built: Cluster = { world, drivers: new Map(), said: [] };
  for (let index = 0; index < size; index++) addNode(built, index, [`${addressOf(0)}:${PORT}`]);
  return built;
}

function addNode({ world, drivers, said }: Cluster, index: number, seeds: readonly string[]): void {
  world.addNode(`n${index}`, addressOf(index), node => {
    const driver = new GossipDriver({
      clock: node.clock,
      random: node.random,
      self: {
        cluster: 'demo',
        id: (index + 1).toString(16).padStart(4, '0'),
        addresses: [`${node.address}:${PORT}`],
        host: node.name,
        name: node.name,
      },
      seeds,
      save: () => undefined,
      log: message => said.push(message),
    });
    drivers.set(node.name, driver);
    driver.start(node.bindUdp(node.address, PORT, (data, from) => driver.receive(data, from)));
  });
}

/** Names that `name` can reach, sorted. */
function reachable({ drivers }: Cluster, name: string): string[] {
  const peers = drivers.get(name)?.peers() ?? [];
  return peers
    .filter(peer => peer.reachable)
    .map(peer => peer.name)
    .sort();
}

/** undefined when every running node reaches exactly the `expected` ones (itself left out). */
function disagreement(built: Cluster, expected: readonly string[]): string | undefined {
  for (const name of expected) {
    const seen = reachable(built, name).join();
    const wanted = expected
      .filter(other => other !== name)
      .sort()
      .join();
    if (seen !== wanted) return `${name} reaches ${seen || 'nobody'} instead of ${wanted}`;
  }
  return undefined;
}

function demand(built: Cluster, expected: readonly string[], what: string): void {
  const problem = disagreement(built, expected);
  if (problem !== undefined) throw new Error(`${what}: ${problem}`);
}

/** Runs until everybody agrees; the time it took. */
function settle(built: Cluster, expected: readonly string[], limitMs: number, what: string): number {
  const { world } = built;
  const startMs = world.nowMs;
  while (disagreement(built, expected) !== undefined) {
    if (world.nowMs - startMs > limitMs) demand(built, expected, what);
    world.run(world.nowMs + 100);
  }
  return world.nowMs - startMs;
}

const names = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `n${from + index}`);

t.test('join, death, return, partition and healing with 5 % loss', async t => {
  let slowestJoinMs = 0;
  forEachSeed(FILE, simSeeds(SEEDS), seed => {
    const size = 3 + (seed % 10);
    const built = cluster(seed, size);
    const { world } = built;
    world.faults = { ...world.faults, loss: 0.05, duplication: 0.05, delayMeanMs: 5 };
    const all = names(0, size);
    slowestJoinMs = Math.max(slowestJoinMs, settle(built, all, 10_000, 'join'));
    world.run(world.nowMs + 2000);

    world.node('n1').crash();
    const dead = all.filter(name => name !== 'n1');
    settle(built, dead, VERDICT_MS + 1000, 'death');
    for (const name of dead) {
      const peer = built.drivers
        .get(name)
        ?.peers()
        .find(one => one.name === 'n1');
      const sinceMs = (peer?.unreachable_since ?? 0) - (peer?.last_report_direct ?? -1);
      if (sinceMs !== 0) throw new Error(`${name}: unreachable_since is not the last sign of life`);
    }
    world.node('n1').restart();
    settle(built, all, 5000, 'return');

    partition(world, 'isolate-one');
    world.run(world.nowMs + VERDICT_MS);
    const alone = all.find(name => reachable(built, name).length === 0);
    const rest = all.filter(name => name !== alone);
    settle(built, rest, 2000, 'partition');
    heal(world);
    settle(built, all, 3000, 'healing');
  });
  t.ok(slowestJoinMs > 0 && slowestJoinMs < 10_000);
  t.comment(`slowest join ${slowestJoinMs} ms`);
});

t.test('after any disaster everybody finds everybody again', async t => {
  let worstMs = 0;
  forEachSeed(FILE, simSeeds(DISASTER_SEEDS), seed => {
    const size = 3 + (seed % 6);
    const built = cluster(seed, size);
    startFaults(built.world, chooseFaults(built.world.random), 60_000);
    built.world.run(60_000);
    worstMs = Math.max(worstMs, settle(built, names(0, size), 30_000, 'recovery'));
  });
  t.ok(worstMs < 30_000);
  t.comment(`slowest recovery ${worstMs} ms`);
});

t.test('loss alone makes nobody look dead', async t => {
  const built = cluster(7, 10);
  const { world } = built;
  settle(built, names(0, 10), 5000, 'join');
  world.faults = { ...world.faults, loss: 0.05 };
  let verdicts = 0;
  let wrong = 0;
  for (let round = 0; round < 600; round++) {
    world.run(world.nowMs + 500);
    for (const driver of built.drivers.values()) {
      for (const peer of driver.peers()) {
        verdicts++;
        if (!peer.reachable) wrong++;
        if (world.nowMs % 5000 < 500 && peer.last_report_direct === null) wrong++;
      }
    }
  }
  t.equal(verdicts, 600 * 90);
  t.ok(wrong / verdicts < 1e-3, `${wrong} of ${verdicts}`);
});

t.test('a live peer was heard within about 2 s, whatever the wall clocks say', async t => {
  const built = cluster(3, 3);
  const { world } = built;
  world.node('n1').jumpWallClock(3_600_000);
  settle(built, names(0, 3), 5000, 'join');
  world.node('n2').jumpWallClock(-7_200_000);
  world.run(world.nowMs + 5000);
  demand(built, names(0, 3), 'clocks');
  for (const [name, driver] of built.drivers) {
    const nowMs = world.node(name).clock.wallMs();
    for (const peer of driver.peers())
      t.ok(nowMs - (peer.last_report_direct ?? 0) <= 2000, `${name} heard ${peer.name}`);
  }
});

t.test('a node that stood still accuses nobody', async t => {
  const built = cluster(5, 4);
  const { world } = built;
  settle(built, names(0, 4), 5000, 'join');
  world.run(world.nowMs + 3000);
  world.node('n2').pause(20_000);
  world.run(world.nowMs + 10_000);
  t.same(reachable(built, 'n0'), ['n1', 'n3'], 'the others noticed');
  t.same(reachable(built, 'n2'), ['n0', 'n1', 'n3'], 'its own view right after waking up');
  world.run(world.nowMs + 10_000);
  settle(built, names(0, 4), 3000, 'wake up');
  world.node('n0').crash();
  settle(built, names(1, 4), VERDICT_MS + 500, 'a real death is still seen');
});

t.test('a seed is tried for ever, an added host six times', async t => {
  const built = cluster(11, 1);
  const { world } = built;
  addNode(built, 1, [`${addressOf(2)}:${PORT}`]);
  built.drivers.get('n0')?.addHost(`${addressOf(3)}:${PORT}`);
  world.run(600_000);
  t.match(built.said, [/no answer from 10\.0\.0\.4:22682 after 5 retries/]);
  addNode(built, 2, []);
  addNode(built, 3, []);
  world.run(610_000);
  t.same(reachable(built, 'n1'), ['n2'], 'the seed came up after ten minutes');
  t.same(reachable(built, 'n0'), []);
  built.drivers.get('n0')?.addHost(`${addressOf(3)}:${PORT}`);
  built.drivers.get('n3')?.addHost(`${addressOf(1)}:${PORT}`);
  settle(built, names(0, 4), 5000, 'two introductions join everybody');
});

t.test('other clusters and our own id are ignored', async t => {
  const built = cluster(13, 2);
  const { world } = built;
  const stranger = world.addNode('stranger', '10.9.9.9');
  const driver = new GossipDriver({
    clock: stranger.clock,
    random: stranger.random,
    self: { cluster: 'other', id: 'ff', addresses: ['10.9.9.9:22682'], host: 'x', name: 'x' },
    seeds: [`${addressOf(0)}:${PORT}`],
    save: () => undefined,
    log: () => undefined,
  });
  driver.start(stranger.bindUdp('10.9.9.9', PORT, (data, from) => driver.receive(data, from)));
  const twin = world.addNode('twin', '10.9.9.8');
  const twinDriver = new GossipDriver({
    clock: twin.clock,
    random: twin.random,
    self: { cluster: 'demo', id: '0001', addresses: ['10.9.9.8:22682'], host: 'x', name: 'x' },
    seeds: [`${addressOf(0)}:${PORT}`],
    save: () => undefined,
    log: () => undefined,
  });
  twinDriver.start(twin.bindUdp('10.9.9.8', PORT, (data, from) => twinDriver.receive(data, from)));
  world.run(5000);
  t.same(reachable(built, 'n0'), ['n1']);
  t.same(driver.peers(), []);
});

t.test('what a friend reports has its age, whatever the clock of the friend says', async t => {
  for (const skewMs of [-3_600_000, 0, 3_600_000]) {
    const wallMs = 1_700_000_000_000;
    const now = { monotonicMs: 500_000, wallMs, random: () => 0.5 };
    const self = { cluster: 'demo', id: '00', addresses: [], host: 'a', name: 'a' };
    const state = createGossip(self, [], 0);
    const theirs = wallMs + skewMs;
    const report = { peers: 2, hasRemote: false };
    const friend = { id: '02', myPrimaryAddr: null, addresses: [], host: 'c', name: 'c', roundtrip: null };
    const packet = {
      kind: 'Ping' as const,
      cluster: 'demo',
      me: { id: '01', addresses: [], host: 'b', name: 'b', report },
      friends: [{ ...friend, report: [theirs - 40_000, report] as const }],
      now: theirs,
    };
    step(state, { type: 'packet', packet, from: '10.0.0.2:22682' }, now);
    const seen = peersView(state, now).find(peer => peer.id === '02');
    t.equal(seen?.last_report, wallMs - 40_000, `a clock ${skewMs / 3_600_000} h off`);
    t.equal(seen?.reachable, false, 'hearsay makes nobody reachable');
  }
});

t.test('a hundred nodes know each other within 15 rounds', async t => {
  const built = cluster(17, 100);
  const all = names(0, 100);
  const tookMs = settle(built, all, 60_000, 'join');
  t.comment(`join of 100 nodes: ${tookMs} ms`);
  const known = [...built.drivers.values()].map(driver => driver.counts().peers);
  t.ok(known.every(count => count === 99));
  t.ok(tookMs <= 60_000);
});

t.test('a peer silent for two days is forgotten, and counted as stale before', async t => {
  const built = cluster(19, 2);
  const { world } = built;
  settle(built, names(0, 2), 3000, 'join');
  world.node('n1').crash();
  world.run(world.nowMs + 700_000);
  t.match(built.drivers.get('n0')?.counts(), { peers: 1, stale: 1, reachable: 0 });
  world.run(world.nowMs + 2 * DAY_MS);
  t.match(built.drivers.get('n0')?.counts(), { peers: 0, stale: 0 });
});
