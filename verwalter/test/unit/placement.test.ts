import fc from 'fast-check';
import t from 'tap';
import { placeCounts } from '../../src/core/placement/counts.ts';
import { placeFromLua } from '../../src/core/placement/from-lua.ts';
import { place } from '../../src/core/placement/place.ts';
import type { PlacementHost, PlacementRequest, Policy } from '../../src/core/placement/types.ts';

const host = (name: string, more: Partial<PlacementHost> = {}): PlacementHost => ({
  name,
  weight: 1,
  capacity: {},
  slots: undefined,
  ...more,
});

const ids = (count: number, needs: Record<string, number> = {}) =>
  Array.from({ length: count }, (_, index) => ({ id: `i${index}`, needs, hosts: undefined }));

function ask(
  policy: Policy,
  hosts: PlacementHost[],
  instances: PlacementRequest['instances'],
  more: Partial<PlacementRequest> = {},
) {
  return place({ policy, hosts, instances, previous: {}, maxMoves: 0, start: 0, ...more });
}

const sizes = (hosts: Readonly<Record<string, readonly string[]>>) =>
  Object.fromEntries(Object.entries(hosts).map(([name, list]) => [name, list.length]));

t.test('spread shares by weight as in the talk: 10 on 5:3:2', async t => {
  const hosts = [host('jupyter', { weight: 5 }), host('mars', { weight: 3 }), host('pluto', { weight: 2 })];
  t.same(sizes(ask('spread', hosts, ids(10)).hosts), { jupyter: 5, mars: 3, pluto: 2 });
  t.same(sizes(ask('spread', hosts, ids(20)).hosts), { jupyter: 10, mars: 6, pluto: 4 });
});

t.test('the death of a host moves its instances and no other', async t => {
  const hosts = [host('jupyter', { weight: 5 }), host('mars', { weight: 3 }), host('pluto', { weight: 2 })];
  const before = ask('spread', hosts, ids(10)).assigned;
  const after = ask('spread', hosts.slice(1), ids(10), { previous: before });
  const lost = Object.keys(before).filter(id => before[id] === 'jupyter');
  t.same([...after.moved].sort(), lost.sort());
  t.equal(after.unplaced.length, 0);
});

t.test('best fit takes the fullest host with room, largest instances first', async t => {
  const hosts = [host('a', { capacity: { memory: 10 } }), host('b', { capacity: { memory: 6 } })];
  const instances = [
    { id: 'small', needs: { memory: 4 }, hosts: undefined },
    { id: 'large', needs: { memory: 6 }, hosts: undefined },
  ];
  t.same(ask('bestfit', hosts, instances).assigned, { large: 'b', small: 'a' });
});

t.test('best fit over two resources needs room in both', async t => {
  const hosts = [
    host('a', { capacity: { memory: 10, cpu: 1 } }),
    host('b', { capacity: { memory: 20, cpu: 4 } }),
  ];
  t.same(sizes(ask('bestfit', hosts, ids(3, { memory: 4, cpu: 1 })).hosts), { a: 1, b: 2 });
});

t.test('without needs best fit fills slots', async t => {
  t.same(sizes(ask('bestfit', [host('a', { slots: 2 }), host('b', { slots: 9 })], ids(4)).hosts), {
    a: 2,
    b: 2,
  });
});

t.test('E-PVM takes the host with the smallest marginal cost', async t => {
  // n = 3: a: 3^(6/10) − 3^(4/10) = 0.381; b: 3^(5/10) − 3^(3/10) = 0.342; c: 3^(4/8) − 3^(2/8) = 0.416
  const hosts = [
    host('a', { capacity: { m: 10 } }),
    host('b', { capacity: { m: 10 } }),
    host('c', { capacity: { m: 8 } }),
  ];
  const running = [
    { id: 'ra', needs: { m: 4 }, hosts: undefined },
    { id: 'rb', needs: { m: 3 }, hosts: undefined },
    { id: 'rc', needs: { m: 2 }, hosts: undefined },
  ];
  const previous = { ra: 'a', rb: 'b', rc: 'c' };
  const result = ask('epvm', hosts, [...running, { id: 'new', needs: { m: 2 }, hosts: undefined }], {
    previous,
  });
  t.equal(result.assigned.new, 'b');
});

t.test('round robin goes on where it stopped and skips full hosts', async t => {
  const hosts = [host('a'), host('b', { slots: 0 }), host('c')];
  const first = ask('roundrobin', hosts, ids(3), { start: 1 });
  t.same(sizes(first.hosts), { a: 1, b: 0, c: 2 });
  t.equal(first.next, 0);
});

t.test('restricted instances go first, weight 0 takes nothing', async t => {
  const hosts = [host('a', { slots: 1 }), host('b', { slots: 1 }), host('c', { weight: 0 })];
  const instances = [...ids(1), { id: 'only-a', needs: {}, hosts: ['a'] }];
  for (const policy of ['spread', 'bestfit', 'epvm', 'roundrobin'] as const) {
    t.same(ask(policy, hosts, instances).assigned, { 'only-a': 'a', i0: 'b' }, policy);
  }
});

t.test('running instances come back to the even share, a few at a time', async t => {
  const hosts = [host('a'), host('b')];
  const previous = Object.fromEntries(ids(6).map(({ id }) => [id, 'a']));
  t.same(sizes(ask('spread', hosts, ids(6), { previous }).hosts), { a: 6, b: 0 });
  t.same(sizes(ask('spread', hosts, ids(6), { previous, maxMoves: 2 }).hosts), { a: 4, b: 2 });
  t.same(sizes(ask('spread', hosts, ids(6), { previous, maxMoves: 99 }).hosts), { a: 3, b: 3 });
});

t.test('counts: adding and removing touches as little as possible', async t => {
  const hosts = [host('a'), host('b'), host('c')];
  const base = { policy: 'spread' as const, hosts, needs: {}, maxMoves: 0 };
  t.same(placeCounts({ ...base, count: 6, previous: { a: 4, b: 2 } }).counts, { a: 4, b: 2 });
  t.same(placeCounts({ ...base, count: 7, previous: { a: 4, b: 2 } }).counts, { a: 4, b: 2, c: 1 });
  t.same(placeCounts({ ...base, count: 3, previous: { a: 4, b: 2 } }).counts, { a: 2, b: 1 });
  t.same(placeCounts({ ...base, count: 4, previous: { a: 2, gone: 2 } }).counts, { a: 2, b: 1, c: 1 });
});

t.test('canteen: two kinds of four on four hosts, then any two hosts die', async t => {
  const all = ['a', 'b', 'c', 'd'].map(name => host(name));
  const first = placeCounts({
    policy: 'spread',
    hosts: all,
    count: 4,
    needs: {},
    previous: {},
    maxMoves: 0,
  }).counts;
  for (const dead of [
    ['a', 'b'],
    ['b', 'c'],
    ['a', 'd'],
  ]) {
    const rest = all.filter(({ name }) => !dead.includes(name));
    const counts = placeCounts({
      policy: 'spread',
      hosts: rest,
      count: 4,
      needs: {},
      previous: first,
      maxMoves: 0,
    }).counts;
    t.same(Object.values(counts), [2, 2], dead.join());
  }
});

const policies = fc.constantFrom<Policy>('spread', 'bestfit', 'epvm', 'roundrobin');
const someHosts = fc
  .array(
    fc.record({
      weight: fc.integer({ min: 1, max: 9 }),
      slots: fc.integer({ min: 0, max: 9 }),
      memory: fc.integer({ min: 0, max: 40 }),
    }),
    { maxLength: 8 },
  )
  .map(list =>
    list.map(({ weight, slots, memory }, index) =>
      host(`h${index}`, { weight, slots, capacity: { memory } }),
    ),
  );

t.test('properties: never over capacity, nobody lost, nothing moved without need', async t => {
  const needs = fc.array(fc.integer({ min: 1, max: 15 }), { maxLength: 30 });
  fc.assert(
    fc.property(
      policies,
      someHosts,
      needs,
      fc.integer({ min: 0, max: 7 }),
      (policy, hosts, amounts, dead) => {
        const instances = amounts.map((memory, index) => ({
          id: `i${index}`,
          needs: { memory },
          hosts: undefined,
        }));
        const before = ask(policy, hosts, instances);
        const left = hosts.filter((_, index) => index !== dead);
        const after = ask(policy, left, instances, { previous: before.assigned });
        for (const [current, world] of [
          [before, hosts],
          [after, left],
        ] as const) {
          for (const { name, slots, capacity } of world) {
            const here = current.hosts[name] ?? [];
            const used = here.reduce((sum, id) => sum + (amounts[Number(id.slice(1))] ?? 0), 0);
            if (here.length > (slots ?? 0) || used > (capacity.memory ?? 0)) return false;
          }
          if (Object.keys(current.assigned).length + current.unplaced.length !== instances.length)
            return false;
        }
        return after.moved.every(id => before.assigned[id] === `h${dead}`);
      },
    ),
    { numRuns: 300 },
  );
  t.pass('300 cases');
});

t.test('property: equal instances are all placed when the slots allow', async t => {
  fc.assert(
    fc.property(
      policies,
      fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 8 }),
      (policy, slots) => {
        const hosts = slots.map((limit, index) => host(`h${index}`, { slots: limit }));
        const room = slots.reduce((sum, limit) => sum + limit, 0);
        return (
          ask(policy, hosts, ids(room)).unplaced.length === 0 &&
          ask(policy, hosts, ids(room + 2)).unplaced.length === 2
        );
      },
    ),
    { numRuns: 200 },
  );
  t.pass('200 cases');
});

t.test('property: spread equals D’Hondt’s apportionment', async t => {
  const dumb = (weights: number[], count: number) => {
    const seats = weights.map(() => 0);
    for (let seat = 0; seat < count; seat++) {
      const quotients = weights.map((weight, index) => weight / ((seats[index] ?? 0) + 1));
      const best = quotients.indexOf(Math.max(...quotients));
      seats[best] = (seats[best] ?? 0) + 1;
    }
    return seats;
  };
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 0, max: 40 }),
      (weights, count) => {
        const hosts = weights.map((weight, index) => host(`h${index}`, { weight }));
        const got = Object.values(ask('spread', hosts, ids(count)).hosts).map(list => list.length);
        return JSON.stringify(got) === JSON.stringify(dumb(weights, count));
      },
    ),
    { numRuns: 200 },
  );
  t.pass('200 cases');
});

t.test('a request from Lua: defaults, both forms, and errors that name the field', async t => {
  t.same(placeFromLua({ hosts: ['a', 'b'], count: 3 }), { counts: { a: 2, b: 1 }, unplaced: 0, moved: 0 });
  t.match(placeFromLua({ policy: 'binpack', hosts: [{ name: 'a', slots: 1 }], instances: ['x', 'y'] }), {
    assigned: { x: 'a' },
    unplaced: ['y'],
  });
  t.match(placeFromLua({ hosts: {}, instances: {} }), { unplaced: [] }, 'empty Lua tables are lists too');
  const wrong: [unknown, RegExp][] = [
    [{ hosts: 'a' }, /hosts must be a list/],
    [{ hosts: ['a', 'a'], count: 1 }, /names a host twice/],
    [{ hosts: [{ name: 'a', weight: -1 }], count: 1 }, /hosts\[1\].weight must be a number/],
    [{ hosts: ['a'], count: 1.5 }, /count must be whole/],
    [{ hosts: ['a'], count: 1e9 }, /at most/],
    [{ hosts: ['a'], polycy: 1, count: 1 }, /polycy is not a field/],
    [{ hosts: ['a'], policy: 'best', count: 1 }, /policy must be one of spread/],
    [{ hosts: ['a'], instances: ['x', 'x'] }, /has an id twice/],
    [7, /the argument must be a table/],
  ];
  for (const [spec, message] of wrong) t.throws(() => placeFromLua(spec), { message });
});
