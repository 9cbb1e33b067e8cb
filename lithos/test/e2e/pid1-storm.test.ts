// What PID 1 must survive: a thousand orphans at once, and a shutdown in which nobody helps.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeBundle } from '@suite/shared/oci/bundle.ts';
import { toOciConfig } from '@suite/shared/oci/config.ts';
import { probeRuntime } from '@suite/shared/oci/probe.ts';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import { hostImage } from '@suite/shared/oci/trial.ts';
import { realProc } from '@suite/shared/ports/real.ts';
import t from 'tap';
import { childrenOf, Host, isAlive, processesOf, procFile, until } from '../support.ts';

t.setTimeout(300_000);

/** New pid and mount namespaces, an own /proc, and an empty /run as on a machine that just booted. */
const NEW_HOST = [
  ...['unshare', '--fork', '--pid', '--mount', '--uts', '--mount-proc', '--kill-child', 'sh', '-c'],
  ...['mount -t tmpfs run /run && exec "$@"', 'sh'],
];
const PIDS = 200;
/** In the order of their bits (linux/capability.h). */
const CAPABILITY_BITS = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
).split(' ');
const ROOT = process.env.SUITE_ROOT ?? join(process.cwd(), '..');
const ORPHANS = 1_000;
const REAP_DEADLINE_MS = 1_000;
/** Other work on the machine may spoil one measurement, not all of them. */
const STORMS = 3;
const KILL_TIMEOUT_S = 2;
/** What is allowed on top of the kill-timeout: TERM, KILL and the removal of three containers on a busy machine. */
const SHUTDOWN_SLACK_MS = 10_000;

function state(pid: number): string {
  try {
    return /^\d+ \(.*\) (.)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}

/** Milliseconds from the end of so many orphans until all of them are reaped. */
async function storm(tree: number): Promise<number> {
  // Each subshell ends at once, so what it started loses its parent to PID 1.
  const script = `i=0; while [ $i -lt ${ORPHANS} ]; do (sleep 1234 &); i=$((i+1)); done`;
  spawnSync('nsenter', ['-t', String(tree), '-p', '-m', 'sh', '-c', script], { stdio: 'ignore' });
  const isOrphan = (pid: number) => procFile(pid, 'cmdline') === 'sleep\x001234\0';
  const orphans = await until('PID 1 is the parent of all of them', () => {
    const found = childrenOf(tree).filter(isOrphan);
    return found.length === ORPHANS && found;
  });
  for (const pid of orphans) process.kill(pid, 'SIGKILL');
  const endedMs = performance.now();
  await until('all are reaped', () => orphans.every(pid => state(pid) === ''));
  return performance.now() - endedMs;
}

t.test('§6 reaping: a thousand orphans that end at once are reaped within a second', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  h.containerFile('web', 'while :; do sleep 1000; done', 'restart-timeout: 0');
  h.processFile('web: {image: app.1, config: /config/web.yaml}\n');
  await h.start(NEW_HOST);
  const tree = h.treePid();
  await until('the container runs', () => h.instance('web.0')?.state === 'running');
  await until('its output pipes are held', () => existsSync(h.path('run/pipe-holder.pid')));
  let tookMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < STORMS && tookMs >= REAP_DEADLINE_MS; round++) tookMs = await storm(tree);
  t.ok(tookMs < REAP_DEADLINE_MS, `all reaped after ${Math.round(tookMs)} ms`);
  t.equal(h.instance('web.0')?.restarts, 0, 'the container did not notice');
});

t.test('§1.1 a shutdown ends in time whatever its containers do, with exit code 0', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  const keys = `restart-timeout: 0\nkill-timeout: ${KILL_TIMEOUT_S}`;
  h.containerFile('deaf', 'trap "" TERM; while :; do sleep 1000; done', keys);
  h.containerFile('stopped', 'while :; do sleep 1000; done', keys);
  // It goes off only when its limit has been seen from outside: without one it would take the machine along.
  const bomb = `while [ ! -e /data/go ]; do sleep 0.05; done; f() { f | f & wait; }; f; while :; do f; done`;
  h.containerFile('bomb', bomb, `${keys}\npids-limit: ${PIDS}`, {
    volumes: '  /data: !Persistent {path: /data}',
  });
  h.processFile(
    ['deaf', 'stopped', 'bomb']
      .map(name => `${name}: {image: app.1, config: /config/${name}.yaml}\n`)
      .join(''),
  );
  await h.start(NEW_HOST);
  const tree = h.treePid();
  await until('the bomb has its limit', () => pidsLimit(h, 'bomb.0') === String(PIDS));
  h.write('data/go', '');
  await until('it has gone off', () => processesOf(h.name('bomb.0')).length > PIDS / 2);
  for (const pid of await until('stopped.0 runs', () => some(processesOf(h.name('stopped.0')))))
    process.kill(pid, 'SIGSTOP');
  await until('deaf.0 runs', () => some(processesOf(h.name('deaf.0'))));
  const askedMs = performance.now();
  process.kill(tree, 'SIGPWR');
  await until('the host has powered off', () => h.tree?.exitCode !== null);
  const tookMs = performance.now() - askedMs;
  t.equal(h.tree?.exitCode, 0);
  t.ok(tookMs < KILL_TIMEOUT_S * 1000 + SHUTDOWN_SLACK_MS, `it took ${Math.round(tookMs)} ms`);
  t.notOk(isAlive(tree));
  t.same(h.leftOver(), []);
  t.same(h.cgroups(), []);
});

function pidsLimit(h: Host, instance: string): string {
  const scope = `${h.cgroup}/${h.sandbox}:${instance}.scope/pids.max`;
  const found = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].map(root => join(root, scope)).find(existsSync);
  return found === undefined ? '' : readFileSync(found, 'utf8').trim();
}

/** More than we have ourselves cannot be given. */
function ownCapabilities(): string[] {
  const mask = BigInt(`0x${/^CapBnd:\s+(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]}`);
  return CAPABILITY_BITS.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
}

/** A container of the plain runtime, allowed everything, in which lithos_tree is the first process. */
async function containerOf(h: Host, argv: readonly string[]): Promise<string[]> {
  const runtime = await probeRuntime(realProc);
  if (runtime.kind === 'none') throw new Error(runtime.message);
  const rootPath = h.path('outer');
  const system = await hostImage(rootPath);
  for (const place of [ROOT, h.directory, '/run', '/tmp', '/etc'])
    mkdirSync(join(rootPath, place), { recursive: true });
  const bind = (source: string): SandboxMount => ({
    type: 'bind',
    source,
    target: source,
    readonly: false,
    recursive: true,
    nosuid: false,
    nodev: false,
  });
  const config = toOciConfig({
    rootPath,
    readonlyRoot: false,
    args: argv,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', TERM: 'dumb' },
    cwd: '/',
    uid: 0,
    gid: 0,
    mounts: [
      ...system,
      bind(ROOT),
      bind('/etc'),
      bind(h.directory),
      { ...bind('/sys/fs/cgroup') },
      { type: 'tmpfs', target: '/run', readonly: false },
      { type: 'tmpfs', target: '/tmp', readonly: false },
    ],
    namespaces: { pid: 'new', network: 'host', mount: 'new', ipc: 'new', uts: 'new' },
    capabilities: ownCapabilities(),
    noNewPrivileges: false,
    seccomp: 'unconfined',
    maskedPaths: [],
    readonlyPaths: [],
    terminal: false,
    limits: {},
    cgroupPath: `/${h.cgroup}-outer`,
    annotations: {},
  });
  await writeBundle(h.path('bundle'), config);
  return runtime.wrap([
    runtime.program,
    '--root',
    h.path('outer-state'),
    'run',
    '--bundle',
    h.path('bundle'),
    h.sandbox,
  ]);
}

t.test('§6.6 it is PID 1 of an OCI container', async t => {
  const h = await Host.make();
  t.teardown(() => h.dispose());
  h.containerFile('web', 'echo hello; while :; do sleep 1000; done', 'restart-timeout: 0');
  h.processFile('web: {image: app.1, config: /config/web.yaml, instances: 2}\n');
  const argv = await containerOf(h, h.commandLine());
  await h.start(() => argv);
  await until('both run', () => h.status()?.instances.filter(item => item.state === 'running').length === 2);
  t.equal(h.status()?.pid, 1);
  process.kill(processesOf(h.name('web.0'))[0] as number, 'SIGKILL');
  await until(
    'it was restarted',
    () => h.instance('web.0')?.run === 2 && h.instance('web.0')?.state === 'running',
  );
  process.kill(h.treePid(), 'SIGTERM');
  await until('the container has ended', () => h.tree?.exitCode !== null);
  t.equal(h.tree?.exitCode, 0);
  t.same(h.leftOver(), []);
});

function some(pids: number[]): number[] | undefined {
  return pids.length > 0 ? pids : undefined;
}
