// Changed instances are replaced a few at a time, and a version that does not work goes back by itself.
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { Host, isAlive, until } from '../support.ts';

t.setTimeout(300_000);

const SLEEP = 'while :; do sleep 1000; done';
const NAMES = ['web.0', 'web.1', 'web.2'];

const opened = (h: Host, ...names: string[]) => {
  for (const name of names) h.write(`data/${name}`, '');
};

/** The same, and each instance ends only when its gate is open, so that a test decides how far a roll-out comes. */
async function gated(test: Pick<typeof t, 'teardown'>): Promise<Host> {
  const made = await host(test, '{}');
  const end = 'while [ ! -e "/data/$(basename $LITHOS_NAME)" ]; do sleep 0.02; done; exit 0';
  made.containerFile(
    'web',
    `trap '${end}' TERM; echo up; while :; do sleep 0.02; done`,
    'restart-timeout: 0\nkill-timeout: 60\nvariables: {v: !Name }',
    { environ: 'V: "@{v}"', volumes: '  /data: !Persistent {path: /data}' },
  );
  test.teardown(() => opened(made, ...NAMES, 'web.3'));
  return made;
}

async function host(test: Pick<typeof t, 'teardown'>, rolling: string): Promise<Host> {
  const made = await Host.make();
  test.teardown(() => made.dispose());
  made.sandboxFile(`rolling-update: ${rolling}`);
  made.containerFile(
    'web',
    `[ "$V" = bad ] && exit 7; echo up; ${SLEEP}`,
    'restart-timeout: 0\nvariables: {v: !Name }',
    { environ: 'V: "@{v}"' },
  );
  return made;
}

function version(h: Host, v: string, instances = 3): void {
  h.processFile(
    `web: {image: app.1, config: /config/web.yaml, instances: ${instances}, variables: {v: ${v}}}\n`,
  );
}

function rollout(h: Host) {
  return h.status()?.rollouts.find(({ sandbox }) => sandbox === h.sandbox);
}

async function state(h: Host, wanted: string) {
  return await until(`the roll-out is ${wanted}`, () =>
    rollout(h)?.state === wanted ? rollout(h) : undefined,
  );
}

async function pids(h: Host): Promise<number[]> {
  return await Promise.all(NAMES.map(async name => (await h.running(name)).pid));
}

function away(h: Host): number {
  return (h.status()?.instances ?? []).filter(({ state, pid }) => state !== 'running' || pid === null).length;
}

t.test('one after the other, also when the supervisor is killed in the middle', async t => {
  const h = await gated(t);
  version(h, 'one');
  await h.start();
  const before = await pids(h);
  for (const name of NAMES) await until(`${name} is up`, () => h.output(name).includes('up'));
  t.same(h.status()?.rollouts, [], 'a first start is no roll-out');
  version(h, 'two');
  await h.reload();
  opened(h, 'web.0');
  let most = 0;
  await until('the first has been replaced', () => {
    most = Math.max(most, away(h));
    return (rollout(h)?.done ?? 0) >= 1;
  });
  await h.crash();
  t.equal(before.filter(isAlive).length, 2, 'not all of them have been replaced yet');
  await h.start();
  opened(h, 'web.1', 'web.2', 'web.3');
  await until('it has gone on to its end', () => {
    most = Math.max(most, away(h));
    return rollout(h)?.state === 'done';
  });
  t.equal(most, 1, 'at most one was away');
  t.match(rollout(h), { process: 'web', done: 3, total: 3, message: null });
  for (const name of NAMES) t.match((await h.running(name)).identity, '"v":"two"');
  t.same(before.filter(isAlive), []);
  version(h, 'two', 4);
  await h.reload();
  await h.running('web.3');
  t.match(h.log(), /roll-out of \S+\/web is done/);
});

t.test('a version that does not work costs one instance, goes back, and is not tried again', async t => {
  const h = await host(t, '{timeout: 10}');
  version(h, 'one');
  await h.start();
  const before = await pids(h);
  version(h, 'bad');
  await h.reload();
  const back = await state(h, 'rolled-back');
  t.match(back?.message, /web\.0 fails again and again: exited with code 7/);
  const after = await pids(h);
  t.same(after.slice(1), before.slice(1), 'the others were not touched');
  t.match(h.instance('web.0')?.identity, '"v":"one"');
  await h.reload();
  t.equal(rollout(h)?.state, 'rolled-back');
  await h.crash();
  await h.start();
  t.match(rollout(h), { state: 'rolled-back', message: /code 7/ }, 'a new supervisor knows it too');
  t.same(await pids(h), after);
  version(h, 'three');
  await h.reload();
  await state(h, 'done');
  for (const name of NAMES) t.match((await h.running(name)).identity, '"v":"three"');
});

t.test('without roll-back what works stays as it is; null replaces all at once', async t => {
  const h = await host(t, '{roll-back: false, max-unavailable: 2}');
  version(h, 'one');
  await h.start();
  const before = await pids(h);
  version(h, 'bad');
  await h.reload();
  await state(h, 'failed');
  t.equal(before.filter(isAlive).length, 1);
  h.sandboxFile('rolling-update: null');
  version(h, 'two');
  await h.reload();
  t.same(h.status()?.rollouts, []);
  for (const name of NAMES)
    await until(`${name} runs the new version`, () => h.instance(name)?.identity?.includes('"v":"two"'));
});

t.test(
  'the files of a roll-out are there before the new configuration counts as the one in force',
  async t => {
    const h = await gated(t);
    version(h, 'one');
    await h.start();
    await pids(h);
    for (const name of NAMES) await until(`${name} is up`, () => h.output(name).includes('up'));
    const lastGood = h.path(`run/last-good/${h.sandbox}.json`);
    const changed = () => readFileSync(lastGood, 'utf8').includes('"two"');
    version(h, 'two');
    h.signal('SIGHUP');
    // In one go, so that the tree is killed in the moment after.
    for (const giveUp = Date.now() + 60_000; !changed() && Date.now() < giveUp; );
    h.tree?.kill('SIGKILL');
    const file = h.path(`run/rollouts/${h.sandbox}.web.json`);
    t.ok(existsSync(file));
    const format = (path: string) => JSON.parse(readFileSync(path, 'utf8')).version;
    t.equal(format(file), format(lastGood), 'both hold resolved configurations, which mean the same');
    await h.crash();
    await h.start();
    t.equal(rollout(h)?.state, 'rolling', 'a new supervisor goes on one after the other');
    opened(h, ...NAMES);
    let most = 0;
    await until('it has come to its end', () => {
      most = Math.max(most, away(h));
      return rollout(h)?.state === 'done';
    });
    t.equal(most, 1);
  },
);

t.test('a stop in the middle is no verdict about the new version', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  h.sandboxFile('rolling-update: {timeout: 3}');
  h.containerFile('web', SLEEP, 'readiness: !Tcp {port: 1}\nvariables: {v: !Name }', {
    environ: 'V: "@{v}"',
  });
  h.containerFile(
    'slow',
    'trap "sleep 4; exit 0" TERM; echo up; while :; do sleep 0.02; done',
    'kill-timeout: 60',
  );
  const process = (v: string) => `web: {image: app.1, config: /config/web.yaml, variables: {v: ${v}}}\n`;
  h.processFile(process('one') + entry('slow'));
  await h.start();
  await h.running('web.0');
  await until('the slow one is up', () => h.output('slow.0').includes('up'));
  h.processFile(process('two') + entry('slow'));
  await h.reload();
  await until('the new one runs', () => /"v":"two"/.test(h.instance('web.0')?.identity ?? ''));
  t.equal(await h.stop(), 0);
  const saved = JSON.parse(readFileSync(h.path(`run/rollouts/${h.sandbox}.web.json`), 'utf8'));
  t.match(saved.rollout, { way: 'forward', state: 'rolling' });
});

const entry = (name: string) => `${name}: {image: app.1, config: /config/${name}.yaml}\n`;

t.test('after: starts wait for readiness, and the stop goes the other way round', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  const polite = (s: string) => `trap "sleep ${s}; exit 0" TERM; echo up; while :; do sleep 0.02; done`;
  h.containerFile('db', polite('0'));
  h.containerFile('web', polite('0.3'), 'after: [db]');
  h.containerFile('edge', polite('0.1'), 'after: [web, db]');
  h.processFile(entry('edge') + entry('web') + entry('db'));
  await h.start();
  for (const name of ['db.0', 'web.0', 'edge.0'])
    await until(`${name} is up`, () => h.output(name).includes('up'));
  await h.running('edge.0');
  const words = (what: RegExp) => [...h.log().matchAll(what)].map(([, name]) => name);
  t.same(words(/\/(\w+)\.0 started"/g), ['db', 'web', 'edge']);
  t.equal(await h.stop(), 0);
  t.same(words(/\/(\w+)\.0 exited with code 0, as asked"/g), ['edge', 'web', 'db']);
});

t.test(
  '§1.1 stop-finishes, §2.1 shutdown-timeout: what lives then is killed, whatever its kill-timeout says',
  async t => {
    const h = await Host.make('shutdown-timeout: 1');
    t.teardown(() => h.dispose());
    h.containerFile('deaf', `trap "" TERM; echo up; ${SLEEP}`, 'kill-timeout: 100');
    h.containerFile('web', SLEEP, 'kill-timeout: 100');
    h.containerFile('late', SLEEP, 'after: [never]');
    h.containerFile('never', SLEEP, '', { volumes: '  /data: !Persistent {path: /data/none}' });
    h.processFile(entry('deaf') + entry('web') + entry('late') + entry('never'));
    await h.start();
    await until('it is up', () => h.output('deaf.0').includes('up'));
    await until('why it waits is told', () => h.instance('late.0')?.problem === 'never not ready');
    t.match(h.instance('late.0'), { state: 'waiting', reason: 'after', nextStartWallMs: null, pid: null });
    const asked = Date.now();
    h.signal('SIGTERM');
    await until('it stops', () => h.status()?.stopping);
    h.signal('SIGHUP');
    h.signal('SIGQUIT');
    t.equal(await h.stop('SIGHUP'), 0, 'neither a reload nor a re-exec cancels it');
    const tookMs = Date.now() - asked;
    t.ok(tookMs >= 1_000 && tookMs < 90_000, `the deadline counts, not the kill-timeout (${tookMs} ms)`);
    t.match(h.log(), 'not everything stopped within 1 s: KILL');
    t.same(h.leftOver(), []);
    t.same(h.cgroups(), []);
  },
);
