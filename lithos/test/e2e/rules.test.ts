// Rules of the supervisor as a whole that need a real tree and belong to no other file.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { detectCgroupLayout, unifiedOptions } from '@suite/shared/linux/cgroup.ts';
import { ownCgroupMounts } from '@suite/shared/linux/cgroup-files.ts';
import { CgroupMoves } from '@suite/shared/linux/cgroup-moves.ts';
import t from 'tap';
import { childrenOf, command, Host, isAlive, procFile, until } from '../support.ts';

t.setTimeout(300_000);

const SLEEP = 'while :; do sleep 1000; done';
const WEB = 'web: {image: app.1, config: /config/web.yaml}\n';

async function host(test: Pick<typeof t, 'teardown'>, script = SLEEP, keys = ''): Promise<Host> {
  const h = await Host.make();
  test.teardown(() => h.dispose());
  h.containerFile('web', script, keys);
  h.processFile(WEB);
  return h;
}

t.test('§1.1 tree-options, §1.1 tree-exit-codes and §1.1 directories', async t => {
  const h = await host(t);
  const tree = (...args: string[]) => h.run('lithos_tree', ...args);
  t.equal(tree('--version').code, 0);
  t.equal(tree('--help').code, 0);
  t.equal(tree('--nonsense').code, 2);
  t.equal(tree('-C').code, 2, 'a value is missing');
  t.equal(tree('--log-level', 'loud').code, 2);
  const missing = tree(`--config=${h.path('none.yaml')}`);
  t.equal(missing.code, 1);
  t.match(missing.stderr, /^Fatal error: .*none\.yaml/);
  h.write('bad.yaml', 'runtime-dir: here\n');
  t.equal(tree('-C', h.path('bad.yaml')).code, 1);
  const bare = spawnSync(process.execPath, [command('lithos_tree'), '-C', h.path('master.yaml')], {
    env: { ...process.env, SUITE_RUNTIME: 'none that exists' },
    encoding: 'utf8',
    timeout: 30_000,
  });
  t.equal(bare.status, 127);
  t.match(bare.stderr, /no OCI runtime that works here/);
  await h.start();
  for (const directory of ['run', 'run/state', 'log', 'log/config', 'log/stdio'])
    t.ok(statSync(h.path(directory)).isDirectory(), directory);
});

t.test('§1.1 state-emptied and §7 master-log: what is left after a stop is its story', async t => {
  const h = await host(t);
  await h.start();
  await h.running('web.0');
  t.ok(existsSync(h.path(`run/state/${h.sandbox}/web.0`)));
  t.equal(await h.stop(), 0);
  t.same(readdirSync(h.path('run/state')), []);
  const lines = (file: string) =>
    readFileSync(h.path(file), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>);
  for (const entry of lines('log/master.log')) {
    t.match(entry.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/);
    t.match(entry.level, /^(error|warn|info|debug|trace)$/);
  }
});

t.test('§3.1 sandboxes-dir-gone: nothing that runs is touched, and it is said', async t => {
  const h = await host(t);
  await h.start();
  const { pid } = await h.running('web.0');
  renameSync(h.path('sandboxes'), h.path('elsewhere'));
  await h.reload();
  t.match(h.status()?.errors[0], /sandboxes-dir .* does not exist/);
  t.equal((await h.running('web.0')).pid, pid);
  renameSync(h.path('elsewhere'), h.path('sandboxes'));
  await h.reload();
  t.same(h.status()?.errors, []);
  t.equal((await h.running('web.0')).pid, pid);
});

t.test('§3.2 identity-scope: container, sandbox and master file restart nothing, the entry does', async t => {
  const h = await host(t, SLEEP, 'variables: {v: !Name}');
  const entry = (more: string) => h.processFile(`web: {image: app.1, config: /config/web.yaml, ${more}}\n`);
  entry('variables: {v: a}');
  await h.start();
  let { pid, run } = await h.running('web.0');
  h.containerFile('web', `echo changed; ${SLEEP}`, 'variables: {v: !Name}\nmemory-limit: 1Gi');
  h.sandboxFile('additional-hosts: {db: 10.0.0.1}');
  writeFileSync(
    h.path('master.yaml'),
    `${readFileSync(h.path('master.yaml'), 'utf8')}\nshutdown-timeout: 30\n`,
  );
  await h.reload();
  t.equal((await h.running('web.0')).pid, pid);
  for (const change of [
    'variables: {v: b}',
    'variables: {v: b, extra: x}',
    'variables: {v: b}, ip-addresses: [10.0.0.1]',
    'variables: {v: b}, extra-secrets-namespaces: [n]',
  ]) {
    entry(change);
    await h.reload();
    const next = await h.running('web.0', run);
    t.not(next.pid, pid, change);
    ({ pid, run } = next);
  }
  entry('extra-secrets-namespaces: [n], variables: {v: b}');
  await h.reload();
  t.equal((await h.running('web.0')).pid, pid, 'another spelling of the same is the same');
});

t.test(
  '§2.5 types-enforced and §2.2 allow-tcp-ports: the tree starts nothing that a check would refuse',
  async t => {
    const h = await host(t, SLEEP, 'variables: {v: !Choice [one], p: !TcpPort}');
    h.sandboxFile('allow-tcp-ports: [8000]');
    const entry = (v: string, p: number) =>
      h.processFile(`web: {image: app.1, config: /config/web.yaml, variables: {v: ${v}, p: ${p}}}\n`);
    entry('two', 8000);
    await h.start();
    t.equal(h.status()?.sandboxes[0]?.ok, false);
    t.same(h.status()?.instances, []);
    entry('one', 8001);
    await h.reload();
    t.match(h.status()?.sandboxes[0]?.errors, [/port 8001 is not in `allow-tcp-ports`/]);
    t.same(h.status()?.instances, []);
    entry('one', 8000);
    await h.reload();
    await h.running('web.0');
  },
);

t.test(
  '§3.4 dangling-state and §3.4 dangling-cgroups: what nobody owns is cleared away at the start',
  async t => {
    const h = await host(t);
    await h.start();
    await h.running('web.0');
    await h.crash();
    const state = h.path(`run/state/${h.sandbox}/gone.0`);
    mkdirSync(join(state, 'deep'), { recursive: true });
    mkdirSync(h.path('run/state/nobody/x.0'), { recursive: true });
    const scopes = h.cgroups().map(directory => join(directory, `${h.sandbox}:gone.0.scope`));
    t.ok(scopes.length > 0);
    for (const scope of scopes) mkdirSync(scope, { recursive: true });
    await h.start();
    await until(
      'the directories are gone',
      () => !existsSync(state) && !existsSync(h.path('run/state/nobody')),
    );
    await until('the cgroups are gone', () => !scopes.some(existsSync));
    t.ok(existsSync(h.path(`run/state/${h.sandbox}/web.0`)), 'what runs keeps its own');
  },
);

t.test('§3.5 history-missing and §3.5 history-line: what is written when', async t => {
  const h = await host(t);
  const log = h.path(`log/config/${h.sandbox}.log`);
  rmSync(h.path(`processes/${h.sandbox}.yaml`));
  await h.start();
  t.notOk(existsSync(log), 'nothing for a missing process file');
  h.processFile('web: [');
  await h.reload();
  t.notOk(existsSync(log), 'nor for a broken one');
  h.processFile(WEB);
  await h.reload();
  await h.reload();
  t.equal(readFileSync(log, 'utf8').trim().split('\n').length, 2, 'one line each time, changed or not');
});

/** Of a tree, as long as it lives: the root of a v1 hierarchy, reached through a descriptor: it is mounted in no directory. */
function holdsHierarchy(pid: number): boolean {
  const fds = readdirSync(`/proc/${pid}/fd`);
  return fds.some(fd => existsSync(`/proc/${pid}/fd/${fd}/cgroup.sane_behavior`));
}

const mountinfo = () => readFileSync('/proc/self/mountinfo', 'utf8');
const isUnified = detectCgroupLayout(mountinfo()) === 'v2';
const isFavored = (pid: number) =>
  isUnified ? unifiedOptions(mountinfo()).includes('favordynmods') : holdsHierarchy(pid);

/** Not before Linux 6.0, nor inside a container. */
function canFavor(h: Host): boolean {
  try {
    const moves = new CgroupMoves(ownCgroupMounts());
    moves.favor(h.path('favor-mark'));
    moves.disfavor(h.path('favor-mark'));
    return true;
  } catch {
    return false;
  }
}

t.test('§2.1 cgroup-favordynmods: from the start, until the tree ends or is told not to', async t => {
  const h = await host(t);
  const can = canFavor(h);
  const before = unifiedOptions(mountinfo());
  await h.start();
  const { pid } = await h.running('web.0');
  if (!can) {
    t.notOk(isFavored(h.treePid()));
    t.match(h.log(), 'moves into cgroups wait for the kernel');
    return;
  }
  t.ok(isFavored(h.treePid()));
  const seen = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  if (isUnified) {
    t.match(seen, /^0::.*\n$/, 'programs that look at the first line only find v2');
    t.same(unifiedOptions(mountinfo()).sort(), [...before, 'favordynmods'].sort());
  } else {
    t.match(seen, /^\d+:name=favordynmods:\/$/m, 'operators see it');
    t.notMatch(readFileSync(`/proc/${h.treePid()}/mountinfo`, 'utf8'), 'favordynmods', 'mounted nowhere');
  }
  const tellTree = async (value: boolean) => {
    const master = readFileSync(h.path('master.yaml'), 'utf8').replace(/\ncgroup-favordynmods: .*/, '');
    h.write('master.yaml', `${master}\ncgroup-favordynmods: ${value}\n`);
    const reloads = h.status()?.reloads ?? 0;
    h.signal('SIGQUIT');
    await until('re-executed', () => (h.status()?.reloads ?? 0) > reloads);
  };
  await tellTree(false);
  t.notOk(isFavored(h.treePid()));
  await tellTree(true);
  t.ok(isFavored(h.treePid()));
  t.equal((await h.running('web.0')).pid, pid);
  await h.stop();
  t.same(unifiedOptions(mountinfo()), before);
});

t.test('§3.2 strangers: children that are no instances are never signalled', async t => {
  const h = await host(t);
  const newHost = ['unshare', '--fork', '--pid', '--mount', '--mount-proc', '--kill-child'];
  await h.start(newHost);
  const tree = h.treePid();
  spawnSync('nsenter', ['-t', String(tree), '-p', '-m', 'sh', '-c', '(sleep 1000 >/dev/null 2>&1 &)']);
  const isSleep = (pid: number) => procFile(pid, 'cmdline') === 'sleep\x001000\0';
  const stranger = await until('PID 1 has adopted it', () => childrenOf(tree).find(isSleep));
  await h.reload();
  const reloads = h.status()?.reloads ?? 0;
  h.signal('SIGQUIT');
  await until('re-executed', () => (h.status()?.reloads ?? 0) > reloads);
  await h.reload();
  t.ok(isAlive(stranger));
  process.kill(stranger, 'SIGKILL');
  await until('and reaped', () => !isAlive(stranger));
});
