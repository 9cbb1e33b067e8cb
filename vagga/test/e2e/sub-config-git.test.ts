// `!SubConfig` with a `!Git` source: served by git's own daemon, which goes away in between.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { freePort } from '@suite/shared/linux/free-port.ts';
import t from 'tap';
import { Rig } from './rig.ts';

const rig = new Rig();
const origins = new Rig();
const origin = join(origins.root, 'shared');

function git(...words: string[]): string {
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
  return execFileSync('git', ['-C', origin, ...identity, ...words], { encoding: 'utf8' }).trim();
}

function commit(files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(origin, name)), { recursive: true });
    writeFileSync(join(origin, name), text);
  }
  git('add', '-A');
  git('commit', '-qm', 'x');
  return git('rev-parse', 'HEAD');
}

const answers = (port: number) =>
  new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

let daemon: ChildProcess | undefined;

async function startDaemon(port: number): Promise<void> {
  const where = [`--port=${port}`, '--listen=127.0.0.1', `--base-path=${origins.root}`];
  const child = spawn('git', ['-c', 'safe.directory=*', 'daemon', '--export-all', '--reuseaddr', ...where], {
    stdio: 'ignore',
    env: { ...process.env, HOME: origins.root },
  });
  daemon = child;
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error('git daemon ended');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

async function stopDaemon(port: number): Promise<void> {
  daemon?.kill();
  daemon = undefined;
  while (await answers(port)) await new Promise(resolve => setTimeout(resolve, 20));
}

t.teardown(() => {
  daemon?.kill();
  rig.remove();
  origins.remove();
});

const BASE = `  base:
    setup:
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
`;
const project = (source: string, more = '', name = 'x') =>
  rig.write(
    'vagga.yaml',
    `containers:\n${BASE}  c:\n    setup:\n    - !Container base\n    - !SubConfig {source: !Git {${source}}, container: ${name}${more}}\n`,
  );
const other = (script: string) => `containers:\n  x:\n    setup:\n    - !Sh ${script}\n`;
const hash = () => rig.run('_version_hash', '-s', 'c');
const inside = (...words: string[]) => rig.run('_run', 'c', '/bin/busybox', ...words).stdout;

t.test('§2.4 !SubConfig, §9 sub-config: the config comes from a repository', async t => {
  cpSync('/bin/busybox', join(rig.root, 'busybox'));
  const port = await freePort();
  const url = `git://127.0.0.1:${port}/shared`;
  execFileSync('git', ['init', '-q', '-b', 'main', origin]);
  writeFileSync(join(origins.root, '.gitconfig'), '[safe]\n\tdirectory = *\n');
  const one = commit({ 'vagga.yaml': other('echo one > /from'), 'sub/vagga.yaml': other('true') });

  await t.test('offline and never fetched: nothing is known, and the build says what it wants', async t => {
    project(`url: '${url}'`);
    t.match(hash(), { code: 29, stdout: '', stderr: /is not fetched yet/ });
    t.match(rig.run('--no-build', '_run', 'c', 'true'), { code: 29 });
    t.match(rig.run('_why', 'c'), { stdout: /not fetched yet/ });
    const failed = rig.run('_build', 'c');
    t.equal(failed.code, 121);
    t.match(failed.stderr, /vagga\.yaml:10:7: error: the config of !SubConfig: git:.* cannot be fetched: /);
    t.match(failed.stderr, /git fetch failed: .*(refused|unable to connect)/s);
    t.same(
      rig.list('.vagga/.roots').filter(name => name.startsWith('.tmp.c')),
      [],
    );
  });

  await t.test('its steps are those of the identity, as if they stood here', async t => {
    await startDaemon(port);
    t.match(rig.run('_build', 'c'), { code: 0 });
    t.equal(inside('cat', '/from'), 'one\n');
    const known = hash().stdout;
    const withDirectory = `containers:\n${BASE}  c:\n    setup:\n    - !Container base\n    - !SubConfig {path: same.yaml, container: x}\n`;
    rig.write('same.yaml', other('echo one > /from'));
    rig.write('vagga.yaml', withDirectory);
    t.equal(hash().stdout, known, '§3.2 SubConfig: where the config is read does not count');
  });

  await t.test('a branch stays at its commit until it is asked for again', async t => {
    project(`url: '${url}'`);
    const before = hash().stdout;
    commit({ 'vagga.yaml': other('echo two > /from') });
    t.equal(hash().stdout, before);
    t.notMatch(rig.run('_build', 'c').stderr, /fetched|built in/);
    await stopDaemon(port);
    const forced = rig.run('_build', '--force', 'c');
    t.match(forced, { code: 0, stderr: / WARN .* cannot be fetched.*Going on with/s });
    t.equal(inside('cat', '/from'), 'one\n');
    await startDaemon(port);
    t.match(rig.run('_build', '--force', 'c'), { code: 0 });
    t.equal(inside('cat', '/from'), 'two\n');
    t.not(hash().stdout, before);
    // A !Git step moves the branches of the same mirror, not what the config was read from.
    commit({ 'vagga.yaml': other('echo three > /from') });
    const text = rig.read('vagga.yaml');
    const now = hash().stdout;
    rig.write('vagga.yaml', `${text}  tree:\n    setup:\n    - !Git {url: '${url}', path: /tree}\n`);
    t.match(rig.run('_build', 'tree'), { code: 0 });
    t.equal(hash().stdout, now);
  });

  await t.test('revisions, other branches, includes and local mixins of the repository', async t => {
    project(`url: '${url}', revision: ${one}`);
    t.match(rig.run('_build', 'c'), { code: 0 });
    t.equal(inside('cat', '/from'), 'one\n');
    git('checkout', '-qb', 'side');
    commit({
      'deep/main.yaml': 'mixins: [more.yaml]\ncontainers: {}\n',
      'deep/more.yaml': 'containers:\n  z: !*Include piece.yaml\n',
      'deep/piece.yaml': 'setup:\n- !Sh echo side > /from\n',
      'deep/vagga.local.yaml': 'containers:\n  y:\n    setup:\n    - !Sh echo local > /from\n',
    });
    git('checkout', '-q', 'main');
    for (const [name, text] of Object.entries({ z: 'side\n', y: 'local\n' })) {
      project(`url: '${url}', branch: side`, ', path: deep/main.yaml', name);
      t.match(rig.run('_build', 'c'), { code: 0 });
      t.equal(inside('cat', '/from'), text);
    }
    project(`url: '${url}', branch: nobody`);
    t.match(rig.run('_build', 'c'), { code: 121, stderr: /branch "nobody" is not in git:/ });
    project(`url: '${url}', revision: v99`);
    t.match(rig.run('_build', 'c'), { code: 121, stderr: /revision "v99" is not in git:/ });
    project(`url: '${url}'`, ', path: none.yaml');
    t.match(rig.run('_build', 'c'), { code: 121, stderr: /none\.yaml does not exist/ });
    project(`url: '${url}'`, '', 'nobody');
    t.match(rig.run('_build', 'c'), { code: 121, stderr: /Container "nobody" not found in git:/ });
  });

  await t.test('an ordinary user, through a config that names another repository', async t => {
    const user = new Rig({ as: 'user' });
    t.teardown(() => user.remove());
    cpSync('/bin/busybox', join(user.root, 'busybox'));
    commit({
      'outer.yaml': `containers:\n  x:\n    setup:\n    - !SubConfig {source: !Git {url: '${url}', revision: ${one}}, container: x}\n    - !Sh echo outer >> /from\n`,
    });
    const steps = `    - !Container base\n    - !SubConfig {source: !Git {url: '${url}'}, path: outer.yaml, container: x}\n`;
    user.write('vagga.yaml', `containers:\n${BASE}  c:\n    setup:\n${steps}`);
    t.equal(user.run('_version_hash', 'c').code, 29);
    t.match(user.run('_build', 'c'), { code: 0 });
    t.equal(user.run('_run', 'c', '/bin/busybox', 'cat', '/from').stdout, 'one\nouter\n');
    t.match(user.run('_version_hash', '-s', 'c'), { code: 0, stdout: /^[0-9a-f]{8}\n$/ });
    t.match(user.run('_why', 'c').stdout, /is up to date/);
  });

  await t.test('nothing in a repository leads out of it', async t => {
    rig.write('secret.yaml', other('echo leaked > /from'));
    symlinkSync(join(rig.root, 'secret.yaml'), join(origin, 'absolute.yaml'));
    symlinkSync('../../../../../../../../etc/passwd', join(origin, 'climbs.yaml'));
    symlinkSync('round.yaml', join(origin, 'round.yaml'));
    symlinkSync('/', join(origin, 'slash'));
    symlinkSync('sub/vagga.yaml', join(origin, 'good.yaml'));
    commit({ 'large.yaml': '#'.repeat(20_000_000) });
    git('checkout', '-q', 'main');
    project(`url: '${url}'`, ', path: good.yaml');
    t.match(rig.run('_build', '--force', 'c'), { code: 0 }, 'a link inside of it is followed');
    for (const [path, message] of Object.entries({
      'absolute.yaml': /leads out of the repository/,
      'climbs.yaml': /leads out of the repository/,
      'round.yaml': /round in a circle/,
      [`slash${rig.root}/secret.yaml`]: /leads out of the repository/,
      sub: /is not a file/,
      'large.yaml': /is larger than \d+ bytes/,
    })) {
      project(`url: '${url}'`, `, path: ${path}`);
      t.match(rig.run('_build', 'c'), { code: 121, stderr: message }, path);
    }
    project(`url: '${url}'`, ', path: ../secret.yaml');
    t.match(rig.run('_build', 'c'), { code: 126, stderr: /The \/\.\.\/ is not allowed in path/ });
    for (const bad of [
      `url: --upload-pack=x`,
      `url: '..'`,
      `url: '${url}', branch: --all`,
      `url: 'ext::sh -c id'`,
    ]) {
      project(bad);
      t.match(rig.run('_build', 'c'), { code: 121, stderr: /cannot be |not allowed/ }, bad);
    }
  });
  rmSync(origin, { recursive: true });
});
