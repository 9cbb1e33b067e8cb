import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { realDisk } from '@suite/shared/ports/real.ts';
import { SimWorld } from '@suite/shared/sim/index.ts';
import fc from 'fast-check';
import t from 'tap';
import { readLuaFiles, readRuntime, treeSignature } from '../../src/adapters/config-tree.ts';
import { fetchJson } from '../../src/adapters/http-client.ts';
import { readMachineId } from '../../src/adapters/machine-id.ts';
import { Storage, sha1 } from '../../src/adapters/storage.ts';
import { canonicalJson } from '../../src/core/schedule/canonical.ts';
import { historyName, planHistory } from '../../src/core/schedule/history.ts';
import { distinctSchedules, makeSchedule, readSchedule } from '../../src/core/schedule/schedule.ts';
import { Actions } from '../../src/daemon/actions.ts';

const SELF = '22'.repeat(16);
const LOW = '11'.repeat(16);

const made = (name: string, origin: string, timestamp: number) =>
  makeSchedule({ name }, origin, timestamp, sha1);

t.test('canonical JSON and the hash', async t => {
  t.equal(
    canonicalJson({ b: [1, 2.5, null], a: { d: 'ü', c: true } }),
    '{"a":{"c":true,"d":"ü"},"b":[1,2.5,null]}',
  );
  t.equal(
    canonicalJson({ '\u{1f600}': 1, '\uffff': 2, z: 3 }),
    '{"z":3,"\uffff":2,"\u{1f600}":1}',
    'UTF-8 order',
  );
  t.equal(canonicalJson([-0, 1e21, 1.0]), '[0,1e+21,1]');
  t.throws(() => canonicalJson({ x: Number.NaN }), /not a JSON number/);
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const text = canonicalJson(value);
      return canonicalJson(JSON.parse(text)) === text;
    }),
    { numRuns: 2_000 },
  );
  const keys = fc.dictionary(fc.string({ unit: 'binary' }), fc.integer());
  fc.assert(
    fc.property(keys, object => {
      const order = Object.keys(JSON.parse(canonicalJson(object)) as object).filter(
        key => !/^\d+$/.test(key),
      );
      const bytes = order.map(key => Buffer.from(key));
      return bytes.every((key, at) => at === 0 || Buffer.compare(bytes[at - 1] as Buffer, key) < 0);
    }),
    { numRuns: 2_000 },
  );
  const one = makeSchedule({ b: 1, a: 2 }, SELF, 5, sha1);
  t.equal(one.hash, sha1('{"a":2,"b":1}'));
  t.equal(
    one.hash,
    makeSchedule({ a: 2, b: 1 }, LOW, 9, sha1).hash,
    'order, origin and time are no part of it',
  );
  t.same(readSchedule(JSON.parse(JSON.stringify(one)), sha1), one);
  t.match(readSchedule({ ...one, data: { a: 2, b: 3 } }, sha1), { error: /hash of the data is not/ });
  t.match(readSchedule({ ...one, hash: 'no' }, sha1), { error: /40 hex/ });
  t.match(readSchedule({ ...one, origin: 'xyz' }, sha1), { error: /origin/ });
  t.match(readSchedule({ ...one, timestamp: -1 }, sha1), { error: /timestamp/ });
  t.match(readSchedule({ ...one, data: [] }, sha1), { error: /object/ });
  const newer = made('x', LOW, 9);
  t.same(distinctSchedules([made('x', SELF, 5), newer, made('y', SELF, 7)]), [newer, made('y', SELF, 7)]);
});

t.test('history files', async t => {
  const monday = Date.UTC(2024, 0, 1, 5, 30);
  t.equal(historyName('hourly', monday), 'hourly-20240101T05');
  t.equal(historyName('daily', monday), 'daily-20240101');
  t.equal(historyName('weekly', monday), 'weekly-2024w01');
  t.equal(historyName('weekly', Date.UTC(2023, 0, 1)), 'weekly-2023w00', 'a Sunday before the first Monday');
  const hours = Array.from(
    { length: 36 },
    (_, hour) => `${historyName('hourly', monday + hour * 3_600_000)}.json.gz`,
  );
  const next = planHistory(
    'hourly',
    [...hours, 'daily-20240101.json.gz', 'junk'],
    monday + 36 * 3_600_000,
    36,
  );
  t.same(next, { add: 'hourly-20240102T17.json.gz', remove: [hours[0]] });
  t.same(planHistory('hourly', hours, monday, 36), { add: undefined, remove: [] });
  t.same(
    planHistory('hourly', hours, 0, 36).remove,
    [],
    'a clock that fell back does not delete what it has just made',
  );
});

t.test('storage', async t => {
  const directory = t.testdir();
  const storage = new Storage(directory, realDisk);
  await storage.prepare();
  t.equal(await storage.loadSchedule(), undefined);
  t.same(await storage.loadBallot(), { epoch: 0, ballot: null });
  await storage.saveBallot({ epoch: 7, ballot: LOW });
  t.same(await storage.loadBallot(), { epoch: 7, ballot: LOW });
  const schedule = made('x', SELF, 5);
  await storage.saveSchedule(schedule);
  t.same(await storage.loadSchedule(), schedule);
  await storage.addToHistory(Date.UTC(2024, 0, 1, 5));
  await storage.addToHistory(Date.UTC(2024, 0, 1, 6));
  t.same(await storage.listHistory(), [
    'daily-20240101',
    'hourly-20240101T05',
    'hourly-20240101T06',
    'weekly-2024w01',
  ]);
  t.equal(statSync(join(storage.directory, 'daily-20240101.json.gz')).nlink, 3, 'one gzip, three links');
  const bytes = (await storage.readHistory('daily-20240101')) as Uint8Array;
  t.same(JSON.parse(gunzipSync(bytes).toString()), schedule);
  t.equal(await storage.readHistory('../election'), undefined);
  t.same(
    readdirSync(storage.directory).filter(name => name.startsWith('.')),
    [],
    'no temporary file is left',
  );
  writeFileSync(join(storage.directory, 'schedule.json'), JSON.stringify({ ...schedule, data: {} }));
  await t.rejects(storage.loadSchedule(), /hash/);
  writeFileSync(join(directory, 'election.json'), '{"epoch": "x"}');
  await t.rejects(storage.loadBallot(), /epoch/);
  const id = join(directory, 'machine-id');
  writeFileSync(id, 'ABCDEF0123456789abcdef0123456789\n');
  t.same(await readMachineId(id), { id: 'abcdef0123456789abcdef0123456789' });
  writeFileSync(id, 'ABCDEF0123456789abcdef0123456789\n\n');
  t.match(await readMachineId(id), { error: /32 hex/ });
  t.match(await readMachineId(`${id}.none`), { error: /ENOENT/ });
});

t.test('an older write never overtakes a newer one', async t => {
  const directory = t.testdir();
  const release: (() => void)[] = [];
  const written: string[] = [];
  const slow: typeof realDisk = {
    ...realDisk,
    writeAtomic: (path, data) =>
      new Promise(resolve => {
        release.push(() => {
          written.push(JSON.parse(String(data)).epoch);
          resolve(realDisk.writeAtomic(path, data));
        });
      }),
  };
  const storage = new Storage(directory, slow);
  const saves = [1, 2, 3, 4].map(epoch => storage.saveBallot({ epoch, ballot: LOW }));
  t.equal(release.length, 1, 'one at a time');
  release[0]?.();
  await saves[0];
  while (release.length < 2) await new Promise(setImmediate);
  release[1]?.();
  await Promise.all(saves);
  t.same(written, [1, 4], 'and of those that wait only the newest');
  t.same(await storage.loadBallot(), { epoch: 4, ballot: LOW });
  const failing = new Storage(directory, {
    ...realDisk,
    writeAtomic: () => Promise.reject(new Error('ENOSPC')),
  });
  const both = [failing.saveBallot({ epoch: 5, ballot: LOW }), failing.saveBallot({ epoch: 6, ballot: LOW })];
  for (const save of both) await t.rejects(save, /ENOSPC/);
  await t.rejects(
    failing.saveBallot({ epoch: 7, ballot: LOW }),
    /ENOSPC/,
    'a failure does not end the queue',
  );
});

t.test('a schedule of small numbers can be read back', async t => {
  const storage = new Storage(t.testdir(), realDisk);
  const numbers = made('x', SELF, 5);
  const data = { list: Array.from({ length: 60_000 }, () => Array.from({ length: 50 }, () => 1)) };
  const schedule = makeSchedule(data, SELF, 5, sha1);
  await storage.saveSchedule(schedule);
  t.equal((await storage.loadSchedule())?.hash, schedule.hash);
  await storage.saveSchedule(numbers);
  t.same(await storage.loadSchedule(), numbers);
});

t.test('what other machines say may be anything', async t => {
  const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
  const schedule = made('x', SELF, 5);
  t.match(readSchedule({ ...schedule, data: { deep } }, sha1), { error: /^data: / });
  t.match(
    readSchedule({ ...schedule, origin: 'ab'.repeat(65) }, sha1),
    { error: /origin/ },
    'would not fit a packet',
  );
  for (const url of ['http://a b/', 'http://x:99999/', 'http://[::x]/'])
    t.match(await fetchJson(url, { timeoutMs: 100, maxBytes: 10 }), { ok: false, error: /Invalid URL/ }, url);
});

t.test('metadata and scheduler sources', async t => {
  const root = mkdtempSync(join(tmpdir(), 'verwalter-runtime-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const put = (path: string, text: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  put('web/v1.2/one.yaml', 'port: 80\nname: "80"\n');
  put('web/v1.2.d/two.json', '{"x": [1, 2.5]}');
  put('note.txt', 'raw\n');
  put('empty.yml', '');
  put('.hidden.yaml', 'x: 1');
  put('old.yaml~', 'x: 1');
  put('old.yaml.bak', 'x: 1');
  put('readme.md', 'no');
  put('bad.json', '{');
  put('bad.yaml', 'a: [1');
  put('clash.yaml', '1');
  put('clash/inner.yaml', '2');
  put('main.lua', 'return {}');
  put('lib/a.lua', 'return 1');
  symlinkSync(join(root, 'web'), join(root, 'link'));
  const { tree, problems } = await readRuntime(root);
  t.same(JSON.parse(JSON.stringify(tree)), {
    web: { 'v1.2': { one: { port: 80, name: '80' }, two: { x: [1, 2.5] } } },
    link: { 'v1.2': { one: { port: 80, name: '80' }, two: { x: [1, 2.5] } } },
    note: 'raw\n',
    empty: null,
    clash: 1,
  });
  t.equal(problems.length, 3);
  t.match(problems.join('\n'), /bad\.json.*bad\.yaml:1.*clash/s);
  t.same(await readRuntime(join(root, 'none')), { tree: {}, problems: [] });
  t.same([...(await readLuaFiles(root)).keys()], ['lib/a.lua', 'main.lua']);
  const before = await treeSignature(root, 'lua');
  put('readme.md', 'other');
  t.equal(await treeSignature(root, 'lua'), before, 'other files do not matter');
  put('lib/a.lua', 'return 22');
  t.not(await treeSignature(root, 'lua'), before);
  let deep = root;
  for (let depth = 0; depth < 20; depth++) deep = join(deep, 'd');
  mkdirSync(deep, { recursive: true });
  await t.rejects(readRuntime(root), /nested deeper/);
  t.equal(readFileSync(join(root, 'note.txt'), 'utf8'), 'raw\n');
});

t.test('actions', async t => {
  const world = new SimWorld(1);
  const { clock } = world.addNode('leader', '10.0.0.1');
  const actions = new Actions(clock);
  let woken = 0;
  actions.onAdd = () => woken++;
  const first = actions.add({ press: 1 }) as number;
  t.equal(first % 1_000, 0);
  t.equal(actions.add({ press: 2 }), first + 1);
  t.same(actions.snapshot(), { [first]: { press: 1 }, [first + 1]: { press: 2 } });
  const waiting = actions.wait(first);
  actions.consumed([String(first)]);
  t.equal(await waiting, 'done');
  t.same([actions.isPending(first), actions.isPending(first + 1)], [false, true]);
  for (let count = 2; count < 1_000; count++) actions.add(null);
  t.equal(actions.add(null), undefined, 'the ids of this second are used up');
  t.equal(woken, 1_000);
  const lost = actions.wait(first + 1);
  actions.drop();
  t.equal(await lost, 'lost');
  t.same(actions.snapshot(), {});
  world.run(world.nowMs + 1_000);
  t.type(actions.add(null), 'number', 'the next second has ids again');
});
