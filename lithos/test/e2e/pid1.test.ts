// lithos_tree as PID 1 of a host made of namespaces.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@suite/shared/ports/real.ts';
import t from 'tap';
import type { Master } from '../../src/adapters/load-master.ts';
import { TreeLog } from '../../src/adapters/logs/tree-log.ts';
import { makeReadOnly } from '../../src/daemon/machine.ts';
import { childrenOf, Host, isAlive, processesOf, procFile, until } from '../support.ts';

t.setTimeout(300_000);

const SLEEP = 'while :; do sleep 1000; done';
/** New pid and mount namespaces, an own /proc, and an empty /run as on a machine that just booted. */
const NEW_HOST = [
  ...['unshare', '--fork', '--pid', '--mount', '--uts', '--mount-proc', '--kill-child', 'sh', '-c'],
  ...['mount -t tmpfs run /run && exec "$@"', 'sh'],
];

function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function newHost(test: Pick<typeof t, 'teardown'>): Promise<Host> {
  const h = await Host.make();
  test.teardown(() => h.dispose());
  h.sandboxFile('share-namespaces: [pid]', `${h.sandbox}-mon`);
  h.containerFile('web', SLEEP, 'restart-timeout: 0');
  // The subshell ends at once, so its child loses its parent: in the container's own tree, or to PID 1 of the host.
  h.containerFile('mon', `(sh -c "sleep 0.2; exit 5" &); cat /proc/1/comm; ${SLEEP}`, 'restart-timeout: 0');
  h.processFile('web: {image: app.1, config: /config/web.yaml, instances: 2}\n');
  h.processFile('mon: {image: app.1, config: /config/mon.yaml}\n', `${h.sandbox}-mon`);
  await h.start(NEW_HOST);
  return h;
}

function pidInside(h: Host, name: string): number | null | undefined {
  return h.status()?.instances.find(item => item.name === name)?.pid;
}

t.test(
  '§1.1 stop-signals, §6 reaping: it is PID 1, runs everything, reaps orphans, and powers off with exit code 0',
  async t => {
    const h = await newHost(t);
    const mon = `${h.sandbox}-mon/mon.0`;
    t.equal(h.status()?.pid, 1);
    const tree = h.treePid();
    const web = await until('both web instances run', () => {
      const found = processesOf(h.name('web.0')).length > 0 && processesOf(h.name('web.1'));
      return found && found.length > 0 ? found : undefined;
    });
    await until('mon runs', () => processesOf(mon).length > 0);
    await until('every monitor is a child of PID 1', () => onlyMonitors(tree));
    // An orphan of the host itself: nsenter's child loses its parent.
    const orphan = spawnSync('nsenter', [
      '-t',
      String(tree),
      '-p',
      '-m',
      'sh',
      '-c',
      '(sleep 1000; exit 7) >/dev/null 2>&1 & echo started',
    ]);
    t.equal(orphan.stdout.toString(), 'started\n');
    // Not the one of the container that shares our pids.
    const isOurs = (pid: number) => procFile(pid, 'cmdline').includes('sleep 1000; exit 7');
    const adopted = await until('PID 1 has adopted it', () => childrenOf(tree).find(isOurs));
    process.kill(await until('it sleeps', () => childrenOf(adopted)[0]), 'SIGKILL');
    await until('and reaped it', () => !isAlive(adopted) && !isZombie(adopted));
    await until('it has said so', () => /reaped an orphan.*"status":7/.test(h.log()));
    for (const signal of ['SIGHUP', 'SIGQUIT'] as const) {
      const reloads = h.status()?.reloads ?? 0;
      process.kill(tree, signal);
      await until(`${signal} was obeyed`, () => (h.status()?.reloads ?? 0) > reloads);
      t.equal(h.status()?.pid, 1);
    }
    t.ok(web.every(isAlive), 'the containers did not notice');
    const pid = pidInside(h, mon);
    process.kill(processesOf(mon)[0] as number, 'SIGKILL');
    await until(
      'the monitor sandbox was started again',
      () => pidInside(h, mon) !== pid && pidInside(h, mon) != null,
    );
    process.kill(tree, 'SIGPWR');
    await until('the host has powered off', () => h.tree?.exitCode !== null);
    t.equal(h.tree?.exitCode, 0);
    t.same(h.leftOver(), []);
    t.same(h.cgroups(), []);
  },
);

/** Those of three instances, and what holds their output pipes. */
function onlyMonitors(tree: number): boolean {
  const names = childrenOf(tree)
    .map(pid => procFile(pid, 'comm'))
    .sort();
  return names.join('') === 'conmon\nconmon\nconmon\nsleep\n';
}

t.test('a container whose monitor dies becomes a child of PID 1, which then knows its exit code', async t => {
  const h = await newHost(t);
  const tree = h.treePid();
  await until('it runs', () => h.instance('web.0')?.state === 'running');
  const isOfWeb0 = (pid: number) => procFile(pid, 'cmdline').includes('web.0');
  const monitor = await until('only monitors are left', () =>
    onlyMonitors(tree) ? childrenOf(tree).find(isOfWeb0) : undefined,
  );
  const first = childrenOf(monitor)[0] as number;
  process.kill(monitor, 'SIGKILL');
  await until('adopted', () => childrenOf(tree).includes(first));
  t.ok(isAlive(first), 'the container goes on');
  process.kill(first, 'SIGKILL');
  const again = await until('started again', () => {
    const found = h.instance('web.0');
    return found?.run === 2 && found.state === 'running' ? found : undefined;
  });
  t.equal(again.lastExit?.code, 137, 'the code came from the kernel, not from the monitor');
});

t.test('§6 reaping: two hundred orphans at once leave no zombie and no wrong exit code', async t => {
  const h = await newHost(t);
  const tree = h.treePid();
  await until('it runs', () => h.instance('web.0')?.state === 'running');
  const storm = 'i=0; while [ $i -lt 200 ]; do (sleep 1234 &) ; i=$((i+1)); done';
  spawnSync('nsenter', ['-t', String(tree), '-p', '-m', 'sh', '-c', storm], { stdio: 'ignore' });
  const isOrphan = (pid: number) => procFile(pid, 'cmdline') === 'sleep\x001234\0';
  const orphans = await until('PID 1 has adopted them', () => {
    const found = childrenOf(tree).filter(isOrphan);
    return found.length === 200 && found;
  });
  for (const pid of orphans) process.kill(pid, 'SIGKILL');
  await until('the program is there', () => processesOf(h.name('web.0')).length > 0);
  // Meanwhile its own children come and go.
  for (let run = 1; run <= 3; run++) {
    process.kill(processesOf(h.name('web.0'))[0] as number, 'SIGKILL');
    await until('started again', () => {
      const found = h.instance('web.0');
      return found?.run === run + 1 && found.state === 'running' && processesOf(h.name('web.0')).length > 0;
    });
    t.match(h.instance('web.0')?.lastExit, { code: 137 });
  }
  await until('only monitors are left', () => onlyMonitors(tree) && !childrenOf(tree).some(isZombie));
  t.notOk(/could not be started|bug:/.test(h.log()));
});

t.test('a broken upgrade does not end the host: it is tried again until it works', async t => {
  const h = await newHost(t);
  const tree = h.treePid();
  const first = await until('it runs', () => processesOf(h.name('web.0'))[0]);
  const inside = (...argv: string[]) =>
    spawnSync('nsenter', ['-t', String(tree), '-p', '-m', ...argv]).status;
  const conmon = spawnSync('sh', ['-c', 'readlink -f "$(command -v conmon)"']).stdout.toString().trim();
  t.equal(inside('mount', '--bind', '/dev/null', conmon), 0);
  const reloads = h.status()?.reloads ?? 0;
  process.kill(tree, 'SIGQUIT');
  await until(
    'it has failed twice',
    () => (h.log().match(/fatal: conmon is not installed/g) ?? []).length >= 2,
  );
  t.ok(isAlive(first));
  t.equal(inside('umount', conmon), 0);
  await until('it works again', () => (h.status()?.reloads ?? 0) > reloads);
  t.ok(isAlive(first), 'the containers did not notice');
  process.kill(tree, 'SIGTERM');
  await until('the host has powered off', () => h.tree?.exitCode !== null);
  t.equal(h.tree?.exitCode, 0);
});

t.test('§6 power: a disk becomes read-only once the log on it is closed', async t => {
  const disk = mkdtempSync(join(tmpdir(), 'lithos-'));
  t.equal(spawnSync('mount', ['-t', 'tmpfs', 'disk', disk]).status, 0);
  t.teardown(() => {
    spawnSync('umount', [disk]);
    rmSync(disk, { recursive: true });
  });
  const keys = { stdioLogSize: 1_000_000, stdioLogFiles: 2, syslogFacility: null, syslogAppName: 'lithos' };
  const master = { paths: { logDir: disk, logFile: `${disk}/master.log` }, keys } as unknown as Master;
  const log = new TreeLog({ master, clock: realClock, level: 'warn', also: [] });
  log.logger.warn('power-off: everything has stopped');
  t.match(makeReadOnly([disk]), [/stays writable: .*EBUSY/], 'not while we have the log open');
  log.reopen();
  t.same(makeReadOnly([disk]), []);
  t.throws(() => writeFileSync(`${disk}/late`, ''), { code: 'EROFS' });
});
