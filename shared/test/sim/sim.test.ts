import t from 'tap';
import type { UdpSocket } from '../../src/ports/net.ts';
import {
  CALM_NET,
  chooseFaults,
  exponential,
  forEachSeed,
  heal,
  partition,
  reproLine,
  type SimNode,
  SimWorld,
  seededRandom,
  shuffled,
  simSeeds,
  startFaults,
} from '../../src/sim/index.ts';

const PORT = 9000;
const turn = () => new Promise<void>(resolve => setImmediate(resolve));

/** Every node sends one byte to all others each 500 ms and counts what it hears. */
function gossipWorld(seed: number, size: number, heard: Map<string, number> = new Map()): SimWorld {
  const world = new SimWorld(seed);
  const addresses = Array.from({ length: size }, (_, index) => `10.0.0.${index + 1}`);
  const boot = (node: SimNode) => {
    const socket = node.bindUdp(node.address, PORT, (_, from) => {
      const key = `${from.address}>${node.address}`;
      heard.set(key, (heard.get(key) ?? 0) + 1);
    });
    const tick = () => {
      for (const address of addresses)
        if (address !== node.address) socket.send(new Uint8Array([1]), { address, port: PORT });
      node.clock.after(500, tick);
    };
    node.clock.after(0, tick);
  };
  for (const [index, address] of addresses.entries()) world.addNode(`n${index}`, address, boot);
  return world;
}

t.test('seeded numbers', async t => {
  const draw = (seed: number) => Array.from({ length: 5 }, () => seededRandom(seed).next());
  const random = seededRandom(7);
  t.same(draw(7), draw(7), 'same seed, same numbers');
  t.not(seededRandom(7).next(), seededRandom(8).next());
  t.not(seededRandom(7).next(), seededRandom(7 + 2 ** 32).next(), 'seeds above 32 bits count');
  const many = Array.from({ length: 20_000 }, () => random.between(0, 10));
  for (let digit = 0; digit < 10; digit++) {
    const share = many.filter(value => value === digit).length / many.length;
    t.ok(share > 0.09 && share < 0.11, `digit ${digit} comes ${share}`);
  }
  const mean = Array.from({ length: 20_000 }, () => exponential(random, 5)).reduce((a, b) => a + b) / 20_000;
  t.ok(mean > 4.8 && mean < 5.2, `mean ${mean}`);
  t.same(shuffled(random, [1, 2, 3, 4]).sort(), [1, 2, 3, 4]);
  t.equal(random.bytes(9).length, 9);
});

t.test('timers happen in order of time, then of creation', async t => {
  const world = new SimWorld(1);
  const { clock } = world.addNode('a', '10.0.0.1');
  const order: string[] = [];
  clock.after(20, () => order.push('20'));
  clock.after(10, () => order.push('10 first'));
  clock.after(10, () => order.push('10 second'));
  clock.after(-5, () => order.push('0'));
  t.same(order, [], 'never at once');
  world.run(15);
  t.same(order, ['0', '10 first', '10 second']);
  t.equal(world.nowMs, 15);
  world.run(20);
  t.equal(order.length, 4);
});

t.test('cancelling takes exactly that timer away, whatever the order', async t => {
  const random = seededRandom(3);
  for (let round = 0; round < 200; round++) {
    const world = new SimWorld(round);
    const { clock } = world.addNode('a', '10.0.0.1');
    const ran: number[] = [];
    const timers = Array.from({ length: 50 }, (_, id) => ({ at: random.between(0, 30), id })).map(
      ({ at, id }) => ({
        at,
        id,
        timer: clock.after(at, () => ran.push(id)),
      }),
    );
    const cancelled = new Set(shuffled(random, timers).slice(0, 25));
    for (const { timer } of cancelled) {
      timer.cancel();
      timer.cancel();
    }
    world.run(100);
    const expected = timers.filter(timer => !cancelled.has(timer)).sort((a, b) => a.at - b.at || a.id - b.id);
    if (JSON.stringify(ran) !== JSON.stringify(expected.map(({ id }) => id)))
      t.fail(`round ${round}: ${ran}`);
  }
  t.pass('200 rounds of 50 timers, half of them cancelled');
});

t.test('clocks drift, jump and stand apart', async t => {
  const world = new SimWorld(1);
  const fast = world.addNode('fast', '10.0.0.1');
  const slow = world.addNode('slow', '10.0.0.2');
  fast.clockRate = 1.05;
  slow.clockRate = 0.95;
  let firedAtMs = 0;
  slow.clock.after(950, () => {
    firedAtMs = world.nowMs;
  });
  world.run(1000);
  t.equal(firedAtMs, 1000, 'the timer of a slow clock is late');
  t.equal(fast.clock.monotonicMs(), 1050);
  const wallBefore = fast.clock.wallMs();
  fast.jumpWallClock(-3_600_000);
  t.equal(fast.clock.wallMs(), wallBefore - 3_600_000);
  t.equal(fast.clock.monotonicMs(), 1050, 'monotonic time does not jump');
});

t.test('a calm network delivers everything once; the same seed gives the same run', async t => {
  const heard = new Map<string, number>();
  const world = gossipWorld(5, 4, heard);
  world.run(10_400);
  t.equal(heard.size, 12);
  for (const [link, count] of heard) t.equal(count, 21, link);
  const events = [11, 11, 12].map(seed => {
    const run = gossipWorld(seed, 4);
    startFaults(run, chooseFaults(run.random), 60_000);
    run.run(60_000);
    return `${run.eventCount} ${run.random.next()}`;
  });
  t.equal(events[0], events[1]);
  t.not(events[0], events[2]);
});

t.test('loss, duplication and delay', async t => {
  const counted = (faults: Partial<typeof CALM_NET>) => {
    const world = new SimWorld(9);
    const order: number[] = [];
    const a = world.addNode('a', '10.0.0.1');
    world.addNode('b', '10.0.0.2', node => {
      node.bindUdp('0.0.0.0', PORT, data => order.push(data[0] as number));
    });
    world.faults = { ...CALM_NET, ...faults };
    const socket = a.bindUdp(a.address, 0, () => {});
    const buffer = new Uint8Array(1);
    for (let index = 0; index < 200; index++) {
      buffer[0] = index;
      socket.send(buffer, { address: '10.0.0.2', port: PORT });
    }
    world.run(10_000);
    return order;
  };
  const lossy = counted({ loss: 0.3 }).length;
  t.ok(lossy > 110 && lossy < 170, `${lossy} of 200 arrive`);
  const doubled = counted({ duplication: 0.5 }).length;
  t.ok(doubled > 270 && doubled < 330, `${doubled} for 200 arrive`);
  const reordered = counted({ delayMeanMs: 100 });
  t.equal(new Set(reordered).size, 200, 'every packet is a copy of the buffer at the time of sending');
  t.notSame(
    reordered,
    [...reordered].sort((x, y) => x - y),
    'packets overtake each other',
  );
});

t.test('partitions', async t => {
  const links = (kind: Parameters<typeof partition>[1]) => {
    const heard = new Map<string, number>();
    const world = gossipWorld(4, 5, heard);
    partition(world, kind);
    world.run(10_000);
    const during = new Set(heard.keys());
    heal(world);
    world.run(20_000);
    t.equal(heard.size, 20, `${kind}: healing reconnects all`);
    return during;
  };
  const flip = (link: string) => link.split('>').reverse().join('>');
  const isolated = links('isolate-one');
  t.equal(isolated.size, 12, 'four of five talk');
  const symmetric = links('symmetric');
  t.ok(symmetric.size < 20);
  t.ok(
    [...symmetric].every(link => symmetric.has(flip(link))),
    'symmetric both ways',
  );
  const asymmetric = links('asymmetric');
  t.ok(
    [...asymmetric].some(link => !asymmetric.has(flip(link))),
    'some hear who do not hear them',
  );
  t.equal(links('ring').size, 10, 'two neighbours each');
});

t.test(
  'a crash ends timers and sockets, loses what was not flushed, and the next process starts anew',
  async t => {
    const world = new SimWorld(2);
    const boots: number[] = [];
    let ticks = 0;
    const a = world.addNode('a', '10.0.0.1', node => {
      boots.push(world.nowMs);
      node.bindUdp(node.address, PORT, () => {});
      const tick = () => {
        ticks++;
        node.clock.after(100, tick);
      };
      node.clock.after(100, tick);
    });
    await a.disk.writeAtomic('/s/flushed', 'x', { fsync: true });
    await a.disk.writeAtomic('/s/lost', 'y');
    world.run(1000);
    t.equal(ticks, 10);
    a.crash();
    world.run(2000);
    t.equal(ticks, 10, 'no timer of a dead process runs');
    a.restart();
    world.run(3000);
    t.same(boots, [0, 2000]);
    t.equal(ticks, 20, 'one loop, not two');
    t.same(await a.disk.list('/s'), ['flushed']);
    t.equal(await a.disk.readText('/s/lost', 10), undefined);
    await t.rejects(a.disk.readText('/s/flushed', 0), { code: 'FILE_TOO_LARGE' });
    a.disk.isFull = true;
    await t.rejects(a.disk.writeAtomic('/s/more', ''), { code: 'ENOSPC' });
  },
);

t.test('a paused node does nothing, then catches up in order', async t => {
  const world = new SimWorld(2);
  const seen: string[] = [];
  const a = world.addNode('a', '10.0.0.1', node => {
    node.bindUdp(node.address, PORT, () => seen.push(`packet ${world.nowMs}`));
    node.clock.after(100, () => seen.push(`timer ${world.nowMs}`));
  });
  a.pause(1000);
  const b = world.addNode('b', '10.0.0.2');
  b.bindUdp(b.address, 1, () => {}).send(new Uint8Array(1), { address: a.address, port: PORT });
  world.run(999);
  t.same(seen, []);
  world.run(1000);
  t.same(seen, ['timer 1000', 'packet 1000']);
});

t.test('sockets follow the rules of real ones', async t => {
  const world = new SimWorld(2);
  const a = world.addNode('a', '10.0.0.1');
  let got = 0;
  const socket: UdpSocket = await a.net.udp(a.address, PORT, () => got++);
  t.throws(() => a.bindUdp(a.address, PORT, () => {}), /EADDRINUSE/);
  t.throws(() => a.bindUdp('10.0.0.9', 1, () => {}), /EADDRNOTAVAIL/);
  t.throws(() => world.addNode('b', '10.0.0.1'), /taken/);
  socket.send(new Uint8Array(1), { address: a.address, port: PORT });
  socket.send(new Uint8Array(1), { address: '10.9.9.9', port: PORT });
  await world.runAsync(10, turn);
  t.equal(got, 1, 'a node hears itself');
  socket.close();
  socket.send(new Uint8Array(1), { address: a.address, port: PORT });
  world.run(20);
  t.equal(got, 1, 'a closed socket is silent');
});

t.test('code that awaits its ports runs under runAsync', async t => {
  const world = new SimWorld(2);
  const a = world.addNode('a', '10.0.0.1');
  const steps: string[] = [];
  a.clock.after(10, async () => {
    await a.disk.writeAtomic('/x', '1');
    steps.push((await a.disk.readText('/x', 10)) ?? '');
    a.clock.after(10, () => steps.push(`at ${world.nowMs}`));
  });
  await world.runAsync(100, turn);
  t.same(steps, ['1', 'at 20']);
});

t.test('a broken invariant names seed, time and what happened before', async t => {
  const world = gossipWorld(77, 3);
  world.checkInvariant('young', () => (world.nowMs > 1000 ? 'too old' : undefined));
  world.node('n1').pause(5);
  t.throws(() => world.run(2000), /young: too old \(seed 77 at 1\.0/);
  const rare = gossipWorld(77, 3);
  let checks = 0;
  rare.checkInvariant('counted', () => void checks++, 100);
  rare.run(1000);
  t.ok(checks <= 11 && checks > 1, `${checks} checks`);
  try {
    forEachSeed('/x/verwalter/dist/test/sim/election.test.cjs', [78], seed => {
      const bad = gossipWorld(seed, 2);
      bad.node('n1').pause(5);
      bad.checkInvariant('never', () => 'broken');
      bad.run(10);
    });
    t.fail('did not throw');
  } catch (error) {
    const { message } = error as Error;
    t.match(message, 'never: broken (seed 78 at 0.0');
    t.match(message, 'n1 pauses for 5 ms');
    t.match(message, 'repeat with: npm run sim -- verwalter/test/sim/election --seed 78');
  }
});

t.test('seeds come from the environment', async t => {
  const set = (first?: string, count?: string) => {
    for (const [name, value] of [
      ['SIM_SEED', first],
      ['SIM_SEEDS', count],
    ] as const) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    return simSeeds(3);
  };
  const { SIM_SEED, SIM_SEEDS } = process.env;
  t.teardown(() => set(SIM_SEED, SIM_SEEDS));
  t.same(set(), [1, 2, 3]);
  t.same(set('41'), [41]);
  t.same(set('41', '2'), [41, 42]);
  t.same(set(undefined, '2'), [1, 2]);
  t.throws(() => set('x'), /SIM_SEED=x/);
  t.equal(reproLine('sim.test.ts', 4), 'npm run sim -- sim --seed 4');
});

t.test('after all faults every link works again', async t => {
  const here = 'shared/test/sim/sim.test.ts';
  forEachSeed(here, simSeeds(100), seed => {
    const heard = new Map<string, number>();
    const world = gossipWorld(seed, 5, heard);
    startFaults(world, chooseFaults(world.random), 120_000);
    world.run(120_000);
    heard.clear();
    world.run(125_000);
    if (heard.size !== 20) throw new Error(`${heard.size} of 20 links`);
    for (const count of heard.values()) if (count < 8) throw new Error(`${count} packets`);
  });
  t.pass('100 seeds');
});

t.test('speed', async t => {
  const world = gossipWorld(1, 5);
  const plan = chooseFaults(seededRandom(1));
  startFaults(
    world,
    { ...plan, net: { ...CALM_NET, loss: 0.1, duplication: 0.1, delayMeanMs: 50 } },
    3_600_000,
  );
  // Of one core: on a busy machine the wall clock says nothing about us.
  const begun = process.cpuUsage();
  world.run(3_600_000);
  const { user, system } = process.cpuUsage(begun);
  const perSecond = (world.eventCount / (user + system)) * 1e6;
  t.comment(`${Math.round(perSecond)} events/s, ${world.eventCount} events`);
  t.ok(
    perSecond > 200_000,
    `${Math.round(perSecond)} events/s: 2,000 runs of ten minutes need 330,000 on a free core`,
  );
});
