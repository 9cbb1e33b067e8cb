// lithos_check against a real directory of configs and images: what it finds, how it says it, what it answers.
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import t from 'tap';
import { Host } from '../support.ts';

t.setTimeout(300_000);

const SLEEP = 'while :; do sleep 1000; done';
const WEB = 'web: {image: app.1, config: /config/web.yaml}\n';

async function host(test: Pick<typeof t, 'teardown'>): Promise<Host> {
  const h = await Host.make();
  test.teardown(() => h.dispose());
  h.containerFile('web', SLEEP);
  h.processFile(WEB);
  return h;
}

t.test('§1.4 check-exit-codes, §1.4 check-verbose and §2.6 rule-1', async t => {
  const h = await host(t);
  const good = h.check('-v');
  t.equal(good.code, 0, good.stderr);
  t.match(good.stdout, `host ${hostname()}, address `);
  t.match(good.stdout, `sandboxes: ${h.sandbox}`);
  t.equal(good.stderr, '');
  t.equal(h.run('lithos_check', '-C', h.path('none.yaml')).code, 1, 'no master file');
  t.equal(h.check('--nonsense').code, 2);
  rmSync(h.path('sandboxes'), { recursive: true });
  const lost = h.check();
  t.equal(lost.code, 1);
  t.match(lost.stderr, /sandboxes-dir .* does not exist/);
});

t.test('§1.4 check-all-errors: of every file in one go; §2.6 rule-3 and §2.2 sandbox-files', async t => {
  const h = await host(t);
  for (const name of ['.hidden.yaml', 'old.yaml~', 'x.yaml.bak', '#y.yaml#', 'readme.txt'])
    h.write(`sandboxes/${name}`, 'not: {a: sandbox');
  t.equal(h.check().code, 0, 'what editors leave is passed over');
  h.sandboxFile('', 'lonely');
  const lonely = h.check();
  t.equal(lonely.code, 0, 'a missing process file is a warning');
  t.match(lonely.stderr, /lonely\.yaml:1:1: warning: .* nothing of this sandbox runs/);
  h.processFile('web: {image: app.1, config: [', 'lonely');
  h.write('sandboxes/broken.yaml', 'allow-usres: [0]\nimage-dir: rel\n');
  h.containerFile('web', SLEEP, 'kill-timeuot: 3');
  const bad = h.check();
  t.equal(bad.code, 1);
  t.match(
    bad.stderr,
    /processes\/lonely\.yaml:\d+:\d+: error/,
    'a process file that does not parse is an error',
  );
  t.match(bad.stderr, /broken\.yaml:2:12: error: the path must start with \//);
  t.match(bad.stderr, /broken\.yaml:1:1: error: the key "allow-usres"[\s\S]*did you mean allow-users/);
  t.match(bad.stderr, /web\.yaml:\d+:1: error: the key "kill-timeuot"/);
  t.match(bad.stderr, /lithos_check \S+: \d+ errors\n$/, 'with the version');
  const json = JSON.parse(h.check('--json').stdout);
  t.equal(json.ok, false);
  t.ok(json.diagnostics.length >= 4);
});

t.test('§1.4 check-alternate, §1.4 check-aliases and §2.6 rule-9', async t => {
  const h = await host(t);
  const next = h.write('next.yaml', 'web: {image: app.9, config: /config/web.yaml}');
  for (const option of ['--sandbox', '--sandbox-name', '--tree', '--subtree-name', '-T']) {
    const checked = h.check(option, h.sandbox, '--alternate-config', next);
    t.equal(checked.code, 1, option);
    t.match(checked.stderr, /next\.yaml:1:14: error: image app\.9 does not exist/);
  }
  t.match(h.check('--alternate-config', next).stderr, /--alternate-config needs --sandbox/);
  t.match(h.check('--sandbox', 'nobody', '--alternate-config', next).stderr, /there is no sandbox nobody/);
  t.equal(h.check('--sandbox', h.sandbox).code, 0, 'a sandbox alone changes nothing');
  const gone = h.check('--sandbox', h.sandbox, '--alternate-config', h.path('gone.yaml'));
  t.equal(gone.code, 1, 'an alternate file has to be there');
});

t.test('§1.4 check-container: offline, repeatable', async t => {
  const h = await host(t);
  const good = h.write('a.yaml', 'executable: /x\nuser-id: 77\n');
  const bad = h.write('b.yaml', 'executable: /x\narguments: ["@{v}"]\n');
  t.equal(h.run('lithos_check', '--check-container', good).code, 0);
  const both = h.run('lithos_check', '--check-container', good, '--check-container', bad);
  t.equal(both.code, 1);
  t.match(both.stderr, /b\.yaml:2:13: error: `@\{v\}` is not declared/);
});

t.test(
  '§2.6 rule-4, §2.6 name-syntax, §2.3 image, §2.3 config, §2.3 names and §2.4 container-lookup',
  async t => {
    const h = await host(t);
    h.processFile(
      [
        'a: {image: /app.1, config: /config/web.yaml}',
        'b: {image: app.1/sub, config: /config/web.yaml}',
        'c: {image: .., config: /config/web.yaml}',
        'd: {image: app.1, config: config/web.yaml}',
        'e: {image: app.1, config: /../../../../../etc/hostname}',
        'f: {image: app.1, config: /config/out.yaml}',
        'g h: {image: app.1, config: /config/web.yaml}',
      ].join('\n'),
    );
    const outside = h.write('outside.yaml', 'executable: /bin/true\n');
    symlinkSync(outside, h.path('images/app.1/config/out.yaml'));
    const { code, stderr } = h.check();
    t.equal(code, 1);
    for (const line of [1, 2, 3])
      t.match(stderr, new RegExp(`yaml:${line}:\\d+: error: .*(image name|path components)`));
    t.match(stderr, /yaml:4:\d+: error: the path must start with \//);
    t.match(stderr, /yaml:5:\d+: error: \/\.\.\/.* is no file of image app\.1/, 'never a file of the host');
    t.match(
      stderr,
      /yaml:6:\d+: error: \/config\/out\.yaml is no file of image app\.1/,
      'nor through a link',
    );
    t.match(stderr, /yaml:7:1: error: `g h` is no process name/);
  },
);

t.test('§2.6 image-exists and §2.6 mount-points-exist: and what else a start needs of the image', async t => {
  const h = await host(t);
  h.processFile('web: {image: app.1, config: /config/web.yaml}\nx: {image: no, config: /config/web.yaml}\n');
  const keys = ['workdir: /nowhere', 'hosts-file: {mount: true}', 'secret-environ-file: lost.yaml'].join(
    '\n',
  );
  h.sandboxFile('secrets-private-key: /nonexistent');
  h.containerFile('web', SLEEP, keys, { volumes: '  /missing: !Tmpfs' });
  const first = h.check();
  t.match(first.stderr, /image no does not exist/);
  t.match(first.stderr, /web\.yaml:\d+:\d+: error: \/nowhere is no directory of image app\.1/);
  t.match(first.stderr, /error: image app\.1 has no regular file \/etc\/hosts to mount over/);
  t.match(first.stderr, /error: \/config\/lost\.yaml is no file of image app\.1/);
  t.match(first.stderr, /error: \/missing in image app\.1: /);
  h.processFile(WEB);
  h.write('images/app.1/tool', '#!/bin/sh\n');
  h.write('images/app.1/config/web.yaml', 'executable: /tool\n');
  t.match(h.check().stderr, /\/tool in image app\.1 has no permission to be executed/);
  chmodSync(h.path('images/app.1/tool'), 0o755);
  t.equal(h.check().code, 0);
  h.write('images/app.1/config/web.yaml', 'executable: /tol\n');
  t.match(h.check().stderr, /web\.yaml:1:13: error: \/tol is no file of image app\.1/);
});

t.test('§2.6 secrets-decryptable, and what else only the host can tell', async t => {
  const h = await host(t);
  const secret = `v2:${'A'.repeat(8)}:${'B'.repeat(8)}:${'C'.repeat(8)}:DDDD`;
  h.containerFile(
    'web',
    SLEEP,
    `secret-environ: {PASSWORD: "${secret}"}\ndevices: [${h.path('no-device')}]\nio-limits: {/dev/null: {read-ops: 5}}`,
  );
  h.sandboxFile(
    [
      `secrets-private-key: ${h.path('key')}`,
      `allow-devices: [${h.path('no-device')}]`,
      `resolv-conf: ${h.path('no-resolv')}`,
    ].join('\n'),
  );
  const missing = h.check();
  t.equal(missing.code, 1);
  t.match(missing.stderr, /error: `secrets-private-key` .* does not exist/);
  t.match(missing.stderr, /error: .*no-device is no device/);
  t.match(missing.stderr, /error: \/dev\/null is no block device/);
  t.match(missing.stderr, /warning: .*no-resolv does not exist/);
  writeFileSync(h.path('key'), 'x', { mode: 0o644 });
  t.match(h.check().stderr, /may be read by others/);
});

t.test(
  '§2.1 mount-dir and §2.1 devfs-dir: understood, with a warning; limits without cgroups too',
  async t => {
    const h = await Host.make('mount-dir: m\ndevfs_dir: /dev\ncgroup-controllers: [memory]');
    t.teardown(() => h.dispose());
    h.containerFile('web', SLEEP, 'memory-limit: 1Gi\npids-limit: 5');
    h.processFile(WEB);
    const { code, stderr } = h.check();
    t.equal(code, 0, 'warnings only');
    t.match(stderr, /warning: `mount-dir` has no effect/);
    t.match(stderr, /warning: `devfs-dir` has no effect/);
    t.match(stderr, /warning: `pids-limit` has no effect: .*does not list pids/);
    t.notMatch(stderr, /`memory-limit`/);
    const master = h.write('null.yaml', `cgroup-name: null\nsandboxes-dir: ${h.path('sandboxes')}`);
    h.sandboxFile('share-namespaces: [pid]');
    const none = h.run('lithos_check', '-C', master);
    t.equal(none.code, 1);
    t.match(none.stderr, /warning: `memory-limit` has no effect: `cgroup-name` is null/);
    t.match(none.stderr, /error: sandbox .* without cgroups nothing could stop all of a container/);
  },
);

t.test('the plan says what would change, and why', async t => {
  const h = await host(t);
  mkdirSync(h.path('images/app.1/config'), { recursive: true });
  h.containerFile('web', SLEEP, 'variables: {v: !Name}');
  h.processFile('web: {image: app.1, config: /config/web.yaml, variables: {v: one}, instances: 2}\n');
  await h.start();
  await h.running('web.1');
  const next = h.write(
    'next.yaml',
    'web: {image: app.1, config: /config/web.yaml, variables: {v: two, w: x}}\nmore: {image: app.1, config: /config/web.yaml, variables: {v: a}}\n',
  );
  const { stdout, code } = h.check('--plan', '--sandbox', h.sandbox, '--alternate-config', next);
  t.equal(code, 0);
  t.match(stdout, `${h.name('web.1')} is stopped: not configured any more`);
  t.match(stdout, `${h.name('more.0')} starts`);
  t.match(
    stdout,
    `${h.name('web.0')} is stopped, then started with its new configuration: variables.v one → two, variables.w none → x`,
  );
  t.match(h.check('--plan').stdout, `${h.name('web.0')} stays as it is`);
});
