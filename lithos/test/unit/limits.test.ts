import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCgroupMounts } from '@suite/shared/linux/cgroup.ts';
import { availableControllers, countsSwap } from '@suite/shared/linux/cgroup-files.ts';
import { devMajor, devMinor } from '@suite/shared/linux/device-numbers.ts';
import { ownLimits, parseHardLimits } from '@suite/shared/linux/hard-limits.ts';
import { realClock } from '@suite/shared/ports/real.ts';
import t from 'tap';
import { Cgroups } from '../../src/adapters/cgroups.ts';
import { deviceNodes } from '../../src/adapters/device-nodes.ts';
import { writeIoWeight } from '../../src/adapters/io-weight.ts';
import { CONTROLLERS, type HostLimits, limitsOf } from '../../src/adapters/limits.ts';
import { noteOomKills, ranOutOfMemory } from '../../src/adapters/oom-marks.ts';
import { leaveRoom } from '../../src/adapters/own-cgroup.ts';
import { checkPossible } from '../../src/adapters/possible.ts';
import { desired } from '../desired.ts';

const HOST: HostLimits = {
  own: { hard: new Map([['nofile', 2000]]), mayRaise: false, openFilesMax: 1_000_000 },
  controllers: new Set(CONTROLLERS),
  swapAccounting: true,
};

const CRUN = { runtime: 'crun', cgroups: true } as const;

t.test('our own hard limits are read as the kernel tells them', async t => {
  const text =
    'Limit                     Soft Limit           Hard Limit           Units     \n' +
    'Max cpu time              unlimited            unlimited            seconds   \n' +
    'Max open files            1024                 20000                files     \n' +
    'Max nice priority         0                    7                    \n';
  t.same(
    [...parseHardLimits(text)],
    [
      ['cpu', Number.POSITIVE_INFINITY],
      ['nofile', 20_000],
      ['nice', 7],
    ],
  );
  const own = ownLimits();
  t.equal(own.hard.size, 16, 'every limit of this kernel is known by name');
  t.ok(own.openFilesMax > 0);
});

t.test(
  '§2.4 fileno-limit, rlimits: what the tree itself may not have is refused before the start',
  async t => {
    await t.resolves(limitsOf(desired({ fileLimit: 2000 }), HOST), 'equal is fine');
    await t.rejects(limitsOf(desired({ fileLimit: 2001 }), HOST), {
      message: /fileno-limit: 2001 is above the tree's own hard limit of 2000/,
    });
    const mighty = { ...HOST, own: { ...HOST.own, mayRaise: true } };
    t.match(await limitsOf(desired({ fileLimit: 2001, rlimits: { core: 0 } }), mighty), {
      noFile: 2001,
      rlimits: { core: 0 },
    });
    await t.rejects(limitsOf(desired({ fileLimit: 2_000_000 }), mighty), {
      message: /fs\.nr_open of 1000000/,
    });
    const noCores = { ...HOST, own: { ...HOST.own, hard: new Map([['core', 5]]) } };
    await t.rejects(limitsOf(desired({ rlimits: { core: 6 } }), noCores), {
      message: /rlimits: core: 6 is above/,
    });
  },
);

t.test(
  '§2.4 memory-limit, cpu-shares: limits become those of the sandbox, of controllers that are there',
  async t => {
    const all = desired({
      memoryLimitBytes: 1000,
      swapLimitBytes: 50,
      cpuShares: 512,
      cpuQuotaPercent: 150,
      pidsLimit: 77,
      ioWeight: 200,
    });
    const wanted = {
      memoryBytes: 1000,
      swapBytes: 50,
      swapAccounting: true,
      cpuShares: 512,
      cpuQuotaPercent: 150,
      ioLimits: [],
      pidsMax: 77,
    };
    t.same(await limitsOf(all, HOST), { noFile: 1024, rlimits: {}, ...wanted });
    t.same(await limitsOf(all, { ...HOST, controllers: new Set() }), { noFile: 1024, rlimits: {} });
    t.same(await limitsOf(all, { ...HOST, controllers: new Set(['pids']) }), {
      noFile: 1024,
      rlimits: {},
      pidsMax: 77,
    });
  },
);

t.test('devices are named by their numbers, and what is none is refused', async t => {
  t.same([devMajor(0x103), devMinor(0x103)], [1, 3]);
  // 259:300000, as the kernel writes it.
  const large = 0xe0 + 259 * 0x100 + 0x493 * 0x100000;
  t.same([devMajor(large), devMinor(large)], [259, 300_000]);
  const [zero] = await deviceNodes(['/dev/zero']);
  t.match(zero, { path: '/dev/zero', type: 'c', major: 1, minor: 5, mode: 0o666, uid: 0, gid: 0 });
  await t.rejects(deviceNodes(['/dev/nothing-of-that-name']), {
    message: 'devices: /dev/nothing-of-that-name does not exist',
  });
  await t.rejects(deviceNodes(['/etc/passwd']), { message: 'devices: /etc/passwd is no device' });
  const limit = { readBytesPerS: 1, writeBytesPerS: null, readOpsPerS: null, writeOpsPerS: null };
  const reads = (device: string) => limitsOf(desired({ ioLimits: [{ device, ...limit }] }), HOST);
  await t.rejects(reads('/dev/zero'), { message: 'io-limits: /dev/zero is no block device' });
  await t.rejects(reads('/dev/gone'), { message: 'io-limits: /dev/gone does not exist' });
  const disk = readdirSync('/sys/block')
    .map(name => `/dev/${name}`)
    .find(path => existsSync(path)) as string;
  const { rdev } = statSync(disk);
  t.match((await reads(disk)).ioLimits, [{ major: devMajor(rdev), minor: devMinor(rdev), readBytesPerS: 1 }]);
});

t.test('§4.6 cgroup-versions: controllers of v1, v2 and both', async t => {
  const v1 = t.testdir({ memory: { 'memory.memsw.limit_in_bytes': '' }, plain: {} });
  const mount = (mountPoint: string) => ({ mountPoint, root: '/' });
  const only = (name: string, path: string) => new Map([[name, mount(path)]]);
  const old = { layout: 'v1', controllers: only('memory', join(v1, 'memory')), unified: undefined } as const;
  t.same([...availableControllers(old)], ['memory']);
  t.equal(countsSwap(old), true);
  t.equal(
    countsSwap({ ...old, controllers: only('memory', join(v1, 'plain')) }),
    false,
    'a kernel without swap accounting',
  );

  const root = join(v1, 'unified');
  mkdirSync(join(root, 'system.slice'), { recursive: true });
  writeFileSync(join(root, 'cgroup.controllers'), 'cpu io memory pids\n');
  writeFileSync(join(root, 'system.slice', 'memory.max'), '');
  const unified = mount(root);
  const v2 = { layout: 'v2', controllers: new Map(), unified } as const;
  const found = availableControllers(v2);
  for (const name of [...CONTROLLERS, 'devices', 'cpuacct', 'freezer']) t.ok(found.has(name), name);
  t.equal(found.has('io'), false, 'one name for each');
  t.equal(countsSwap(v2), false);
  writeFileSync(join(root, 'system.slice', 'memory.swap.max'), '');
  t.equal(countsSwap(v2), true);
  const hybrid = { layout: 'hybrid', controllers: old.controllers, unified } as const;
  t.same([...availableControllers(hybrid)].sort(), ['blkio', 'cpu', 'memory', 'pids']);
});

t.test('a weight for disks is written under whichever name the kernel has', async t => {
  const directory = t.testdir({});
  const written = (name: string, weight: number) => {
    writeFileSync(join(directory, name), '');
    writeIoWeight(directory, weight);
    const text = readFileSync(join(directory, name), 'utf8');
    rmSync(join(directory, name));
    return text;
  };
  t.equal(written('blkio.weight', 300), '300');
  t.equal(written('blkio.bfq.weight', 300), '300');
  t.equal(written('io.bfq.weight', 300), 'default 300');
  t.same(
    [10, 500, 1000].map(weight => written('io.weight', weight)),
    ['default 1', 'default 4950', 'default 10000'],
  );
  t.throws(() => writeIoWeight(directory, 300), { message: /this kernel has none of blkio\.weight/ });
});

t.test(
  '§2.1 cgroup-controllers, cgroup-name: what is listed must exist, what is not has no limits',
  async t => {
    const cgroups = (cgroupControllers: string[], cgroupName: string | null = 'test.slice') =>
      new Cgroups({ cgroupName, cgroupControllers }, realClock);
    t.same(cgroups([]).missing(), []);
    t.ok(cgroups([]).limits.controllers.has('memory'), 'none listed: all that are there');
    const some = cgroups(['memory', 'misc', 'net_prio']);
    t.same(some.missing(), ['misc', 'net_prio'], 'not on this machine');
    t.same([...some.limits.controllers], ['memory']);
    t.same([...cgroups(['name']).limits.controllers], [], 'naming only');
    const none = cgroups(['misc'], null);
    t.same([none.enabled, none.missing(), none.pathOf('a/b.0'), none.scopes()], [false, [], undefined, []]);
    t.same([...none.limits.controllers], []);
    await none.killAll('a/b.0');
    await none.remove('a/b.0');
    t.equal(cgroups([]).pathOf('a/b.0'), '/test.slice/a:b.0.scope');
  },
);

t.test('what a host cannot do for an instance is said in a sentence', async t => {
  const imageRoot = t.testdir({});
  const fine = desired({ imageRoot });
  await t.resolves(checkPossible(fine, CRUN));
  const refused = (
    change: Parameters<typeof desired>[0],
    means: Parameters<typeof checkPossible>[1],
    message: RegExp,
  ) => t.rejects(checkPossible({ ...fine, ...change }, means), { message });
  await refused({ imageRoot: '/does/not/exist' }, CRUN, /image \/does\/not\/exist does not exist/);
  await refused({ needsPid: true }, { ...CRUN, runtime: 'runc' }, /install crun/);
  const map = [{ inside: 1, outside: 100_001, count: 10 }];
  await refused({ uidMap: map, gidMap: map }, { ...CRUN, runtime: 'runc' }, /runc needs the inside id 0/);
  await refused({}, { runtime: 'runc', cgroups: false }, /runc cannot work without cgroups/);
  await refused({ sharePid: true }, { runtime: 'crun', cgroups: false }, /could not be killed as a whole/);
  await refused({ capabilities: ['CAP_MKNOD'] }, { runtime: 'crun', cgroups: false }, /MKNOD/);
});

t.test('with v2 the tree is in no cgroup above those of its containers', async t => {
  const top = t.testdir({ 'cgroup.procs': '' });
  const mounts = (type: string) =>
    parseCgroupMounts(`30 24 0:26 / ${top} rw - ${type} none rw${type === 'cgroup' ? ',pids' : ''}`);
  const v2 = mounts('cgroup2');
  const inside = /^cgroup-name: system\.slice\/lithos\.service\/x is in the tree's own cgroup \/system/;
  const own = '0::/system.slice/lithos.service\n';
  t.match(leaveRoom(v2, own, 'system.slice/lithos.service/x'), inside);
  t.match(leaveRoom(v2, own, 'system.slice/lithos.service'), /is in the tree's own cgroup/);
  t.equal(leaveRoom(v2, own, 'lithos.slice'), undefined);
  t.equal(leaveRoom(v2, own, 'system.slice/lithos.service-2'), undefined);
  t.equal(leaveRoom(mounts('cgroup'), '2:pids:/a\n', 'a/b'), undefined, 'v1 has no such rule');
  const leaf = join(top, 'lithos-tree.scope', 'cgroup.procs');
  t.equal(leaveRoom(v2, '0::/\n', 'lithos.slice'), undefined);
  t.notOk(existsSync(leaf), 'the root of all cgroups may have both');
  writeFileSync(join(top, 'cgroup.type'), 'domain\n');
  writeFileSync(join(top, 'cgroup.procs'), '17\n18\n');
  t.equal(leaveRoom(v2, '1:name=x:/\n0::/\n', 'lithos.slice'), undefined);
  t.equal(readFileSync(leaf, 'utf8'), '18', 'each in turn, for a container that is given cgroups of its own');
});

t.test('memory that ran out in an earlier run is not said of this one', async t => {
  const first = t.testdir({ oom: '' });
  noteOomKills(first, 0);
  t.equal(
    ranOutOfMemory(first, () => 1),
    true,
  );
  const second = join(first, 'second');
  mkdirSync(second);
  noteOomKills(second, 1);
  t.equal(
    ranOutOfMemory(second, () => 1),
    false,
    'no mark',
  );
  writeFileSync(join(second, 'oom'), '');
  t.equal(
    ranOutOfMemory(second, () => 1),
    false,
    'the mark is of the same end as before',
  );
  t.equal(
    ranOutOfMemory(second, () => 2),
    true,
  );
  t.equal(
    ranOutOfMemory(second, () => undefined),
    true,
    'the cgroup is gone: the mark is all there is',
  );
});
