import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import t, { type Test } from 'tap';
import { cgroupPaths } from '../../src/linux/cgroup.ts';
import { cgroupProcesses, ownCgroupMounts, removeCgroup } from '../../src/linux/cgroup-files.ts';
import { mount, umount } from '../../src/linux/mount.ts';
import { parseStatus, processStartTime } from '../../src/linux/proc.ts';
import { listenSocket } from '../../src/linux/sockets.ts';
import { createMonitored, type MonitorOptions, readExit, startMonitored } from '../../src/oci/monitor.ts';
import { probeRuntime, type RuntimeChoice } from '../../src/oci/probe.ts';
import { OciRuntime } from '../../src/oci/runtime.ts';
import type { SandboxSpec } from '../../src/oci/sandbox.ts';
import { realProc } from '../../src/ports/real.ts';
import { bundle, type Laboratory, laboratory, output, says, shell, spec } from '../helpers/sandbox.ts';

const CATATONIT = { hostPath: '/usr/bin/catatonit' };
const ALL_NEW = { pid: 'new', network: 'new', mount: 'new', ipc: 'new', uts: 'new' } as const;
const ONE_TO_ONE = [{ inside: 0, outside: 100_000, count: 65_536 }];
const DEADLINE_MS = 60_000;

const directory = mkdtempSync(join(tmpdir(), 'oci-test-'));
chmodSync(directory, 0o755);

/** Resolves when the file is there, without asking again and again. */
async function appears(parent: string, name: string): Promise<void> {
  mkdirSync(parent, { recursive: true });
  const watcher = watch(parent);
  const timer = setTimeout(
    () => watcher.emit('error', new Error(`${parent}/${name} did not appear`)),
    DEADLINE_MS,
  );
  while (!existsSync(join(parent, name))) await once(watcher, 'change');
  clearTimeout(timer);
  watcher.close();
}

/** Resolves when there is no such process any more, not even one that waits for its parent. */
async function gone(pid: number): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (processStartTime(pid) !== undefined) {
    if (Date.now() > deadline) throw new Error(`process ${pid} does not end`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

async function usableRuntimes(): Promise<RuntimeChoice[]> {
  const found: RuntimeChoice[] = [];
  for (const SUITE_RUNTIME of ['crun', 'crun-private-mount', 'runc']) {
    const choice = await probeRuntime(realProc, { env: { ...process.env, SUITE_RUNTIME } });
    if (choice.kind !== 'none') found.push(choice);
  }
  return found;
}

/** Lines `NAME=text` of a script's output. */
function facts(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map(line => line.split(/=(.*)/s, 2) as [string, string]),
  );
}

async function settings(t: Test, runtime: OciRuntime, lab: Laboratory): Promise<void> {
  const script = `
    while read -r name value rest; do case $name in CapEff:|CapBnd:|CapAmb:|NoNewPrivs:|Seccomp:|Groups:) echo "$name=$value"; esac; done < /proc/self/status
    echo "user=$(id -u):$(id -g)"; echo "host=$(uname -n)"; echo "cwd=$(pwd)"; echo "env=$COLOUR"; echo "files=$(ulimit -n)"
    echo "one=$(tr '\\0' ' ' < /proc/1/cmdline)"; 
    touch /x 2>/dev/null && echo "root=writable" || echo "root=readonly"
    touch /sys/x 2>/dev/null || echo x > /sys/kernel/mm/ksm/run 2>/dev/null && echo "sys=writable" || echo "sys=readonly"
    touch /data/x && echo "data=writable"; echo "tmp=$(stat -f -c %b /tmp) $(stat -c %a /tmp)"
    echo 1 2>/dev/null > /proc/sys/kernel/panic && echo "procsys=writable" || echo "procsys=readonly"
    echo "keys=$(wc -c < /proc/keys)"; echo "devices=$(cd /dev; ls -d full null ptmx pts random shm tty urandom zero | tr '\\n' ' ')"
    echo "flags=$(grep ' /data ' /proc/self/mountinfo | cut -d' ' -f6)"
    head -c 8 /dev/urandom | wc -c > /dev/null && echo "random=ok"; echo "links=$(ls /sys/class/net | tr '\\n' ' ')"`;
  const data = mkdtempSync(join(lab.directory, 'data-'));
  chownSync(data, 1000, 1000);
  const result = await output(
    runtime,
    lab,
    spec(lab, shell(script), {
      uid: 1000,
      gid: 1000,
      cwd: '/data',
      env: { PATH: '/usr/bin:/bin', COLOUR: 'grün = x' },
      hostname: 'inner',
      init: CATATONIT,
      limits: { noFile: 321 },
      mounts: [
        { type: 'bind', source: data, target: '/data', readonly: false },
        { type: 'tmpfs', target: '/tmp', readonly: false, sizeBytes: 65_536, mode: 0o1777 },
      ],
    }),
  );
  t.equal(result.code, 0, result.stderr);
  const seen = facts(result.stdout);
  t.match(seen, {
    'CapEff:': '0000000000000000',
    'CapBnd:': '0000000000000000',
    'NoNewPrivs:': '1',
    'Seccomp:': '2',
    user: '1000:1000',
    host: 'inner',
    cwd: '/data',
    env: 'grün = x',
    files: '321',
    one: /^\/dev\/init -- \/bin\/sh -c /,
    root: 'readonly',
    sys: 'readonly',
    data: 'writable',
    tmp: '16 1777',
    procsys: 'readonly',
    keys: '0',
    flags: /nosuid,nodev/,
    random: 'ok',
    links: 'lo',
  });
  t.equal(seen.devices, 'full null ptmx pts random shm tty urandom zero ');
  t.equal(hostname() === 'inner', false);
}

async function privileges(t: Test, runtime: OciRuntime, lab: Laboratory): Promise<void> {
  const script =
    'grep -E "Cap(Eff|Amb)" /proc/self/status | tr -d "\\n"; unshare -U true 2>/dev/null && echo yes || echo no';
  const bound = { capabilities: ['NET_BIND_SERVICE', 'CAP_KILL'], uid: 33, gid: 33, additionalGids: [4] };
  const limited = await output(runtime, lab, spec(lab, shell(`id -G; ${script}`), bound));
  t.match(limited.stdout, /^33 4\nCapEff:\t0000000000000420CapAmb:\t0000000000000420no\n$/, limited.stderr);
  const open = { seccomp: 'unconfined', maskedPaths: [], readonlyPaths: [], noNewPrivileges: false } as const;
  const loose = await output(
    runtime,
    lab,
    spec(
      lab,
      shell('grep -E "Seccomp:|NoNewPrivs" /proc/self/status; test -w /proc/sys/kernel/panic && echo open'),
      open,
    ),
  );
  t.equal(loose.stdout, 'NoNewPrivs:\t0\nSeccomp:\t0\nopen\n', loose.stderr);
  const device = { path: '/dev/again', type: 'c', major: 1, minor: 5, mode: 0o600 } as const;
  const extra = await output(
    runtime,
    lab,
    spec(lab, shell('head -c 3 /dev/again | wc -c'), { devices: [device] }),
  );
  t.equal(extra.stdout.trim(), '3', extra.stderr);
}

async function userNamespace(t: Test, runtime: OciRuntime, lab: Laboratory): Promise<void> {
  const volume = mkdtempSync(join(lab.directory, 'mapped-'));
  chmodSync(volume, 0o755);
  const mounts = [
    { type: 'bind', source: volume, target: '/data', readonly: false, directory: true },
  ] as const;
  const user = { uidMappings: ONE_TO_ONE, gidMappings: ONE_TO_ONE };
  const script = `cat /proc/self/uid_map | tr -s ' '; touch /sys/x 2>&1; echo 1 2>&1 > /sys/fs/cgroup/pids/cgroup.procs
    ls -d /proc/1 /dev/pts/ptmx; grep -c . /proc/net/dev; grep ' /sys' /proc/self/mountinfo | cut -d' ' -f6 | cut -d, -f1 | sort -u`;
  for (const namespaces of [
    { ...ALL_NEW, user },
    { ...ALL_NEW, network: 'host' as const, user },
    { ...ALL_NEW, network: 'host' as const, pid: 'host' as const, user },
  ]) {
    const flags = await output(
      runtime,
      lab,
      spec(lab, shell('grep " /data " /proc/self/mountinfo | cut -d" " -f6'), { namespaces, mounts }),
    );
    t.match(flags.stdout, /^rw,nosuid,nodev/, flags.stderr);
    const result = await output(runtime, lab, spec(lab, shell(script), { namespaces }));
    t.match(result.stdout, / 0 100000 65536/, `${namespaces.network} ${namespaces.pid}: ${result.stderr}`);
    t.match(result.stdout, /\/dev\/pts\/ptmx\n/);
    t.match(result.stdout, /\nro\n$/, 'every mount at and below /sys is read-only');
    t.notMatch(result.stdout, /\nrw\n/);
  }
}

async function sharedPids(t: Test, runtime: OciRuntime, lab: Laboratory): Promise<void> {
  const namespaces = { ...ALL_NEW, pid: 'host', network: 'host', uts: 'host' } as const;
  const result = await output(
    runtime,
    lab,
    spec(lab, shell(`test -d /proc/${process.pid} && cat /proc/${process.pid}/comm; uname -n`), {
      namespaces,
    }),
  );
  t.equal(result.stdout, `${readFileSync('/proc/self/comm', 'utf8')}${hostname()}\n`, result.stderr);
  const joined = await output(
    runtime,
    lab,
    spec(lab, shell('ls /sys/class/net; readlink /proc/self/ns/net'), {
      namespaces: { ...ALL_NEW, network: { path: `/proc/${process.pid}/ns/net` } },
    }),
  );
  t.equal(joined.code, 0, joined.stderr);
  t.match(joined.stdout, readFileSync('/proc/self/net/dev', 'utf8').includes('eth0') ? /eth0/ : /lo/);
}

/** What a monitoring program in a sandbox needs: the host's processes and cgroups, nothing of it writable. */
async function hostCgroups(t: Test, runtime: OciRuntime, lab: Laboratory): Promise<void> {
  const namespaces = { ...ALL_NEW, pid: 'host', network: 'host' } as const;
  const tree = '/sys/fs/cgroup';
  const mounts = [{ type: 'bind', source: tree, target: tree, readonly: true, recursive: true }] as const;
  const script = `find ${tree} -maxdepth 2 -name cgroup.procs | grep -c .; mkdir ${tree}/x ${tree}/pids/x 2>/dev/null && echo writable; true`;
  const result = await output(runtime, lab, spec(lab, shell(script), { namespaces, mounts }));
  t.match(result.stdout, /^[1-9]\d*\n$/, result.stderr);
}

async function nestedVolumes(t: Test, runtime: OciRuntime, lab: Laboratory): Promise<void> {
  const outer = mkdtempSync(join(lab.directory, 'outer-'));
  mkdirSync(join(outer, 'below'));
  mkdirSync(join(outer, 'place'));
  mount({ source: 'tmpfs', target: join(outer, 'below'), type: 'tmpfs' });
  try {
    writeFileSync(join(outer, 'below', 'file'), 'x');
    const volume = { type: 'bind', source: outer, target: '/data', readonly: true } as const;
    const inner = { type: 'tmpfs', target: '/data/place', readonly: false } as const;
    const script =
      'ls /data/below; grep " /data" /proc/self/mountinfo | cut -d" " -f5,6 | grep -vc "nosuid,nodev"; touch /data/below/y 2>/dev/null && echo writable; touch /data/place/z && echo inner; rm -f /data/below/y';
    const all = await output(
      runtime,
      lab,
      spec(lab, shell(script), { mounts: [inner, { ...volume, recursive: true }] }),
    );
    t.equal(all.stdout, 'file\n0\ninner\n', `recursive and read-only all the way down; ${all.stderr}`);
    const top = await output(runtime, lab, spec(lab, shell(script), { mounts: [inner, volume] }));
    t.equal(top.stdout, '0\ninner\n', 'not recursive: what is mounted below the source stays outside');
  } finally {
    umount(join(outer, 'below'));
  }
}

async function monitorOptions(
  runtime: OciRuntime,
  lab: Laboratory,
  description: SandboxSpec,
): Promise<MonitorOptions> {
  const { id, path } = await bundle(lab, description);
  const files = {
    logPath: join(path, 'log'),
    pidFile: join(path, 'pid'),
    conmonPidFile: join(path, 'conmon.pid'),
  };
  return {
    runtime,
    id,
    bundle: path,
    exitDir: join(lab.directory, 'exits'),
    persistDir: join(path, 'persist'),
    ...files,
  };
}

async function lifeCycle(t: Test, runtime: OciRuntime, lab: Laboratory): Promise<void> {
  const options = await monitorOptions(
    runtime,
    lab,
    spec(lab, shell('echo out; echo err >&2; exec sleep 60'), {
      init: CATATONIT,
      annotations: { 'test.identity': '{"a":"ü"}' },
    }),
  );
  const created = await createMonitored(options);
  if ('error' in created) throw new Error(created.error.message);
  t.match(await runtime.state(options.id), { status: 'created', pid: created.pid, bundle: options.bundle });
  t.equal(readFileSync(options.pidFile, 'utf8').trim(), String(created.pid));
  t.equal(await runtime.start(options.id), undefined);
  t.match(await runtime.state(options.id), { status: 'running' });
  const listed = await runtime.list();
  t.match(Array.isArray(listed) && listed.find(each => each.id === options.id), { pid: created.pid });
  const config = JSON.parse(readFileSync(join(options.bundle, 'config.json'), 'utf8')) as {
    annotations: object;
  };
  t.same(config.annotations, { 'test.identity': '{"a":"ü"}' });
  await says(options.logPath, 'err');
  const conmon = Number(readFileSync(options.conmonPidFile, 'utf8'));
  t.not(
    parseStatus(readFileSync(`/proc/${conmon}/status`, 'utf8')).ppid,
    process.pid,
    'the monitor is nobody of ours',
  );
  t.equal(await readExit(options.id, options), undefined, 'still running');
  t.equal(await runtime.kill(options.id, 'SIGTERM'), undefined);
  await appears(options.exitDir, options.id);
  t.same(await readExit(options.id, options), { code: 143, oomKilled: false });
  t.match(
    readFileSync(options.logPath, 'utf8'),
    /^\S+ std(out|err) F (out|err)\n\S+ std(out|err) F (out|err)\n$/,
  );
  t.match(await runtime.state(options.id), { status: 'stopped', pid: 0 });
  t.equal(await runtime.kill(options.id, 'SIGKILL'), undefined, 'a stopped one is no failure');
  t.equal(await runtime.delete(options.id), undefined);
  t.equal(await runtime.state(options.id), undefined);
  t.equal(await runtime.kill(options.id, 9), undefined);
  t.equal(await runtime.delete(options.id, true), undefined, 'nor one that is gone');
}

async function failures(t: Test, runtime: OciRuntime, lab: Laboratory): Promise<void> {
  const missing = await monitorOptions(runtime, lab, spec(lab, ['/does/not/exist']));
  const result = await startMonitored(missing);
  t.match(result, { error: { message: /does\/not\/exist/ } });
  t.equal(await runtime.state(missing.id), undefined, 'nothing is left behind');
  const broken = await monitorOptions(runtime, lab, spec(lab, ['/bin/true']));
  writeFileSync(join(broken.bundle, 'config.json'), '{');
  t.match(await startMonitored(broken), { error: { message: /.{5}/ } });
  t.match(await runtime.start('nothing-of-that-name'), { error: /not exist|no such/i });
}

async function outOfMemory(t: Test, runtime: OciRuntime, lab: Laboratory): Promise<void> {
  const eater = 'b=bytearray()\nwhile True: b.extend(bytes(1000000))';
  const cgroupPath = `/test-oci-${process.pid}/memory`;
  const options = await monitorOptions(
    runtime,
    lab,
    spec(lab, ['/usr/bin/python3', '-c', eater], { limits: { memoryBytes: 48 * 1024 * 1024 }, cgroupPath }),
  );
  const started = await startMonitored(options);
  if ('error' in started) throw new Error(started.error.message);
  await appears(options.exitDir, options.id);
  t.same(await readExit(options.id, { ...options, cgroupPath }), { code: 137, oomKilled: true });
  await runtime.delete(options.id);
}

async function sockets(t: Test, runtime: OciRuntime, lab: Laboratory): Promise<void> {
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const held = [0, 1].map(offset =>
    listenSocket({
      host: '127.0.0.1',
      port: port + offset,
      backlog: 5,
      reuseAddress: true,
      reusePort: false,
    }),
  );
  const program = `import socket,os\nfor fd in (3,4):\n  c,_=socket.socket(fileno=fd).accept(); c.sendall(b'fd%d' % fd); c.close()\nprint(sorted(int(n) for n in os.listdir('/proc/self/fd'))[:6], flush=True)`;
  const logFd = openSync(join(lab.directory, 'raw.log'), 'w');
  const options = await monitorOptions(
    runtime,
    lab,
    spec(lab, ['/usr/bin/python3', '-c', program], { init: CATATONIT }),
  );
  const started = await startMonitored({ ...options, preserveFds: held, logFd });
  for (const fd of [...held, logFd]) closeSync(fd);
  if ('error' in started) throw new Error(started.error.message);
  for (const [index, fd] of [3, 4].entries()) {
    const client = connect(port + index, '127.0.0.1');
    const [answer] = await once(client, 'data');
    t.equal(String(answer), `fd${fd}`, 'served in a network namespace of its own by a socket of ours');
    client.destroy();
  }
  await appears(options.exitDir, options.id);
  t.match(await readExit(options.id, options), { code: 0 });
  t.equal(
    readFileSync(join(lab.directory, 'raw.log'), 'utf8'),
    '[0, 1, 2, 3]\n',
    'nothing else leaks; the log is as written',
  );
  await runtime.delete(options.id);
}

async function monitorDies(t: Test, runtime: OciRuntime, lab: Laboratory): Promise<void> {
  const options = await monitorOptions(runtime, lab, spec(lab, shell('sleep 60'), { init: CATATONIT }));
  const started = await startMonitored(options);
  if ('error' in started) throw new Error(started.error.message);
  const conmon = Number(readFileSync(options.conmonPidFile, 'utf8'));
  const identity = processStartTime(started.pid);
  process.kill(conmon, 'SIGKILL');
  await gone(conmon);
  t.equal(processStartTime(started.pid), identity, 'the container lives on');
  t.match(await runtime.state(options.id), { status: 'running' });
  t.equal(await runtime.delete(options.id, true), undefined);
  await gone(started.pid);
  t.equal(await readExit(options.id, options), undefined, 'nobody was there to note the code');
}

async function killAll(t: Test, runtime: OciRuntime, lab: Laboratory): Promise<void> {
  const cgroupPath = `/test-oci-${process.pid}/all`;
  const script = 'trap "" TERM; for i in 1 2 3; do sleep 60 & done; echo ready; wait; wait';
  const options = await monitorOptions(runtime, lab, {
    ...spec(lab, shell(script), { init: CATATONIT }),
    cgroupPath,
  });
  const started = await startMonitored(options);
  if ('error' in started) throw new Error(started.error.message);
  await says(options.logPath, 'ready');
  const mounts = ownCgroupMounts();
  t.ok(cgroupProcesses(mounts, cgroupPath).size >= 4);
  t.equal(await runtime.kill(options.id, 'SIGKILL', true), undefined);
  await appears(options.exitDir, options.id);
  t.match(await readExit(options.id, options), { code: 137 });
  t.equal(cgroupProcesses(mounts, cgroupPath).size, 0);
  await runtime.delete(options.id);
  t.same([...cgroupPaths(mounts, cgroupPath).values()].filter(existsSync), [], 'no cgroup is left');
}

t.test('every runtime that works here', async t => {
  const usable = await usableRuntimes();
  t.ok(usable.length > 0, 'at least one');
  t.teardown(() => {
    removeCgroup(ownCgroupMounts(), `/test-oci-${process.pid}`);
    rmSync(directory, { recursive: true, force: true });
  });
  const lab = await laboratory(directory);
  const cases = {
    settings,
    privileges,
    userNamespace,
    sharedPids,
    hostCgroups,
    nestedVolumes,
    lifeCycle,
    failures,
    outOfMemory,
    sockets,
    monitorDies,
    killAll,
  };
  for (const choice of usable) {
    const runtime = new OciRuntime(choice, { stateRoot: join(directory, `state-${choice.kind}`) });
    for (const [name, run] of Object.entries(cases))
      await t.test(`${choice.kind}: ${name}`, t => run(t, runtime, lab));
    t.same(await runtime.list(), [], `${choice.kind}: no container is left`);
  }
});

t.test('the probe finds one and says why', async t => {
  const { SUITE_RUNTIME: _, ...env } = process.env;
  const choice = await probeRuntime(realProc, { env });
  t.match(choice, { kind: /^(crun|crun-private-mount|runc)$/, program: /^\//, reasons: [String] });
  t.match(await probeRuntime(realProc, { env: { ...env, SUITE_RUNTIME: 'docker' } }), {
    kind: 'none',
    message: /crun, crun-private-mount, crun-without-cgroups, runc/,
  });
});

interface InsideHost {
  readonly kind: string;
  readonly ownPid: number;
  readonly weight: number;
  readonly started?: object;
  readonly killed?: object;
  readonly deleted?: object;
}

/** Namespaces as those of a demo host; `prepare` is run in them before the container. */
async function insideHost(prepare: string): Promise<InsideHost> {
  const outfile = join(__dirname, '..', 'helpers', 'inside-host.cjs');
  const entryPoints = ['test/helpers/inside-host.ts'];
  buildSync({ entryPoints, outfile, bundle: true, platform: 'node', format: 'cjs', external: ['koffi'] });
  const namespaces = ['--fork', '--pid', '--mount', '--net', '--uts', '--mount-proc'];
  const script = `${prepare}; "$@" & wait $!`;
  const result = await realProc.run([
    'unshare',
    ...namespaces,
    'sh',
    '-c',
    script,
    'sh',
    process.execPath,
    outfile,
  ]);
  if (result.stderr !== '') throw new Error(result.stderr);
  return JSON.parse(result.stdout) as InsideHost;
}

t.test('in the namespaces of a demo host', async t => {
  for (const prepare of [':', 'umount -l /sys/fs/cgroup/unified 2>/dev/null']) {
    const seen = await insideHost(prepare);
    t.match(seen, {
      created: { pid: Number },
      state: { status: 'running' },
      stats: { memoryLimitBytes: 67_108_864, pidsMax: 20 },
      exit: { code: 143, oomKilled: false },
      left: [],
    });
    t.ok(seen.ownPid < 10, 'a pid namespace of its own');
    t.ok([256, 10].includes(seen.weight), 'shares of v1, or their weight on v2');
    t.same([seen.started, seen.killed, seen.deleted], [undefined, undefined, undefined]);
    if (prepare !== ':')
      t.not(seen.kind, 'crun-private-mount', 'without a v2 hierarchy no wrapper is needed');
  }
});
