// The real thing: mmdebstrap, the OCI runtime, signals and terminals. One small Debian is built and used by all.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Rig, until } from './rig.ts';

const rig = new Rig();
t.teardown(() => rig.remove());

const CONFIG = `containers:
  base:
    setup:
    - !Debian bookworm
  app:
    environ: {FROM: container}
    volumes:
      /data: !Persistent data
      /scratch: !Tmpfs {size: 1Mi}
    setup:
    - !Container base
    - !Install [tree]
    - !EnsureDir /data
    - !EnsureDir /scratch
    - !Text {/etc/greeting: "hello\\n"}
    - !Copy
      source: /work/src
      path: /src
    - !Sh |
        cat /etc/greeting > /etc/copied
        echo done >> /etc/copied
  broken:
    setup:
    - !Container base
    - !Sh |
        seq 30
        exit 5
  slow:
    setup:
    - !Container base
    - !Sh |
        echo begun
        sleep 7654
  tidy:
    auto-clean: true
    setup:
    - !EnsureDir /one
    - !Depends src
  far:
    setup:
    - !Repo universe
commands:
  args: !Command
    container: app
    description: Shows its arguments
    accepts-arguments: true
    run: echo "$FROM $1"; pwd; exit 7
  look: !Command
    container: app
    run: cat /etc/copied /src/file; tree --version; touch /data/kept /scratch/x /work/made; touch /etc/x
  none: !Command {container: app, run: [/no/such/program]}
  lost: !Command {container: app, run: [no-such-program]}
  wait: !Command {container: app, run: "echo waiting; sleep 7655; true"}
  stubborn: !Command {container: app, run: "trap '' TERM; echo stubborn; while :; do sleep 7660; done"}
  term: !Command {container: app, run: "tty && read line && echo got $line"}
  after: !Command {container: app, run: "echo after", prerequisites: [before], epilog: "the end\\n"}
  before: !Command {container: app, run: "echo before"}
  far: !Command {container: far, run: x}
  true: !Command {container: app, run: [/bin/true]}
  net: !Command {container: app, isolate-network: true, run: "wc -l < /proc/net/dev"}
  both: !Supervise
    children:
      one: !Command {container: app, run: "echo first; sleep 0.3; exit 3"}
      two: !Command {container: app, run: "echo second; sleep 7656"}
  forever: !Supervise
    kill-unresponsive-after: 1
    children:
      deaf: !Command {container: app, run: "trap '' INT TERM; echo deaf; while :; do sleep 7657; done"}
      fine: !Command {container: app, run: "echo fine; sleep 7658"}
`;

t.before(() => {
  rig.write('vagga.yaml', CONFIG);
  rig.write('src/file', 'one\n');
});

t.test(
  '§3.4 layout, §3.4 package-lists, §3.5 built-line: a container is built from Debian packages',
  async t => {
    const built = rig.run('_build', 'app');
    t.equal(built.code, 0, built.stderr);
    t.equal(built.stdout, '', 'stdout stays empty');
    t.match(built.stderr, /app \[2\/7\] !Install .*: done/);
    t.match(built.stderr, /: Container base \([0-9a-f]{8}\) built in \d+ seconds\.$/m);
    const target = readlinkSync(join(rig.root, '.vagga/app'));
    const short = rig.run('_version_hash', '-s', 'app').stdout.trim();
    t.equal(target, `.roots/app.${short}/root`);
    const files = rig.list(`.vagga/.roots/app.${short}`).filter(name => name !== 'unflushed');
    t.same(files, [
      'build.log',
      'debian-packages.txt',
      'gid_map',
      'identity.json',
      'last_use',
      'layers.json',
      'root',
      'timings.json',
      'timings.log',
      'uid_map',
    ]);
    t.match(rig.read('.vagga/app/etc/copied'), 'hello\ndone\n');
    t.match(rig.read(`.vagga/.roots/app.${short}/debian-packages.txt`), /^ii\s+tree /m);
    t.equal(rig.read('.vagga/app/etc/resolv.conf'), '', "the host's names do not stay in the image");
    t.match(
      rig.list('.vagga/.cache/apt-cache-debian').join(),
      /tree_.*\.deb/,
      'downloads are kept outside of the image',
    );
    t.notMatch(rig.list('.vagga/app/var/cache/apt/archives').join(), 'deb');
    t.equal(statSync(join(rig.root, '.vagga/app/src/file')).mtimeMs, 1000, 'copies have a fixed time');
  },
);

t.test('§3.5 reuse: nothing is built twice, edits are noticed', async t => {
  t.equal(rig.run('true').stderr, '', 'up to date: not a word');
  rig.write('src/file', 'two\n');
  const rebuilt = rig.run('look');
  t.match(rebuilt.stderr, /Container app \([0-9a-f]{8}\) built/);
  t.notMatch(rebuilt.stderr, /Container base \(/, 'the parent is as it was');
  t.match(rebuilt.stdout, 'two\n');
  rig.write('src/file', 'one\n');
  const back = rig.run('true');
  t.equal(back.stderr, '', 'the version of before is still there');
  t.match(rig.read('.vagga/app/src/file'), 'one\n', 'and is the current one again');
});

t.test('auto-clean leaves only the current version', async t => {
  t.equal(rig.run('_build', 'tidy').code, 0);
  rig.write('src/file', 'three\n');
  t.equal(rig.run('_build', 'tidy').code, 0);
  t.equal(rig.list('.vagga/.roots').filter(name => name.startsWith('tidy.')).length, 1);
  rig.write('src/file', 'one\n');
});

t.test('commands run in the container, in the project', async t => {
  const args = rig.run('args', 'a b');
  t.same(args, { code: 7, stdout: 'container a b\n/work\n', stderr: '' });
  const look = rig.run('look');
  t.match(look.stdout, /hello\ndone\none\ntree v/);
  t.match(look.stderr, /Read-only file system/);
  t.equal(look.code, 1);
  t.ok(rig.has('made') && rig.has('.vagga/.volumes/data/kept'));
  t.match(rig.run('-E', 'FROM=option', 'args', 'x').stdout, 'option x');
  t.same(rig.run('_run', 'app', 'cat', '/etc/greeting'), { code: 0, stdout: 'hello\n', stderr: '' });
  t.equal(rig.run('net').stdout, '3\n', 'an isolated network has the loopback only');
});

t.test('exit codes (spec §4.9)', async t => {
  const listing = rig.run();
  t.equal(listing.code, 127);
  t.match(listing.stderr, '    args                Shows its arguments\n');
  const unknown = rig.run('agrs');
  t.equal(unknown.code, 121);
  t.match(unknown.stderr, 'Command "agrs" not found and is not an alias\nDid you mean args?');
  t.match(rig.run('_biuld'), { code: 121, stderr: /\nDid you mean _build\?\n$/ });
  t.match(rig.run('lost'), { code: 124, stderr: 'Command no-such-program not found in "/usr/local/sbin' });
  t.match(rig.run('before', 'x'), { code: 122, stderr: 'Unexpected argument x' });
  t.match(rig.run('--nope'), { code: 122, stderr: 'Unknown option --nope' });
  t.match(rig.run('far'), {
    code: 121,
    stderr: /vagga\.yaml:\d+:7: error: this step requires some linux distribution to be active/,
  });
  t.match(rig.run('_clean'), { code: 1, stderr: 'give one of --tmp' });
  t.match(rig.run('_build', 'ap'), { code: 121, stderr: 'Container "ap" not found' });
  t.match(rig.run('--no-build', 'far'), { code: 29 });
  t.match(rig.run('--version'), { code: 0 });
  t.equal(rig.run('_list').stdout.split('\n').length, 15);
  const other = new Rig();
  const [problem, ...beginning] = other.run('x').stderr.split('\n\n');
  t.match(problem, /^Config not found in path /);
  other.write('vagga.yaml', beginning.join('\n\n'));
  t.match(
    other.run(),
    { code: 127, stderr: / {4}run {17}What `vagga` shows about it\n/ },
    'it can be copied',
  );
  t.equal(other.run('x').code, 121);
  other.write('vagga.yaml', 'containers: {a: {setup: [!Nope x]}}\n');
  t.match(other.run('x'), {
    code: 126,
    stderr: `${other.root}/vagga.yaml:1:26: Validation Error: The tag Nope`,
  });
  const run = (name: string, container: string) =>
    `  ${name}: !Command {container: ${container}, run: a, prerequisites: [x]}\n`;
  other.write(
    'vagga.yaml',
    `containers: {base: {setup: []}}\ncommands:\n${run('x', 'bas')}${run('y', 'nope')}`,
  );
  const missing = other.run('y');
  t.equal(missing.code, 121);
  t.match(missing.stderr, /:3:\d+: Validation Error: Container "bas" not found\n {4}did you mean base\?\n/);
  t.match(
    missing.stderr,
    /:4:\d+: Validation Error: Container "nope" not found/,
    'all that this start needs, at once',
  );
  other.write('vagga.yaml', 'mixins: [directory]\n');
  other.write('.vagga.settings.yaml/file', '');
  t.match(other.run(), { code: 126, stderr: /\.vagga\.settings\.yaml: Error reading file: EISDIR/ });
  other.remove();
});

t.test('prerequisites and epilog', async t => {
  t.same(rig.run('after'), { code: 0, stdout: 'before\nafter\nthe end\n', stderr: '' });
  t.equal(rig.run('--no-prerequisites', 'after').stdout, 'after\nthe end\n');
});

t.test('§2.0 failure, §3.5 failed-build: a failed step says where, why and what came out', async t => {
  const failed = rig.run('_build', 'broken');
  t.equal(failed.code, 121);
  t.match(failed.stderr, /last 20 lines of output:\n {2}12\n/);
  t.match(
    failed.stderr,
    /vagga\.yaml:\d+:7: - !Sh \|\nError building container "broken": step !Sh .* exited with code 5/,
  );
  const log = /full output: (.*)/.exec(failed.stderr)?.[1] ?? '';
  t.match(rig.read(log.slice(rig.root.length)), /\n1\n2\n3\n/);
  t.ok(rig.has('.vagga/.roots/.tmp.broken/root'), 'the half-built root stays for inspection');
});

const leftovers = () => ({
  temporary: rig
    .list('.vagga/.roots')
    .filter(name => name.startsWith('.tmp.slow') && !name.endsWith('.lock')),
  bundles: rig.list('.vagga/.run'),
  mounts: rig.mounts(),
});

t.test('one build at a time, and Ctrl-C leaves nothing', async t => {
  const slow = rig.start(['_build', 'slow']);
  await until(() => rig.processes('sleep 7654').length > 1, 'the step runs', 60_000);
  const second = rig.run('_build', 'slow');
  t.match(second, { code: 121, stderr: /Can't lock container build \(.*\.tmp\.slow\.lock\)/ });
  const waiting = rig.start(['_build', 'slow'], { VAGGA_SETTINGS: 'build-lock-wait: true' });
  await waiting.shows('Waiting...');
  waiting.child.kill('SIGINT');
  t.match(await waiting.ended, { code: 130 }, 'waiting for the lock can be interrupted');
  slow.child.kill('SIGINT');
  t.match(await slow.ended, { code: 130 });
  t.same(leftovers(), { temporary: [], bundles: [], mounts: [] });
  t.same(rig.processes('sleep 7654'), []);
});

t.test('Ctrl-C during the bootstrap leaves nothing', async t => {
  const boot = rig.start(['_build', '--force', 'base']);
  const log = '.vagga/.roots/.tmp.base/build.log';
  await until(
    () => rig.has(log) && rig.read(log).includes('I: running apt-get update'),
    'bootstrap',
    240_000,
  );
  boot.child.kill('SIGINT');
  t.match(await boot.ended, { code: 130 });
  t.same(rig.processes(join(rig.root, '.vagga/.roots/.tmp.base')).length, 0, 'nobody works on it any more');
  t.same(leftovers(), { temporary: [], bundles: [], mounts: [] });
});

const engineStates = () => readdirSync('/run/vagga');

t.test('a killed vagga leaves nothing for long (spec §5.4)', async t => {
  const before = engineStates();
  const waiting = rig.start(['wait']);
  await waiting.shows('waiting');
  waiting.child.kill('SIGKILL');
  await until(() => rig.processes('sleep 7655').length === 0, 'the program ends with vagga');
  const building = rig.start(['_build', 'slow']);
  await until(() => rig.processes('sleep 7654').length > 1, 'the step runs', 60_000);
  building.child.kill('SIGKILL');
  await until(() => rig.processes('sleep 7654').length === 0, 'the step ends with vagga');
  const stubborn = rig.start(['stubborn']);
  await stubborn.shows('stubborn');
  stubborn.child.kill('SIGKILL');
  await once(stubborn.child, 'exit');
  t.ok(rig.processes('sleep 7660').length > 0, 'who does not listen goes on');
  // Those of the two before are swept at the same time.
  await until(() => rig.list('.vagga/.run').length === 1, 'its bundle is left');
  t.equal(rig.run('true').code, 0);
  await until(() => rig.processes('sleep 7660').length === 0, 'only until the next run');
  t.same(rig.list('.vagga/.run'), []);
  await until(() => engineStates().join() === before.join(), 'the engine has nothing left');
});

t.test('a run does not touch what another runs', async t => {
  const waiting = rig.start(['wait']);
  await waiting.shows('waiting');
  t.equal(rig.run('true').code, 0);
  t.equal(rig.list('.vagga/.run').length, 1);
  t.ok(rig.processes('sleep 7655').length > 0);
  waiting.child.kill('SIGTERM');
  t.equal((await waiting.ended).code, 143);
});

t.test('a run has no device of the host, and can make none', async t => {
  const made = rig.run('_run', 'app', 'mknod', '/dev/disk', 'b', '8', '0');
  t.match(made, { code: 1, stderr: /Operation not permitted/ });
});

t.test('odd files: refused with their name, never waited for', async t => {
  const other = new Rig();
  other.write('vagga.yaml', 'containers: {c: {setup: [!Depends src]}}\n');
  other.write('src/good', '');
  writeFileSync(Buffer.concat([Buffer.from(`${other.root}/src/`), Buffer.from([0xff])]), '');
  t.match(other.run('_version_hash', 'c'), { code: 124, stderr: /name of \/work\/src\/.* is not UTF-8/ });
  spawnSync('mkfifo', [join(other.root, 'pipe')]);
  other.write('vagga.yaml', 'mixins: [pipe]\n');
  t.match(other.run(), {
    code: 127,
    stderr: /Skipping mixin .*pipe: Error reading file: it is not a regular file/,
  });
  other.remove();
});

t.test('signals reach the program and its end is ours', async t => {
  const waiting = rig.start(['wait']);
  await waiting.shows('waiting');
  waiting.child.kill('SIGTERM');
  t.equal((await waiting.ended).code, 143);
  t.same(rig.processes('sleep 7655'), []);
  t.same(rig.list('.vagga/.run'), []);
});

t.test('a TERM in the middle of the start is not lost', async t => {
  for (const round of Array.from({ length: 12 }).keys()) {
    const waiting = rig.start(['wait']);
    const { child } = waiting;
    await until(() => rig.list('.vagga/.run').length > 0, 'the bundle');
    // Not synchronisation: each round meets another moment of the engine's start.
    await new Promise(resolve => setTimeout(resolve, round));
    child.kill('SIGTERM');
    await until(() => child.exitCode !== null || child.signalCode !== null, `the end, round ${round}`);
    t.same(rig.processes('sleep 7655'), [], `${round} ms after the bundle`);
    t.equal(rig.run('true').code, 0, 'which also sweeps the bundle of one that ended before its start');
  }
});

t.test('a terminal is passed through', async t => {
  const { stdout, code } = rig.inTerminal(['term'], 'typed\n');
  t.match(stdout, /\/dev\/(pts\/\d+|console)/);
  t.match(stdout, 'got typed');
  t.equal(code, 0);
});

t.test('§1.6 children: run together, with prefixes; the first failure ends all', async t => {
  const { code, stdout } = rig.run('both');
  t.equal(code, 3);
  t.match(stdout, /^one \| first$/m);
  t.match(stdout, /^two \| second$/m);
  t.match(stdout, /---------- Process one:\d+ exited with code 3\. Shutting down -----------/);
  t.same(rig.processes('sleep 7656'), []);
  t.match(rig.run('both', '--only', 'one', '--no-log-prefix').stdout, /^first$/m);
  t.match(rig.run('both', '--only', 'three'), { code: 127 });
});

t.test('§1.6 kill-unresponsive-after: Ctrl-C stops in order, who does not listen is killed', async t => {
  const running = rig.start(['forever'], { FORCE_COLOR: '1' });
  await running.shows('deaf\n');
  await running.shows('fine\n');
  t.match(running.stdout, '\x1b[36mdeaf |\x1b[39m deaf');
  running.child.kill('SIGINT');
  const { code, stdout, stderr } = await running.ended;
  t.equal(code, 130);
  t.match(stderr, 'Received SIGINT signal. Waiting the processes to stop...');
  t.match(stdout, 'Processes ["deaf"] are still alive. Killing ...');
  t.same([...rig.processes('sleep 7657'), ...rig.processes('sleep 7658'), ...rig.list('.vagga/.run')], []);
});
