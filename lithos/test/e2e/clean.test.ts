// lithos_clean on a made store of images, and lithos_mkdev.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseDurationMs } from '../../src/core/cleaning/duration.ts';
import { Host, until } from '../support.ts';

t.setTimeout(180_000);

const DAY_MS = 86_400_000;

function ago(days: number): string {
  return new Date(Date.now() - days * DAY_MS).toISOString().replace(/\.\d+Z$/, 'Z');
}

function line(days: number, image: string): string {
  return `${ago(days)} {"web":{"instances":1,"image":"${image}","config":"/c.yaml","kind":"Daemon"}}`;
}

/** Images v1 … v6; v6 is configured now. */
async function store(test: Pick<typeof t, 'teardown'>, sandbox = ''): Promise<Host> {
  const h = await Host.make();
  test.teardown(() => h.dispose());
  for (let version = 1; version <= 6; version++)
    mkdirSync(h.path(`store/v${version}/etc`), { recursive: true });
  h.write('sandboxes/box.yaml', `image-dir: ${h.path('store')}\nallow-users: [0]\n${sandbox}`);
  h.write(`sandboxes/${h.sandbox}.yaml`, `image-dir: ${h.path('nothing')}\nauto-clean: false\n`);
  h.write('processes/box.yaml', 'web: {image: v6, config: /c.yaml}\n');
  return h;
}

function history(h: Host, file: string, ...lines: string[]): void {
  h.write(`log/config/${file}`, `${lines.join('\n')}\n`);
}

function clean(h: Host, ...args: string[]) {
  const done = h.run('lithos_clean', '-C', h.path('master.yaml'), ...args);
  const names = done.stdout
    .split('\n')
    .slice(0, -1)
    .map(row => (JSON.parse(row) as string).slice(h.directory.length + 1));
  return { ...done, names };
}

t.test(
  '§1.7 clean-used and §1.7 clean-limits: --used, --unused and --delete-unused by the process file and the history',
  async t => {
    const h = await store(t);
    history(h, 'box.log', line(40, 'v1'), line(30, 'v2'), line(20, 'v3'), line(10, 'v4'), line(5, 'v6'));
    t.same(clean(h).names, ['store/v1', 'store/v2', 'store/v3', 'store/v4', 'store/v6']);
    t.same(clean(h, '--unused').names, ['store/v5']);
    t.same(
      clean(h, '--unused', '-D', '15').names,
      ['store/v1', 'store/v2', 'store/v5'],
      'v3 was in force until 10 days ago',
    );
    t.same(clean(h, '--unused', '--history-days', '15', '--vmin', '4').names, ['store/v1', 'store/v5']);
    t.same(clean(h, '--unused', '--versions-max', '2').names, [
      'store/v1',
      'store/v2',
      'store/v3',
      'store/v5',
    ]);
    t.same(clean(h, '--unused', '--vmin', '9').names, ['store/v5'], 'without -D age does not matter');
    const gone = h.run('lithos_clean', '-C', h.path('master.yaml'), '--delete-unused', '-v', '-D', '15');
    t.equal(gone.code, 0);
    t.match(gone.stdout, /^\d{4}-.*Z deleted ".*\/store\/v1"$/m);
    t.same(readdirSync(h.path('store')).sort(), ['v3', 'v4', 'v6']);
  },
);

t.test(
  '§1.7 clean-history and §1.7 clean-logs: the history is one sequence over its rotated files, oldest last',
  async t => {
    const h = await store(t);
    history(h, 'box.log', line(1, 'v6'));
    history(h, 'box.log.1', line(20, 'v4'), '', line(10, 'v5'));
    history(h, 'box.log.2', line(60, 'v2'), line(40, 'v3'));
    history(h, 'box.log.100', line(90, 'v1'));
    t.same(clean(h, '--unused').names, [], 'also the hundredth file counts');
    t.same(clean(h, '--unused', '-D', '15').names, ['store/v1', 'store/v2', 'store/v3']);
    const logs = clean(h, '--unused', '-D', '15', '--clean-logs').names;
    t.same(logs.slice(3), ['log/config/box.log.100'], 'box.log.2 was looked into to find that it is too old');
    t.equal(clean(h, '--delete-unused', '-D', '15', '--clean-logs').code, 0);
    t.notOk(existsSync(h.path('log/config/box.log.100')));
    t.ok(existsSync(h.path('log/config/box.log.2')));
  },
);

t.test('§1.7 clean-history: the same configuration again is one version', async t => {
  const h = await store(t);
  history(
    h,
    'box.log',
    line(50, 'v1'),
    line(40, 'v5'),
    line(30, 'v5'),
    line(20, 'v5'),
    line(10, 'v6'),
    line(1, 'v6'),
  );
  t.same(clean(h, '--unused', '--vmax', '3').names, ['store/v2', 'store/v3', 'store/v4']);
});

t.test('§1.7 clean-excluded and §1.7 clean-no-history: what is not known for sure stays', async t => {
  const broken = await store(t);
  history(broken, 'box.log', line(50, 'v1'), 'half a li', line(10, 'v6'));
  const left = clean(broken, '--delete-unused');
  t.equal(left.code, 1);
  t.match(left.stderr, /left alone: .*store: sandbox box: .*box\.log has a line that cannot be read/);
  t.equal(readdirSync(broken.path('store')).length, 6);
  t.same(
    clean(broken, '--unused', '--vmax', '1').names.length,
    5,
    'a broken line that has aged out does not matter',
  );

  const shared = await store(t);
  history(shared, 'box.log', line(1, 'v6'));
  shared.write('sandboxes/two.yaml', `image-dir: ${shared.path('store')}\nauto-clean: false\n`);
  t.match(clean(shared, '--unused').stderr, /box, two disagree on `auto-clean`/);
  shared.write('sandboxes/two.yaml', `image-dir: ${shared.path('store')}\nimage-dir-levels: 2\n`);
  t.match(clean(shared, '--unused').stderr, /disagree on `image-dir-levels`/);

  const blind = await store(t);
  blind.write('master.yaml', `runtime-dir: ${blind.path('run')}\nconfig-log-dir: null\n`);
  t.match(clean(blind, '--delete-unused').stderr, /neither `used-images-list` nor `config-log-dir`/);
  t.equal(readdirSync(blind.path('store')).length, 6);

  const wrong = await store(t);
  wrong.write('processes/box.yaml', 'web: {image: v6, config: /c.yaml, nonsense: 1}\n');
  const refused = clean(wrong, '--delete-unused');
  t.equal(refused.code, 1);
  t.match(refused.stderr, /box\.yaml:1:\d+/);
  t.equal(readdirSync(wrong.path('store')).length, 6);
});

t.test(
  '§2.2 used-images-list instead of the history; auto-clean: false leaves a directory alone',
  async t => {
    const h = await store(t);
    h.write('sandboxes/box.yaml', `image-dir: ${h.path('store')}\nused-images-list: ${h.path('list')}\n`);
    t.match(clean(h, '--unused').stderr, /`used-images-list` .* does not exist/);
    h.write('list', ' v1 \n\nv2\ntoo/deep\n');
    const listed = clean(h, '--unused');
    t.same(listed.names, ['store/v3', 'store/v4', 'store/v5']);
    t.match(listed.stderr, /too\/deep.*2 path components/);
    h.write('sandboxes/box.yaml', `image-dir: ${h.path('store')}\nauto-clean: false\n`);
    t.same(clean(h, '--unused').names, []);
  },
);

t.test(
  '§1.7 clean-safe and §1.7 clean-keep-recent: levels, links, hidden and recent directories, a missing image-dir',
  async t => {
    const h = await store(t, 'image-dir-levels: 2\n');
    h.write('processes/box.yaml', 'web: {image: v6/etc, config: /c.yaml}\n');
    history(h, 'box.log');
    mkdirSync(h.path('store/v1/.hidden'));
    symlinkSync(h.path('data'), h.path('store/v2/link'));
    t.same(clean(h, '--unused').names, [
      'store/v1/etc',
      'store/v2/etc',
      'store/v3/etc',
      'store/v4/etc',
      'store/v5/etc',
    ]);
    t.same(clean(h, '--unused', '--keep-recent', '1h').names, [], 'all of them were made just now');
    const old = new Date(Date.now() - DAY_MS);
    utimesSync(h.path('store/v1/etc'), old, old);
    t.same(clean(h, '--unused', '--keep-recent', '1h').names, [], 'its birth counts too');
    t.equal(clean(h, '--delete-unused').code, 0);
    t.ok(existsSync(h.path('store/v1/.hidden')) && existsSync(h.path('store/v2/link')));
    t.ok(existsSync(h.path('data')), 'nothing behind a link was touched');
    h.write('sandboxes/box.yaml', `image-dir: ${h.path('nowhere')}\n`);
    const missing = clean(h, '--unused');
    t.equal(missing.code, 0);
    t.match(missing.stderr, /nowhere does not exist/);
  },
);

t.test('§1.7 one image directory under two names, and one inside another', async t => {
  const h = await store(t);
  history(h, 'box.log', line(1, 'v6'));
  history(h, 'two.log', line(1, 'v5'));
  h.write('processes/two.yaml', 'web: {image: v5, config: /c.yaml}\n');
  symlinkSync(h.path('store'), h.path('link'));
  for (const name of ['store/', 'link', 'store/../store']) {
    h.write('sandboxes/two.yaml', `image-dir: ${h.directory}/${name}\n`);
    t.same(clean(h, '--unused').names, ['store/v1', 'store/v2', 'store/v3', 'store/v4'], name);
  }
  mkdirSync(h.path('store/two/v5'), { recursive: true });
  h.write('sandboxes/two.yaml', `image-dir: ${h.path('store/two')}\n`);
  const entangled = clean(h, '--delete-unused');
  t.equal(entangled.code, 1);
  t.match(entangled.stderr, /left alone: .*store: image directory .*store\/two lies in .*store$/m);
  t.equal(readdirSync(h.path('store')).length, 7, 'what looks unused to one sandbox holds images of another');
});

t.test('images of the last good configuration are in use while the files are broken', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  h.containerFile('web', 'exit 1', 'restart-backoff-max: 60');
  h.processFile('web: {image: app.1, config: /config/web.yaml}\n');
  await h.start();
  await until('it is in back-off', () => h.instance('web.0')?.reason === 'back-off');
  await h.image('app.2');
  h.processFile('web: {image: app.2, config: /config/web.yaml}\n');
  await h.reload();
  t.match(h.status()?.sandboxes[0]?.errors[0], 'is no file of image app.2');
  await h.crash();
  rmSync(h.path('run/instances'), { recursive: true });
  t.same(clean(h, '--unused', '--vmax', '0').names, []);
});

t.test('an image that a container still runs from is in use, whatever the files say', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  h.containerFile('web', 'while :; do sleep 1000; done');
  h.processFile('web: {image: app.1, config: /config/web.yaml}\n');
  await h.start();
  await h.running('web.0');
  // Taken out of the files, and the tree was not told.
  h.processFile('');
  t.same(clean(h, '--unused', '--vmax', '0').names, []);
  h.write('images/app.2/etc/x', '');
  t.same(clean(h, '--unused', '--vmax', '0').names, ['images/app.2']);
});

t.test('§1.7 bad options', async t => {
  const h = await store(t);
  t.equal(clean(h, '--unused', '--used').code, 2);
  t.equal(clean(h, '-D', 'many').code, 2);
  t.equal(clean(h, '--keep-recent', 'soon').code, 2);
  t.equal(clean(h, '--nonsense').code, 2);
  t.equal(h.run('lithos_clean', '-C', h.path('none.yaml')).code, 1);
  t.same(
    ['30s', '15m', '1h', '2days', '1h 30m', '1 week', '', 'h', '1 fortnight', '1.5h'].map(parseDurationMs),
    [
      30_000,
      900_000,
      3_600_000,
      2 * DAY_MS,
      5_400_000,
      7 * DAY_MS,
      undefined,
      undefined,
      undefined,
      undefined,
    ],
  );
});

t.test('§1.9 mkdev: makes a minimal /dev, and stops at what is there already', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  const program = join(process.env.SUITE_ROOT ?? join(process.cwd(), '..'), 'lithos/bin/lithos_mkdev.sh');
  const mkdev = (...args: string[]) => spawnSync(program, args, { encoding: 'utf8' });
  const dir = h.path('a/b/dev');
  t.equal(mkdev(dir).status, 0);
  const devices = { null: 0x103, zero: 0x105, full: 0x107, random: 0x108, urandom: 0x109, tty: 0x500 };
  for (const [name, rdev] of Object.entries(devices)) {
    const found = statSync(join(dir, name));
    t.ok(found.isCharacterDevice() && found.rdev === rdev && (found.mode & 0o777) === 0o666, name);
  }
  t.ok(lstatSync(join(dir, 'pts')).isDirectory() && lstatSync(join(dir, 'shm')).isDirectory());
  const links = ['ptmx', 'fd', 'stdin', 'stdout', 'stderr'].map(name => readlinkSync(join(dir, name)));
  t.same(links, ['pts/ptmx', '/proc/self/fd', '/proc/self/fd/0', '/proc/self/fd/1', '/proc/self/fd/2']);
  t.equal(mkdev(dir).status, 1);
  t.match(mkdev('--version').stdout, /^lithos_mkdev \d+\.\d+\.\d+\n$/);
  t.match(mkdev('--verison'), { status: 1, stderr: /unknown option --verison\nUsage/ });
  const bare = mkdev();
  t.equal(bare.status, 1);
  t.match(bare.stderr, /Usage/);
});
