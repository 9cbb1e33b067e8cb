import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { findProgram } from '../../src/linux/programs.ts';
import { writeBundle } from '../../src/oci/bundle.ts';
import { capabilitiesOf } from '../../src/oci/capabilities.ts';
import { toOciConfig } from '../../src/oci/config.ts';
import { checkMountPoints } from '../../src/oci/mount-points.ts';
import { probeRuntime, runtimeChoice } from '../../src/oci/probe.ts';
import { lastMessage, OciRuntime } from '../../src/oci/runtime.ts';
import { orderMounts, type SandboxMount, type SandboxSpec } from '../../src/oci/sandbox.ts';
import { liveSecurity, securitySummary } from '../../src/oci/security.ts';
import type { Proc, RunResult } from '../../src/ports/proc.ts';
import { realProc } from '../../src/ports/real.ts';

const ROOTS =
  '31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n';
const HYBRID = `${ROOTS}41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n`;
const V2 = '29 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n';

interface Config {
  process: { args: string[]; env: string[]; capabilities: Record<string, string[]>; rlimits?: object[] };
  mounts: { destination: string; type: string; source: string; options: string[] }[];
  linux: {
    namespaces: { type: string; path?: string }[];
    seccomp?: { architectures: string[]; syscalls: { names: string[]; action: string; args?: object[] }[] };
    resources: Record<string, unknown>;
    maskedPaths: string[];
    devices: object[];
    uidMappings?: object[];
    cgroupsPath?: string;
  };
  hostname?: string;
}

function config(changes: Partial<SandboxSpec> = {}, architecture: 'x64' | 'arm64' = 'x64'): Config {
  const spec: SandboxSpec = {
    rootPath: '/image',
    readonlyRoot: true,
    args: ['/app', 'x y'],
    env: { A: '1', B: 'x=y' },
    cwd: '/',
    uid: 1,
    gid: 1,
    mounts: [],
    namespaces: { pid: 'new', network: 'new', mount: 'new', ipc: 'new', uts: 'new' },
    capabilities: [],
    noNewPrivileges: true,
    terminal: false,
    limits: {},
    annotations: {},
    ...changes,
  };
  return toOciConfig(spec, architecture) as Config;
}

function allowed(result: Config): Set<string> {
  const plain = result.linux.seccomp?.syscalls.filter(
    rule => rule.action === 'SCMP_ACT_ALLOW' && rule.args === undefined,
  );
  return new Set(plain?.flatMap(rule => rule.names));
}

t.test('what is not asked for is not given', async t => {
  const result = config();
  t.same(result.process.capabilities, {
    bounding: [],
    effective: [],
    permitted: [],
    inheritable: [],
    ambient: [],
  });
  t.same(result.process.env, ['A=1', 'B=x=y']);
  t.same(result.linux.resources, { devices: [{ allow: false, access: 'rwm' }] });
  t.ok(result.linux.maskedPaths.includes('/proc/kcore'));
  t.same(
    result.linux.namespaces.map(each => each.type),
    ['pid', 'network', 'mount', 'ipc', 'uts'],
  );
  t.equal(result.process.rlimits, undefined);
  t.equal(result.linux.cgroupsPath, undefined);
});

t.test('limits, capabilities, identities', async t => {
  const result = config({
    limits: { memoryBytes: 1e6, cpuShares: 512, pidsMax: 9, noFile: 77 },
    capabilities: ['KILL', 'CAP_CHOWN', 'KILL'],
    hostname: 'h',
    cgroupPath: '/l/x',
    devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229 }],
  });
  t.match(result.linux.resources, {
    memory: { limit: 1e6, swap: 1e6 },
    cpu: { shares: 512 },
    pids: { limit: 9 },
  });
  t.same((result.linux.resources.devices as object[])[1], {
    allow: true,
    type: 'c',
    major: 10,
    minor: 229,
    access: 'rwm',
  });
  t.match(result.linux.devices[0] as object, { path: '/dev/fuse', fileMode: 0o666 });
  t.same(result.process.rlimits, [{ type: 'RLIMIT_NOFILE', soft: 77, hard: 77 }]);
  t.same(result.process.capabilities.ambient, ['CAP_KILL', 'CAP_CHOWN']);
  t.same(
    config({ uid: 0, capabilities: ['KILL'] }).process.capabilities.ambient,
    [],
    'root needs no ambient ones',
  );
  t.equal(result.hostname, 'h');
  const shared = config({
    hostname: 'h',
    namespaces: { pid: 'host', network: { path: '/run/netns/a' }, mount: 'new', ipc: 'host', uts: 'host' },
  });
  t.equal(shared.hostname, undefined, 'the host keeps its name');
  t.same(shared.linux.namespaces, [{ type: 'network', path: '/run/netns/a' }, { type: 'mount' }]);
  t.notOk(shared.mounts.some(mount => mount.destination === '/dev/mqueue'));
});

t.test('mounts', async t => {
  const volumes: SandboxMount[] = [
    { type: 'bind', source: '/b', target: '/a/b', readonly: true, noexec: true },
    {
      type: 'tmpfs',
      target: '/a',
      readonly: false,
      sizeBytes: 9,
      mode: 0o700,
      uid: 3,
      gid: 4,
      nosuid: false,
    },
    { type: 'bind', source: '/all', target: '/all', readonly: true, recursive: true, nodev: false },
  ];
  const { mounts } = config({ mounts: volumes });
  const byTarget = Object.fromEntries(mounts.map(mount => [mount.destination, mount.options.join(' ')]));
  t.match(byTarget, {
    '/a': 'rw nodev size=9 mode=700 uid=3 gid=4',
    '/a/b': 'bind private ro nosuid nodev noexec',
    '/all': 'rbind rprivate ro nosuid rro rnosuid',
    '/sys': 'nosuid noexec nodev ro',
  });
  const order = mounts.map(mount => mount.destination);
  t.ok(order.indexOf('/a') < order.indexOf('/a/b'), 'parents first');
  t.same(
    orderMounts([{ target: '/x/y' }, { target: '/b' }, { target: '/a/' }]).map(each => each.target),
    ['/b', '/a/', '/x/y'],
  );
  const replaced = config({
    mounts: [{ type: 'bind', source: '/host', target: '/dev/shm', readonly: false }],
  });
  t.same(
    replaced.mounts.filter(mount => mount.destination === '/dev/shm').map(mount => mount.source),
    ['/host'],
  );
  t.throws(() => config({ mounts: [{ type: 'bind', target: '/a', readonly: true }] }), TypeError);
});

t.test('kernel file systems in a user namespace', async t => {
  const small = {
    uidMappings: [{ inside: 0, outside: 1000, count: 1 }],
    gidMappings: [{ inside: 0, outside: 1000, count: 1 }],
  };
  const shared = config({
    namespaces: { pid: 'host', network: 'host', mount: 'new', ipc: 'new', uts: 'new', user: small },
  });
  const find = (result: Config, target: string) => result.mounts.find(mount => mount.destination === target);
  t.match(find(shared, '/proc'), { type: 'bind', source: '/proc' });
  t.match(find(shared, '/sys'), {
    type: 'bind',
    options: ['rbind', 'rprivate', 'nosuid', 'noexec', 'nodev', 'ro', 'rro'],
  });
  t.notOk(find(shared, '/dev/pts')?.options.includes('gid=5'), 'an unmapped group cannot own the terminals');
  t.ok(find(config(), '/dev/pts')?.options.includes('gid=5'));
  t.same(shared.linux.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }]);
  t.ok(shared.linux.namespaces.some(each => each.type === 'user'));
});

t.test('an init program', async t => {
  const init = { hostPath: '/usr/bin/catatonit' };
  const result = config({ init });
  t.same(result.process.args, ['/dev/init', '--', '/app', 'x y']);
  t.match(result.mounts.at(-1), {
    destination: '/dev/init',
    source: '/usr/bin/catatonit',
    options: [/bind/],
  });
  const shared = { pid: 'host', network: 'new', mount: 'new', ipc: 'new', uts: 'new' } as const;
  t.throws(() => config({ init, namespaces: shared }), /pid namespace/);
  t.throws(
    () => config({ init, mounts: [{ type: 'bind', source: '/dev', target: '/dev', readonly: false }] }),
    /own \/dev/,
  );
});

t.test('system calls', async t => {
  const plain = allowed(config());
  for (const name of [
    'read',
    'execve',
    'clone',
    'socket',
    'futex',
    'io_uring_setup',
    'mount',
    'keyctl',
    'bpf',
  ]) {
    const expected = ['read', 'execve', 'futex'].includes(name);
    t.equal(plain.has(name), expected, name);
  }
  const admin = config({ capabilities: ['SYS_ADMIN', 'SYS_CHROOT'] });
  for (const name of ['mount', 'clone3', 'clone', 'chroot'])
    t.ok(allowed(admin).has(name), `${name} with its capability`);
  t.notOk(admin.linux.seccomp?.syscalls.some(rule => rule.action === 'SCMP_ACT_ERRNO'));
  t.ok(plain.has('arch_prctl'));
  const arm = config({}, 'arm64');
  t.notOk(allowed(arm).has('arch_prctl'));
  t.same(arm.linux.seccomp?.architectures, ['SCMP_ARCH_AARCH64']);
  t.throws(() => config({}, 'mips' as 'x64'), /mips/);
  t.equal(config({ seccomp: 'unconfined' }).linux.seccomp, undefined);
});

t.test('mount points are looked up as the kernel would', async t => {
  const root = t.testdir({
    image: { proc: {}, sys: {}, dev: {}, etc: { hosts: '' }, srv: {}, data: {}, outer: {} },
    volume: { inner: {}, file: '' },
    secret: { place: {} },
  });
  const image = join(root, 'image');
  const volume = join(root, 'volume');
  symlinkSync('/srv', join(image, 'absolute'));
  symlinkSync('../../../srv', join(image, 'etc', 'climbs'));
  symlinkSync(join(root, 'secret'), join(image, 'escapes'));
  symlinkSync('loop', join(image, 'loop'));
  symlinkSync('nowhere', join(image, 'dangling'));
  symlinkSync('/srv', join(volume, 'link'));
  const check = async (...mounts: Partial<SandboxMount>[]) => {
    const full = mounts.map(
      mount => ({ type: 'bind', source: volume, target: '/data', readonly: false, ...mount }) as SandboxMount,
    );
    return (await checkMountPoints(image, full)).map(problem => `${problem.target} ${problem.reason}`);
  };
  t.same(await check({}), []);
  t.same(await check({ target: '/absolute' }, { target: '/etc/climbs' }), [], 'links stay inside the root');
  t.match(await check({ target: '/escapes/place' }), [/does not exist/]);
  t.match(await check({ target: '/loop' }, { target: '/dangling' }, { target: '/missing' }), [
    /exist/,
    /exist/,
    /exist/,
  ]);
  t.match(await check({ target: '/etc/hosts' }), [/is a file in the image, but a directory/]);
  t.same(await check({ target: '/etc/hosts', source: join(volume, 'file') }), []);
  t.same(
    await check({ target: '/data/inner', source: root }, { target: '/data' }),
    [],
    'inside another volume',
  );
  t.match(await check({ target: '/data' }, { target: '/data/none' }), [/^\/data\/none does not exist/]);
  t.same(
    await check({ target: '/data' }, { target: '/data/link' }),
    [],
    'a link of a volume leads into the image',
  );
  t.same(await check({ type: 'tmpfs', target: '/data' }, { target: '/data/made/by/runtime' }), []);
  t.same(await check({ target: '/dev/own' }), [], '/dev is a tmpfs of ours');
  t.match(await check({ source: join(root, 'gone') }, { source: join(image, 'absolute'), target: '/srv' }), [
    /source/,
    /symbolic link/,
  ]);
  t.match(
    (await checkMountPoints(join(root, 'volume'), [])).map(each => each.target),
    ['/proc', '/sys', '/dev'],
  );
});

t.test('the cheap decision', async t => {
  const decide = (mountinfo: string, unifiedControllers = '', SUITE_RUNTIME = '') =>
    probeRuntime(realProc, {
      mountinfo,
      unifiedControllers,
      verify: false,
      env: { PATH: '/usr/bin', SUITE_RUNTIME },
    });
  t.match(await decide(V2), { kind: 'crun', reasons: [/layout v2/] });
  t.match(await decide(ROOTS), { kind: 'crun', reasons: [/layout v1/] });
  t.match(await decide(''), { kind: 'crun-without-cgroups', reasons: [/no cgroup file system/] });
  t.match(await decide(HYBRID, '\n'), { kind: 'crun', reasons: [/without v2 controllers/] });
  t.match(await decide(HYBRID, 'hugetlb\n'), { kind: 'crun-private-mount', reasons: [/owns hugetlb/] });
  t.match(await decide(V2, '', 'runc'), { kind: 'runc', reasons: ['SUITE_RUNTIME=runc'] });
  const saved = JSON.parse(JSON.stringify(await decide(HYBRID, 'x'))) as Parameters<typeof runtimeChoice>[0];
  const wrapped = runtimeChoice(saved).wrap(['crun', 'a b']);
  t.equal(wrapped[0], 'unshare');
  t.same(wrapped.slice(-2), ['crun', 'a b']);
  t.same(runtimeChoice({ ...saved, kind: 'runc' }).wrap(['x']), ['x']);
});

/** A machine where no container starts: the trial's runtime is a script. */
function failing(stderr: string, code: number): Proc {
  const result: RunResult = {
    code,
    signal: null,
    stdout: '',
    stderr,
    timedOut: false,
    truncated: false,
    durationMs: 1,
  };
  return { run: async () => result };
}

t.test('a probe that fails says what was tried and what to do', async t => {
  const answer = await probeRuntime(failing('no cgroups here', 1), {
    mountinfo: V2,
    env: { PATH: '/usr/bin' },
  });
  t.equal(answer.kind, 'none');
  t.match(
    (answer as { message: string }).message,
    /tried: crun .*no cgroups here\n.*tried: runc .*no cgroups here\n.*apt-get install -y crun/s,
  );
  t.equal(findProgram('no-such-program-at-all'), undefined);
  t.match(findProgram('sh', 'relative:/bin'), /^\/(usr\/)?bin\/sh$/);
});

t.test('answers of the runtimes', async t => {
  t.equal(lastMessage('2026-11-20T07:00:00.123456Z: error opening file\n'), 'error opening file');
  t.equal(
    lastMessage('time="2026" level=warning msg="a"\ntime="2026" level=error msg="no \\"x\\" here"\n'),
    'no "x" here',
  );
  t.equal(lastMessage(''), '');
  const choice = runtimeChoice({ kind: 'runc', program: '/usr/sbin/runc', reasons: [] });
  const runtime = (stderr: string) => new OciRuntime(choice, { stateRoot: '/s', proc: failing(stderr, 1) });
  t.same(runtime('').commandLine('state', 'x'), ['/usr/sbin/runc', '--root', '/s', 'state', 'x']);
  t.same(await runtime('permission denied').kill('x', 9), { error: 'permission denied' });
  t.same(await runtime('').delete('x'), { error: 'exit code 1' });
  t.equal(await runtime('container does not exist').state('x'), undefined);
  t.same(await runtime('broken').list(), { error: 'broken' });
});

t.test('a bundle is for its owner only', async t => {
  const directory = join(t.testdir({}), 'a', 'b');
  await writeBundle(directory, { secret: 1 });
  await writeBundle(directory, { secret: 2 });
  t.equal(statSync(directory).mode & 0o777, 0o700);
  t.equal(statSync(join(directory, 'config.json')).mode & 0o777, 0o600);
  mkdirSync(join(directory, 'other'));
  writeFileSync(join(directory, 'other', 'config.json'), '');
  await t.rejects(writeBundle(join(directory, 'other', 'config.json'), {}), { code: /EEXIST|ENOTDIR/ });
});

t.test('what confines a container is read from its bundle', async t => {
  const relaxed = (value: unknown) =>
    Object.fromEntries(
      securitySummary(value)
        .filter(each => each.relaxed)
        .map(each => [each.name, each.value]),
    );
  const limits = { pidsMax: 9, memoryBytes: 1e6, noFile: 10 };
  t.same(relaxed(config({ limits })), {}, 'by default nothing is relaxed');
  t.same(Object.fromEntries(securitySummary(config({ limits })).map(each => [each.name, each.value])), {
    user: '1:1',
    groups: 'none besides',
    'user-namespace': "the host's",
    capabilities: 'none',
    'new-privileges': 'never',
    seccomp: 'default list',
    'shared-namespaces': 'none',
    network: 'own',
    image: 'read-only',
    'kernel-files': 'hidden or read-only',
    volumes: 'nosuid nodev',
    devices: 'standard',
    memory: '1000000 bytes',
    processes: 'at most 9',
    rlimits: 'nofile 10',
  });
  const user = { uidMappings: [{ inside: 0, outside: 1000, count: 10 }], gidMappings: [] };
  const open = config({
    uid: 0,
    readonlyRoot: false,
    additionalGids: [4],
    capabilities: ['KILL'],
    noNewPrivileges: false,
    seccomp: 'unconfined',
    maskedPaths: [],
    readonlyPaths: ['/proc/sys'],
    namespaces: { pid: 'host', network: 'host', mount: 'new', ipc: 'host', uts: 'new' },
    devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229 }],
    mounts: [{ type: 'bind', source: '/a', target: '/b', readonly: false, nosuid: false }],
  });
  t.match(relaxed(open), {
    user: '0:1, root of the host',
    groups: '4',
    capabilities: 'KILL',
    'new-privileges': 'by set-uid programs',
    seccomp: 'unconfined',
    'shared-namespaces': 'pid ipc',
    image: 'writable',
    'kernel-files': /^open: \/proc\/acpi .*sysrq-trigger$/,
    volumes: 'set-uid or devices in /b',
    devices: 'standard /dev/fuse',
    processes: 'no limit',
  });
  const mapped = config({
    uid: 0,
    limits,
    namespaces: { pid: 'new', network: 'new', mount: 'new', ipc: 'new', uts: 'new', user },
  });
  t.same(relaxed(mapped), {}, 'root of a user namespace is nobody special outside');
  t.match(
    securitySummary(mapped).find(each => each.name === 'user-namespace'),
    { value: 'own: 0-9 is 1000-1009' },
  );
  for (const broken of [null, 'x', {}])
    t.match(
      relaxed(broken),
      { seccomp: 'unconfined', image: 'writable', devices: 'all' },
      'nothing is believed',
    );
  const [first] = liveSecurity(readFileSync('/proc/self/status', 'utf8'));
  t.match(first, { name: 'live-user', value: `${process.getuid?.()}:${process.getgid?.()} (on the host)` });
  const status =
    'Uid:\t1\t7\t7\t7\nGid:\t8\t8\t8\t8\nGroups:\t4 5 \nCapEff:\t0000000000000420\nNoNewPrivs:\t1\nSeccomp:\t2\n';
  t.same(
    liveSecurity(status).map(each => [each.value, each.relaxed]),
    [
      ['7:8 (on the host)', false],
      ['4 5', false],
      ['KILL NET_BIND_SERVICE', true],
      ['never', false],
      ['filter', false],
    ],
  );
  t.match(
    liveSecurity('').map(each => each.relaxed),
    [false, false, true, true, true],
    'unknown is not trusted',
  );
  t.same(capabilitiesOf('30000000000'), ['CHECKPOINT_RESTORE', 'bit 41']);
});
