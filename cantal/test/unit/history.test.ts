import { deepEqual, equal } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { ByteCursor, ByteLog } from '../../src/core/history/bytes.ts';
import { SeriesReader, writeChange } from '../../src/core/history/codec.ts';
import { History } from '../../src/core/history/history.ts';
import type { Field } from '../../src/core/history/slots.ts';
import { Tips } from '../../src/core/history/tips.ts';

const MIB = 1024 * 1024;
const FIELDS: readonly Field[] = [
  { labels: { metric: 'a' }, kind: 'Counter' },
  { labels: { metric: 'b' }, kind: 'Float' },
];

const value = fc.oneof(
  fc.constant(Number.NaN),
  fc.integer({ min: -50, max: 50 }),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  fc.integer({ min: -5000, max: 5000 }).map(hundredths => hundredths / 100),
  fc.double(),
  fc.constantFrom(Number.POSITIVE_INFINITY, Number.MIN_VALUE, Number.MAX_VALUE, 2 ** 53, -(2 ** 63)),
);

/** -0 and 0 are the same sample. */
const plain = (list: Iterable<number>): number[] => Array.from(list, number => number + 0);

t.test('codec: every change comes back exactly', async () => {
  fc.assert(
    fc.property(fc.array(value), fc.constantFrom(1, 100), (values, quantum) => {
      const log = new ByteLog(1);
      let base = 0;
      for (const item of values) base = writeChange(log, item, base, quantum);
      const cursor = new ByteCursor(log.bytes, 0);
      const reader = new SeriesReader(quantum);
      const back = values.map(() => {
        reader.next(cursor);
        return reader.value;
      });
      deepEqual(plain(back), plain(values));
      equal(cursor.at, log.length);
    }),
  );
});

t.test('codec: small steps of counters and hundredths of gauges cost one byte', async t => {
  for (const [quantum, values] of [
    [1, [1000, 1001, 1030, 1010]],
    [100, [0.5, 0.51, 0.8, 0.53]],
  ] as const) {
    const log = new ByteLog(64);
    let base = writeChange(log, values[0], 0, quantum);
    const before = log.length;
    for (const item of values.slice(1)) base = writeChange(log, item, base, quantum);
    t.equal(log.length - before, 3);
  }
});

t.test('history equals a plain table, whatever is set, closed and expired', async () => {
  const scan = fc.record({ a: value, b: value, close: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(scan, { maxLength: 40 }),
      fc.integer({ min: 1, max: 12 }),
      fc.nat(50),
      (scans, epochScans, ask) => {
        const history = new History({ keepMs: 20_000, epochScans, maxSeries: 100 });
        const table: [number, number][] = [];
        const first = history.open({ pid: '1' }, FIELDS);
        if (first === undefined) throw new Error('no room');
        let open = true;
        scans.forEach((row, index) => {
          if (open && row.close) {
            history.close(first);
            open = false;
          }
          if (open) {
            history.set(first.first, row.a);
            history.set(first.first + 1, row.b);
          }
          history.commit((index + 1) * 1000);
          table.push(open ? [row.a, row.b] : [Number.NaN, Number.NaN]);
        });
        const length = Math.min(ask, history.length);
        const [a, b] = history.slots.groups.has(first)
          ? [first.first, first.first + 1].map(slot => history.reader(ask).read(slot))
          : [];
        if (a === undefined || b === undefined) return;
        const newest = table.toReversed().slice(0, length);
        deepEqual(plain(a), plain(newest.map(row => row[0])));
        deepEqual(plain(b), plain(newest.map(row => row[1])));
        deepEqual(
          history.reader(ask).timestamps,
          scans
            .map((_, index) => (index + 1) * 1000)
            .toReversed()
            .slice(0, length),
        );
      },
    ),
  );
});

t.test('history: what is kept, forgotten and given back', async t => {
  const history = new History({ keepMs: 10_000, epochScans: 5, maxSeries: 4 });
  const group = history.open({ pid: '1' }, FIELDS);
  if (group === undefined) throw new Error('no room');
  t.ok(history.open({ pid: '2' }, FIELDS));
  t.equal(history.open({ pid: '3' }, FIELDS), undefined, 'the limit refuses');
  t.equal(history.slots.refusedSeries, 2);
  history.set(group.first, 7);
  history.commit(1000);
  history.close(group);
  for (let scan = 2; scan <= 12; scan++) history.commit(scan * 1000);
  t.same(
    history.tip(group.first),
    { value: 7, timestampMs: 1000, scansAgo: 11 },
    'the last value of a series that ended',
  );
  t.equal(history.oldestMs(), 1000);
  for (let scan = 13; scan <= 20; scan++) history.commit(scan * 1000);
  t.equal(history.oldestMs(), 6000, 'whole epochs leave');
  t.equal(history.tip(group.first), undefined);
  t.notOk(history.slots.groups.has(group));
  const again = history.open({ pid: '3' }, FIELDS);
  t.equal(again?.first, group.first, 'slots of forgotten series are used again');
  t.throws(() => history.commit(20_000), /must grow/);
  history.clear();
  t.equal(history.length, 0);
  t.equal(history.commit(5), 0, 'after a clear the clock may start anew');
});

/** The mix of a real host: 81 % never change, of the others every fifth point does. */
function fill(changing: number, share: number): { history: History; ms: number[] } {
  const history = new History({ keepMs: 3_600_000, epochScans: 120, maxSeries: 20_000 });
  const fields: Field[] = Array.from({ length: 10_000 }, (_, index) => ({
    labels: { metric: `m${index}` },
    kind: 'Counter',
  }));
  const group = history.open({}, fields);
  if (group === undefined) throw new Error('no room');
  let state = 1;
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const values = new Float64Array(10_000).map(() => Math.floor(random() * 1e6));
  const ms: number[] = [];
  for (let scan = 1; scan <= 1800; scan++) {
    for (let index = 0; index < 10_000; index++) {
      if (index < changing && random() < share)
        values[index] = (values[index] as number) + Math.floor(random() * 2000);
      history.set(index, values[index] as number);
    }
    const started = performance.now();
    history.commit(scan * 2000);
    ms.push(performance.now() - started);
  }
  return { history, ms };
}

t.test('10,000 series for one hour stay far below 35 MiB', async t => {
  const mix = fill(1900, 0.2);
  const nonConstant = fill(10_000, 0.19);
  const median = mix.ms.toSorted((a, b) => a - b)[900] as number;
  t.comment(
    `mix ${(mix.history.bytes() / MIB).toFixed(1)} MiB, append ${median.toFixed(3)} ms, worst ${Math.max(...mix.ms).toFixed(1)} ms`,
  );
  t.comment(
    `no constant series ${(nonConstant.history.bytes() / MIB).toFixed(1)} MiB, worst append ${Math.max(...nonConstant.ms).toFixed(1)} ms`,
  );
  t.ok(mix.history.bytes() < 6 * MIB);
  t.ok(nonConstant.history.bytes() < 15 * MIB);
  t.equal(mix.history.length, 1800);
});

t.test('states keep their newest value for the agreed time', async t => {
  const tips = new Tips(60_000);
  tips.push([{ key: { state: 'a', pid: '1' }, value: [5, 'busy'] }], 1000);
  tips.push([{ key: { pid: '1', state: 'a' }, value: [6, 'idle'] }], 2000);
  t.same(
    [...tips.all()].map(tip => [tip.value, tip.seenMs]),
    [[[6, 'idle'], 2000]],
    'the order of labels does not matter',
  );
  tips.push([], 62_001);
  t.equal(tips.size, 0);
});

t.test('metric files that grow and shrink for months find room, also at the limit', async t => {
  const history = new History({ keepMs: 10, epochScans: 1, maxSeries: 300 });
  const fields = (count: number) =>
    Array.from({ length: count }, (_, index) => ({
      labels: { metric: `m${index}` },
      kind: 'Counter' as const,
    }));
  for (let round = 1; round <= 200; round++) {
    const group = history.open({ round: String(round) }, fields(1 + ((round * 37) % 120)));
    if (group === undefined) throw new Error(`refused in round ${round}`);
    for (let index = 0; index < group.fields.length; index++) history.set(group.first + index, round + index);
    history.commit(round * 100);
    t.same(history.reader(1).read(group.first + group.fields.length - 1)[0], round + group.fields.length - 1);
    history.close(group);
    history.commit(round * 100 + 50);
  }
  t.equal(history.slots.refusedSeries, 0);
});

t.test('a reader sees the same scans however many come meanwhile', async t => {
  const history = new History({ keepMs: 4, epochScans: 2, maxSeries: 10 });
  const group = history.open({}, [{ labels: { metric: 'm' }, kind: 'Float' }]);
  const slot = group?.first ?? -1;
  const scan = (time: number) => {
    history.set(slot, time / 4);
    history.commit(time);
  };
  for (let time = 1; time <= 5; time++) scan(time);
  const reader = history.reader(4);
  for (let time = 6; time <= 20; time++) scan(time);
  t.same(reader.timestamps, [5, 4, 3, 2]);
  t.same(plain(reader.read(slot)), [1.25, 1, 0.75, 0.5]);
  history.set(slot, 1);
  history.commit(1_000_000);
  t.equal(history.length, 1, 'a clock set forward ends all older scans at once');
});

t.test('states from before the clock went back are forgotten', async t => {
  const tips = new Tips(60_000);
  tips.push([{ key: { state: 'a' }, value: [1, 'x'] }], 3_600_000);
  tips.push([{ key: { state: 'b' }, value: [1, 'y'] }], 1000);
  t.same(
    [...tips.all()].map(tip => tip.key.state),
    ['b'],
  );
});
