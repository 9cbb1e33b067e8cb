import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  type Stats,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import t from 'tap';
import {
  cgroupPaths,
  cgroupPathsOfProcess,
  controllerDirectory,
  detectCgroupLayout,
  parseCgroupMounts,
  parseProcCgroup,
  unifiedOptions,
} from '../../src/linux/cgroup.ts';
import {
  cgroupProcesses,
  flatKey,
  killCgroup,
  ownCgroupMounts,
  readCgroupStats,
  removeCgroup,
} from '../../src/linux/cgroup-files.ts';
import { detachedMount } from '../../src/linux/detached-mount.ts';
import { deviceNumber, devMajor, devMinor } from '../../src/linux/device-numbers.ts';
import { disfavorUnified, favorUnified } from '../../src/linux/favor-dynmods.ts';
import { makeAppending } from '../../src/linux/fd-flags.ts';
import { receiveFds, sendFds, socketPair } from '../../src/linux/fd-passing.ts';
import { freePort } from '../../src/linux/free-port.ts';
import { mount, umount } from '../../src/linux/mount.ts';
import { makeNode } from '../../src/linux/nodes.ts';
import { pidfdGetFd, pidfdOpen } from '../../src/linux/pidfd.ts';
import { makePipe, readablePipes, spliceToFile, tee } from '../../src/linux/pipes.ts';
import { bootTime, parseProcStat, parseStatus, processStartTime } from '../../src/linux/proc.ts';
import { listenSocket } from '../../src/linux/sockets.ts';
import { FileStatus } from '../../src/linux/statx.ts';
import { realProc } from '../../src/ports/real.ts';

const V1 = `22 27 0:21 / /proc rw,relatime - proc proc rw
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
`;
const HYBRID = `${V1}41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n`;
const V2 =
  '29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n';
const INSIDE = '900 880 0:26 /machine/a\\040b /sys/fs/cgroup ro - cgroup2 cgroup rw\n';

/** Helpers run as programs of their own; compiled beside this file, where packages are found. */
function compiled(name: string): string {
  const outfile = join(__dirname, '..', 'helpers', `${name}.cjs`);
  buildSync({
    entryPoints: [`test/helpers/${name}.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['koffi'],
  });
  return outfile;
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

t.test('cgroup layouts', async t => {
  t.equal(detectCgroupLayout(V1), 'v1');
  t.equal(detectCgroupLayout(V2), 'v2');
  t.equal(detectCgroupLayout(HYBRID), 'hybrid');
  t.equal(detectCgroupLayout('22 27 0:21 / /proc rw - proc proc rw\n\nnonsense'), 'none');
  t.same([...parseCgroupMounts(V1).controllers.keys()], ['cpu', 'cpuacct', 'memory', 'pids', 'name=systemd']);
});

t.test('options of the v2 hierarchy are those it can be given again', async t => {
  const line = '30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2';
  const options = 'rw,seclabel,nsdelegate,memory_recursiveprot';
  t.same(unifiedOptions(`1 2 3\n${line} ${options}\n`), ['nsdelegate', 'memory_recursiveprot']);
  t.same(unifiedOptions(V1), []);
});

t.test('favordynmods of v2 comes and goes, with the other options as they were', async t => {
  const { unified } = ownCgroupMounts();
  // A host with v1 alone has nothing to try it on.
  if (unified === undefined) return;
  const options = () => unifiedOptions(readFileSync('/proc/self/mountinfo', 'utf8')).sort();
  const before = options();
  const mark = join(t.testdir(), 'mark');
  disfavorUnified(unified.mountPoint, mark);
  t.same(options(), before, 'nothing of ours');
  favorUnified(unified.mountPoint, mark);
  t.same(options(), [...new Set([...before, 'favordynmods'])].sort());
  t.equal(existsSync(mark), !before.includes('favordynmods'), "the host's own stays");
  favorUnified(unified.mountPoint, mark);
  disfavorUnified(unified.mountPoint, mark);
  t.same(options(), before);
  t.notOk(existsSync(mark));
  t.throws(() => favorUnified('/proc', mark), 'no such option there');
  t.notOk(existsSync(mark));
});

t.test('cgroup paths by controller', async t => {
  const text = '12:cpu,cpuacct:/a:b\n3:memory:/\n1:name=systemd:/x\n0::/u/v\nbad\n';
  t.same(parseProcCgroup(text)[0], { controllers: ['cpu', 'cpuacct'], path: '/a:b' });
  const hybrid = cgroupPathsOfProcess(parseCgroupMounts(HYBRID), text);
  t.equal(controllerDirectory(hybrid, 'cpu'), '/sys/fs/cgroup/cpu,cpuacct/a:b');
  t.equal(controllerDirectory(hybrid, 'memory'), '/sys/fs/cgroup/memory');
  t.equal(controllerDirectory(hybrid, 'hugetlb'), '/sys/fs/cgroup/unified/u/v', 'what v1 has not is in v2');
  t.equal(
    controllerDirectory(cgroupPaths(parseCgroupMounts(V2), '/lithos/web'), 'memory'),
    '/sys/fs/cgroup/lithos/web',
  );
  t.equal(controllerDirectory(cgroupPaths(parseCgroupMounts(V1), '/x'), 'io'), undefined);
  const inside = cgroupPathsOfProcess(parseCgroupMounts(INSIDE), '0::/machine/a b/inner\n');
  t.equal(controllerDirectory(inside, 'pids'), '/sys/fs/cgroup/inner', 'a container sees a part of the tree');
});

t.test('cgroup statistics of v1 and v2 files', async t => {
  const v1 = t.testdir({
    memory: {
      'memory.usage_in_bytes': '4096\n',
      'memory.limit_in_bytes': '9223372036854771712\n',
      'memory.oom_control': 'under_oom 0\noom_kill 3\n',
    },
    cpu: { 'cpu.stat': 'nr_periods 0\nthrottled_time 5000000\n' },
    cpuacct: { 'cpuacct.usage': '2000000\n' },
    pids: { 'pids.current': '7\n', 'pids.max': 'max\n' },
  });
  const paths = new Map(['memory', 'cpu', 'cpuacct', 'pids'].map(name => [name, join(v1, name)]));
  const expected = {
    memoryBytes: 4096,
    memoryLimitBytes: undefined,
    oomKills: 3,
    cpuUsageMs: 2,
    throttledMs: 5,
    pids: 7,
    pidsMax: undefined,
  };
  t.same(readCgroupStats(paths), expected);
  mkdirSync(join(v1, 'v2'));
  const files = {
    'memory.current': '1',
    'memory.max': '1000',
    'memory.events': 'oom 2\noom_kill 1',
    'cpu.stat': 'usage_usec 9000\nthrottled_usec 1000',
    'pids.current': '1',
    'pids.max': '50',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(v1, 'v2', name), text);
  const second = {
    memoryBytes: 1,
    memoryLimitBytes: 1000,
    oomKills: 1,
    cpuUsageMs: 9,
    throttledMs: 1,
    pids: 1,
    pidsMax: 50,
  };
  t.same(readCgroupStats(new Map([['unified', join(v1, 'v2')]])), second);
  t.equal(readCgroupStats(new Map()).memoryBytes, undefined);
  t.equal(flatKey('a 1\nab 2', 'ab'), 2);
});

t.test('a real cgroup is found, measured and removed from every hierarchy', async t => {
  const mounts = ownCgroupMounts();
  const name = `/test-linux-${process.pid}`;
  const directories = [...new Set(cgroupPaths(mounts, name).values())];
  for (const directory of directories) mkdirSync(join(directory, 'inner'), { recursive: true });
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  const pids = controllerDirectory(cgroupPaths(mounts, name), 'pids') as string;
  writeFileSync(join(pids, 'inner', 'cgroup.procs'), String(child.pid));
  t.same([...cgroupProcesses(mounts, name)], [child.pid]);
  t.equal(readCgroupStats(cgroupPaths(mounts, name)).pids, 1);
  const own = cgroupPathsOfProcess(mounts, readFileSync(`/proc/${child.pid}/cgroup`, 'utf8'));
  t.equal(controllerDirectory(own, 'pids'), join(pids, 'inner'));
  t.throws(() => removeCgroup(mounts, name), { code: 'EBUSY' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  removeCgroup(mounts, name);
  t.same(directories.filter(existsSync), []);
  removeCgroup(mounts, name);
  for (const path of ['/', '', '/..', '/./'])
    for (const act of [removeCgroup, killCgroup])
      t.throws(() => act(mounts, path), RangeError, `${path} is refused`);
});

t.test('a v2 cgroup is killed as a whole', async t => {
  const mounts = ownCgroupMounts();
  const { unified } = mounts;
  const name = `/test-kill-${process.pid}`;
  killCgroup(mounts, name);
  // A host with v1 alone has nothing to try it on.
  if (unified === undefined) return;
  const inner = join(unified.mountPoint, name, 'inner');
  mkdirSync(inner, { recursive: true });
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  writeFileSync(join(inner, 'cgroup.procs'), String(child.pid));
  killCgroup(mounts, name);
  const [, signal] = await once(child, 'exit');
  t.equal(signal, 'SIGKILL');
  removeCgroup(mounts, name);
  t.notOk(existsSync(inner));
});

t.test('/proc files', async t => {
  const line =
    '42 (a) b (c) S 7 42 41 0 -1 4194304 100 0 0 0 11 22 0 0 20 0 3 0 98765 1000000 250 18446744073709551615 1';
  t.match(parseProcStat(line), {
    pid: 42,
    name: 'a) b (c',
    state: 'S',
    ppid: 7,
    session: 41,
    utime: 11,
    stime: 22,
    threads: 3,
    starttime: 98765,
    residentPages: 250,
  });
  t.equal(parseProcStat('42 no brackets'), undefined);
  t.equal(parseProcStat('42 (x) S 1'), undefined);
  const own = parseProcStat(readFileSync('/proc/self/stat', 'latin1'));
  t.match(own, { pid: process.pid, ppid: process.ppid });
  const status = parseStatus(readFileSync('/proc/self/status', 'utf8'));
  t.match(status, { ppid: process.ppid, uids: [0, 0, 0, 0], state: /[RS]/ });
  t.ok((status.residentKiB ?? 0) > 10_000);
  t.equal(status.namespacePids.at(-1), process.pid);
  const booted = bootTime(readFileSync('/proc/stat', 'utf8')) ?? 0;
  t.ok(booted > 1e9 && booted * 1000 <= Date.now());
  t.equal(bootTime('cpu 1 2'), undefined);
});

t.test('a start time tells processes apart and zombies are gone', async t => {
  t.equal(
    processStartTime(process.pid),
    String(parseProcStat(readFileSync('/proc/self/stat', 'latin1'))?.starttime),
  );
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.match(processStartTime(child.pid as number), /^\d+$/);
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.equal(processStartTime(child.pid as number), undefined);
});

t.test('PID 1 reaps orphans and leaves its own children to Node', async t => {
  const argv = ['unshare', '--fork', '--pid', '--mount-proc', process.execPath, compiled('pid1')];
  const result = await realProc.run(argv, { timeoutMs: 30_000 });
  t.equal(result.stderr, '');
  const seen = JSON.parse(result.stdout) as {
    pid: number;
    behind: number[];
    ownCodes: number[];
    orphans: number[];
    zombies: number;
  };
  t.equal(seen.pid, 1);
  t.same(seen.behind, [9], 'an orphan is found behind a child of Node');
  t.same(seen.ownCodes.filter(code => code === 3).length, 20, 'no exit code of an own child was stolen');
  t.equal(seen.orphans.filter(status => status === 9).length, 20);
  t.equal(seen.orphans.filter(status => status === 0).length, 10);
  t.equal(seen.zombies, 0);
});

t.test('exec in place keeps pid and listening socket', async t => {
  const program = compiled('exec');
  const port = await freePort();
  const child = spawn(process.execPath, [program, 'first', String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const answer = JSON.parse(await readAll(connect(port, '127.0.0.1'))) as {
    pid: number;
    from: number;
    keys: number;
  };
  t.equal(answer.pid, child.pid);
  t.equal(answer.from, child.pid);
  t.equal(answer.keys, 2, 'only the environment that was given');
  t.same(await once(child, 'exit'), [0, null]);
  t.equal((await realProc.run([process.execPath, program, 'missing'])).stdout, 'ENOENT\n');
});

t.test('sockets that nobody accepts on here', async t => {
  for (const host of ['127.0.0.1', '::1']) {
    const options = { host, port: await freePort(), backlog: 5, reuseAddress: true, reusePort: false };
    const fd = listenSocket(options);
    const client = connect(options.port, host);
    await once(client, 'connect');
    t.throws(() => listenSocket(options), { code: 'EADDRINUSE' });
    const program = "import socket,sys; c,_=socket.socket(fileno=3).accept(); c.sendall(b'child')";
    const child = spawn('python3', ['-c', program], { stdio: ['ignore', 'ignore', 'inherit', fd] });
    t.equal(
      await readAll(client),
      'child',
      `${host}: the waiting connection is served by whoever gets the socket`,
    );
    await once(child, 'exit');
    closeSync(fd);
  }
  const shared = {
    host: '127.0.0.1',
    port: await freePort(),
    backlog: 5,
    reuseAddress: false,
    reusePort: true,
    nonBlocking: true,
  };
  const pair = [listenSocket(shared), listenSocket(shared)];
  t.match(
    readFileSync(`/proc/self/fdinfo/${pair[0]}`, 'utf8'),
    /flags:\s+02004002/,
    'non-blocking and close-on-exec',
  );
  for (const fd of pair) closeSync(fd);
  t.throws(() => listenSocket({ ...shared, host: 'localhost' }), TypeError);
  t.throws(() => listenSocket({ ...shared, host: '192.0.2.1' }), { code: 'EADDRNOTAVAIL' });
});

t.test('a descriptor is taken back from another process', async t => {
  const child = spawn('sh', ['-c', 'exec 7</etc/hostname; echo ready; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const pidfd = pidfdOpen(child.pid as number);
  const fd = pidfdGetFd(pidfd, 7);
  t.equal(readlinkSync(`/proc/self/fd/${fd}`), '/etc/hostname');
  t.throws(() => pidfdGetFd(pidfd, 99), { code: 'EBADF' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (const each of [fd, pidfd]) closeSync(each);
  t.throws(() => pidfdOpen(child.pid as number), { code: /ESRCH|EINVAL/ });
});

t.test('mounts and host name', async t => {
  const target = t.testdir({ a: { inner: 'x' } });
  const source = join(target, 'a');
  mount({
    source: 'tmpfs',
    target: source,
    type: 'tmpfs',
    flags: ['nosuid', 'nodev'],
    data: 'size=64k,mode=700',
  });
  let isMounted = true;
  t.teardown(() => isMounted && umount(source, true));
  t.same(readdirSync(source), [], 'hidden');
  t.match(
    readFileSync('/proc/self/mountinfo', 'utf8'),
    new RegExp(`${source} rw,nosuid,nodev.*size=64k,mode=700`),
  );
  umount(source, true);
  isMounted = false;
  t.same(readdirSync(source), ['inner']);
  t.throws(() => umount(source), { code: 'EINVAL' });
  t.throws(() => mount({ source: 'x', target: '/does/not/exist', type: 'tmpfs' }), { code: 'ENOENT' });
  const before = hostname();
  const program = compiled('hostname');
  const result = await realProc.run(['unshare', '--uts', process.execPath, program, 'grünau']);
  t.equal(result.stdout, 'grünau');
  t.equal(hostname(), before, 'only inside its namespace');
});

t.test('a mount in no directory goes with its descriptor', async t => {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  const fd = detachedMount('tmpfs', { size: '64k' });
  const file = `/proc/self/fd/${fd}/file`;
  writeFileSync(file, 'here');
  t.equal(readFileSync(file, 'utf8'), 'here');
  t.throws(() => writeFileSync(`${file}2`, Buffer.alloc(128 * 1024)), { code: 'ENOSPC' }, 'options count');
  t.equal(readFileSync('/proc/self/mountinfo', 'utf8'), mounts);
  closeSync(fd);
  t.notOk(existsSync(file));
  const before = readdirSync('/proc/self/fd').length;
  t.throws(() => detachedMount('nosuchfs', {}), { code: 'ENODEV' });
  t.throws(() => detachedMount('tmpfs', { nosuchoption: true }), { code: 'EINVAL' });
  t.equal(readdirSync('/proc/self/fd').length, before);
});

t.test('pipes: looking takes nothing out, and moving into a file is one step', async t => {
  const [from, into] = makePipe();
  const [glass, copy] = makePipe();
  const path = join(t.testdir(), 'file');
  const file = openSync(path, 'w');
  t.teardown(() => [from, into, glass, copy, file].map(fd => closeSync(fd)));
  t.same([...readablePipes([from, glass])], []);
  t.equal(tee(from, copy, 100), undefined, 'nothing there');
  writeSync(into, 'one\ntwo');
  t.same([...readablePipes([from, glass])], [from]);
  t.equal(tee(from, copy, 100), 7);
  t.equal(spliceToFile(from, file, 2, 4), 4);
  t.equal(readFileSync(path, 'latin1'), '\0\0one\n');
  t.equal(tee(from, copy, 100), 3, 'the rest is still there');
  const appending = openSync(path, 'w');
  makeAppending(appending);
  t.throws(() => spliceToFile(from, appending, 0, 1), { code: 'EINVAL' });
  writeSync(appending, 'a', 0);
  writeSync(appending, 'b', 0);
  closeSync(appending);
  t.equal(readFileSync(path, 'latin1'), 'ab', 'always at the end');
});

t.test('descriptors wait in the queue of a socket, open whoever has closed them', async t => {
  const [from, into] = makePipe();
  const [give, take] = socketPair(65_536);
  t.equal(receiveFds(take), undefined, 'nothing waits');
  t.ok(sendFds(give, 'one pipe', [from, into]));
  t.ok(sendFds(give, 'again', [from]));
  writeSync(into, 'hello');
  for (const fd of [from, into]) closeSync(fd);
  const first = receiveFds(take);
  t.match(first, { text: 'one pipe', fds: { length: 2 } });
  const data = Buffer.alloc(5);
  t.equal(readSync(first?.fds[0] as number, data), 5);
  t.equal(data.toString(), 'hello');
  const second = receiveFds(take);
  t.match(second, { text: 'again', fds: { length: 1 } });
  t.equal(receiveFds(take), undefined);
  const many = Array.from({ length: 200 }, () => first?.fds[0] as number);
  let sent = 0;
  while (sendFds(give, 'full', many)) sent++;
  t.ok(sent > 10, `${sent} messages`);
  let received = 0;
  for (let next = receiveFds(take); next !== undefined; next = receiveFds(take)) {
    t.equal(next.fds.length, 200);
    for (const fd of next.fds) closeSync(fd);
    received++;
  }
  t.equal(received, sent);
  for (const fd of [give, take, ...(first?.fds ?? []), ...(second?.fds ?? [])]) closeSync(fd);
});

t.test('pipes and devices, with numbers of every size', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'nodes-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  for (const [major, minor] of [
    [1, 3],
    [8, 255],
    [259, 256],
    [4095, 1_048_575],
  ] as const) {
    const number = deviceNumber(major, minor);
    t.same([devMajor(number), devMinor(number)], [major, minor]);
  }
  const path = (name: string) => join(directory, name);
  makeNode(Buffer.from(path('pipe')), { kind: 'fifo' });
  t.ok(lstatSync(path('pipe')).isFIFO());
  t.throws(() => makeNode(Buffer.from(path('pipe')), { kind: 'fifo' }), { code: 'EEXIST' });
  makeNode(Buffer.from(path('null')), { kind: 'character', major: 1, minor: 3 });
  t.same([lstatSync(path('null')).isCharacterDevice(), lstatSync(path('null')).rdev], [true, 0x103]);
  makeNode(Buffer.from(path('block')), { kind: 'block', major: 259, minor: 300 });
  t.same([lstatSync(path('block')).isBlockDevice(), devMinor(lstatSync(path('block')).rdev)], [true, 300]);
});

t.test('statx tells what fs.lstat tells, number by number', async t => {
  const directory = t.testdir({
    file: 'text',
    empty: '',
    deep: { inner: 'x' },
    link: t.fixture('symlink', 'file'),
  });
  const status = new FileStatus();
  const numbersOf = ({ size, mtimeMs, ctimeMs, ino, mode }: Stats) =>
    new Float64Array([0, size, mtimeMs, ctimeMs, ino, mode]);
  const paths = ['file', 'empty', 'deep', 'link', '.'].map(name => join(directory, name));
  for (const path of [...paths, '/proc', '/dev/null']) {
    const [own, target] = [numbersOf(lstatSync(path)), numbersOf(statSync(path))];
    t.ok(status.read(path, true) && status.equals(target, 1), `${path} followed`);
    t.ok(status.read(path, false) && status.equals(own, 1), path);
    for (let at = 1; at < own.length; at++)
      t.notOk(
        status.equals(
          Float64Array.from(own, (value, index) => (index === at ? value + 1 : value)),
          1,
        ),
      );
  }
  t.notOk(status.read(join(directory, 'none'), false));
  truncateSync(join(directory, 'empty'), 5 * 2 ** 32 + 7);
  t.ok(status.read(join(directory, 'empty'), false));
  t.ok(status.equals(numbersOf(lstatSync(join(directory, 'empty'))), 1), 'sizes beyond 32 bits');
});
