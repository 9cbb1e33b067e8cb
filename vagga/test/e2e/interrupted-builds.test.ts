// Builds that end in the middle: killed, interrupted, or met by another one. Seeded; SUITE_SOAK=1 runs as many rounds as the
// specification of the suite asks for.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { Rig, until } from './rig.ts';

const SOAK = process.env.SUITE_SOAK === '1';
const SEED = Number(process.env.SUITE_SEED ?? Date.now() % 1_000_000);

const CONFIG = `containers:
  base:
    setup:
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/sh}
    - !Copy {source: /work/busybox, path: /bin/busybox}
    - !Depends dep
    - !Sh "/bin/busybox --install -s /bin; sleep 0.05"
  app:
    setup:
    - !Container base
    - !Sh "mkdir -p /d; for i in $(seq 200); do echo $i > /d/$i; done"
    - !Text {/text: hello}
    - !Sh "rm -r /d; mkdir /d; sleep 0.05; echo end > /d/end"
commands:
  x: !Command {container: app, run: [/bin/cat, /d/end]}
`;

/** Mulberry32: a seed repeats a run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function project(): Rig {
  const rig = new Rig();
  rig.write('vagga.yaml', CONFIG);
  rig.write('dep', '0');
  copyFileSync('/bin/busybox', join(rig.root, 'busybox'));
  return rig;
}

/** The engine's notes about containers of this project; other projects may be at work too. */
function states(rig: Rig): string[] {
  if (!existsSync('/run/vagga')) return [];
  return readdirSync('/run/vagga').filter(id =>
    ['status', 'state.json'].some(file => {
      try {
        return readFileSync(join('/run/vagga', id, file), 'utf8').includes(rig.root);
      } catch {
        return false;
      }
    }),
  );
}

function isLocked(path: string): boolean {
  return spawnSync('flock', ['--nonblock', path, 'true']).status !== 0;
}

/** Everything that a build must not leave behind, by name. */
function leftovers(rig: Rig): string[] {
  const roots = rig.list('.vagga/.roots');
  const layers = rig.list('.vagga/.layers').filter(name => !['by-key', 'marks'].includes(name));
  const keys = rig.list('.vagga/.layers/by-key');
  return [
    ...roots.filter(name => name.startsWith('.tmp') && !name.endsWith('.lock')),
    ...roots
      .filter(name => name.endsWith('.lock') && isLocked(join(rig.root, '.vagga/.roots', name)))
      .map(name => `${name} is held`),
    ...rig.list('.vagga/.run').map(name => `bundle ${name}`),
    ...rig.list('.vagga/.mnt').map(name => `mount point ${name}`),
    ...layers.filter(name => !rig.has(`.vagga/.layers/${name}/layer.json`)).map(name => `layer ${name}`),
    ...layers
      .filter(name => rig.list(`.vagga/.layers/${name}`).some(entry => entry === 'work' || entry === 'empty'))
      .map(name => `work in layer ${name}`),
    ...keys.filter(key => !rig.has(`.vagga/.layers/by-key/${key}/layer.json`)).map(key => `key ${key}`),
    ...rig.list('.vagga').filter(name => /\.\d+$/.test(name)),
    ...rig.mounts(),
    ...rig.processes(rig.root).map(pid => `process ${pid}`),
  ];
}

/** What is there afterwards is what an undisturbed build makes. */
async function isSound(t: Tap, rig: Rig, what: string): Promise<void> {
  const hash = rig.run('_version_hash', '-s', 'app').stdout.trim();
  const next = rig.run('x');
  t.match(next, { code: 0, stdout: 'end\n' }, `${what}: the next run`);
  await until(() => rig.processes(rig.root).length === 0, `${what}: no process is left`);
  t.equal(readlinkSync(join(rig.root, '.vagga/app')), `.roots/app.${hash}/root`, what);
  t.equal(rig.read('.vagga/app/d/end'), 'end\n');
  t.same(rig.list('.vagga/app/d'), ['end']);
  t.same(leftovers(rig), [], `${what}: nothing is left`);
}

type Tap = Pick<typeof t, 'same' | 'match' | 'equal' | 'comment'>;

/** Starts builds and ends them at random moments of the time that a whole one takes. */
async function disturb(t: Tap, signal: NodeJS.Signals, rounds: number, seed: number): Promise<void> {
  t.comment(`SUITE_SEED=${SEED}`);
  const rig = project();
  const next = random(seed);
  const startMs = performance.now();
  t.equal(rig.run('x').code, 0);
  const wholeMs = performance.now() - startMs;
  const codes = new Map<number | null, number>();
  for (let round = 1; round <= rounds; round++) {
    rig.write('dep', `${signal} ${round}`);
    const build = rig.start(['x']);
    // The disturbance itself, not a way to wait for something.
    await delay(next() * wholeMs);
    build.child.kill(signal);
    const { code } = await build.ended;
    codes.set(code, (codes.get(code) ?? 0) + 1);
    await isSound(t, rig, `${signal} ${round}`);
  }
  t.comment(`${signal}: exit codes ${JSON.stringify([...codes])}`);
  t.same(states(rig), [], 'the engine has nothing left');
  rig.remove();
}

t.test(
  'what was killed between writing and renaming is swept by the next run, what still writes is left alone',
  t => {
    const rig = project();
    t.equal(rig.run('x').code, 0);
    const { pid: dead } = spawnSync('true');
    const places = (pid: number) => [`.vagga/.start-cache.json.tmp.${pid}`, `.vagga/app.tmp.${pid}`];
    for (const path of [dead, process.pid].flatMap(places)) symlinkSync('nowhere', join(rig.root, path));
    rig.write('dep', 'after that');
    t.match(rig.run('x'), { code: 0, stdout: 'end\n' });
    t.same(
      rig.list('.vagga').filter(name => name.includes('.tmp.')),
      places(process.pid).map(path => basename(path)),
    );
    rig.remove();
    t.end();
  },
);

t.test('killed at random moments of a build: the next run succeeds with the same hash', async t => {
  await disturb(t, 'SIGKILL', SOAK ? 100 : 8, SEED);
});

t.test('Ctrl-C at random moments of a build: the next run succeeds with the same hash', async t => {
  await disturb(t, 'SIGINT', SOAK ? 50 : 5, SEED + 1);
});

t.test('§3.5 lock, §4.8 build-lock-wait: two at once, one builds and one waits', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  for (let round = 1; round <= (SOAK ? 20 : 3); round++) {
    rig.write('dep', `two ${round}`);
    const settings = { VAGGA_SETTINGS: 'build-lock-wait: true' };
    const both = await Promise.all([rig.start(['x'], settings).ended, rig.start(['x'], settings).ended]);
    for (const { code, stdout, stderr } of both)
      t.same({ code, stdout }, { code: 0, stdout: 'end\n' }, stderr);
    const built = both
      .map(({ stderr }) => stderr)
      .join('')
      .match(/Container app \(\w+\) built/g);
    t.equal(built?.length, 1, 'one builds');
    await isSound(t, rig, `two at once ${round}`);
  }
  rig.write('dep', 'without waiting');
  const both = await Promise.all([rig.start(['x']).ended, rig.start(['x']).ended]);
  const refused = both.filter(({ code }) => code !== 0);
  t.ok(
    refused.length <= 1 &&
      refused.every(({ code, stderr }) => code === 121 && /Can't lock container build \(/.test(stderr)),
  );
  await isSound(t, rig, 'without waiting');
});
