import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { createScanner, type Scanner } from '../../src/adapters/scanner.ts';
import { parseDuration, parseOptions } from '../../src/config/options.ts';
import { baseOf, cgroupName, parseMembership } from '../../src/core/collect/cgroups.ts';
import {
  parseEnvironment,
  parseOwner,
  parseProcessIo,
  parseProcessStat,
  parseTimeslices,
  STAT,
  STAT_LENGTH,
} from '../../src/core/collect/process.ts';
import { fieldKey } from '../../src/core/history/slots.ts';

const MACHINE = join(process.env.SUITE_ROOT ?? '..', 'cantal/test/fixtures/machine');

/** Everything the newest scan holds, as `label=text,… value` lines: a golden output a person can read. */
function dump(scanner: Scanner): string[] {
  const found: string[] = [];
  for (const group of scanner.history.slots.groups) {
    group.fields.forEach((field, index) => {
      const value = scanner.history.get(group.first + index);
      if (Number.isNaN(value)) return;
      const key = Object.entries(fieldKey(group, field)).map(([label, text]) => `${label}=${text}`);
      found.push(`${key.sort().join(',')} ${field.kind} ${value}`);
    });
  }
  return found.sort();
}

/** A tree of files in a temporary directory that goes away with the test. */
function tree(t: { teardown(run: () => void): void }, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'cantal-fixture-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

function processFiles(pid: number, cgroup: string, environ = ''): Record<string, string> {
  return {
    [`proc/${pid}/stat`]: `${pid} (we (ird) name) S 1 0 0 0 -1 0 0 0 0 0 70 30 7 3 20 0 2 0 5000 104857600 256 18446744073709551615\n`,
    [`proc/${pid}/io`]:
      'rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 1\n',
    [`proc/${pid}/schedstat`]: '123 456 789\n',
    [`proc/${pid}/status`]: 'Name:\tx\nUid:\t1000\t0\t0\t0\nGid:\t100\t0\t0\t0\nVmSwap:\t     12 kB\n',
    [`proc/${pid}/cmdline`]: 'python3\0worker.py\0',
    [`proc/${pid}/cgroup`]: cgroup,
    [`proc/${pid}/environ`]: environ,
  };
}

t.test('machine files, as a golden list', async t => {
  const scanner = createScanner({ procRoot: MACHINE, cgroupRoot: '/nonexistent' });
  t.teardown(() => scanner.close());
  scanner.scan(1000);
  t.matchOnly(
    scanner.status().filter(collector => !collector.ok),
    [],
    'every collector is well',
  );
  const lines = dump(scanner);
  for (const line of [
    'metric=cpu.user Counter 29982',
    'metric=cpu.guest Counter 5',
    'metric=memory.MemTotal Integer 8318418944',
    'metric=memory.Active(anon) Integer 353974272',
    'metric=memory.HugePages_Total Integer 3',
    'metric=load_avg_1min Float 0.2',
    'metric=proc_runnable Integer 1',
    'metric=proc_total Integer 80',
    'metric=last_pid Float 11206',
    'metric=uptime Float 19803.54',
    'metric=open_files Integer 1216',
    'device=nvme0n1,metric=disk.read.bytes Counter 2048000',
    'device=nvme0n1,metric=disk.in_progress Integer 3',
    'device=nvme0n1p1,metric=disk.weighted_time Counter 880',
    'interface=eth0,metric=net.interface.rx.bytes Counter 123456789',
    'interface=eth0,metric=net.interface.tx.drop Counter 4',
    'interface=lo,metric=net.interface.tx.packets Counter 10',
    'metric=net.TcpExt.PAWSEstab Counter 17',
    'metric=net.IpExt.OutOctets Counter 6000',
    'metric=pressure.io.some.avg10 Float 1.53',
    'metric=pressure.memory.full.total Counter 99',
  ]) {
    t.ok(lines.includes(line), line);
  }
  const refused = lines.filter(line => /ram0|loop0|DirectOdd|MemoryPressures|net\.Odd/.test(line));
  t.same(refused, [], 'ram and loop disks, odd units, negative counters and odd pairs stay out');
  t.equal(scanner.processes.bootTime, 1795157635);
});

t.test('a broken source loses its own metrics and nothing else', async t => {
  const files = {
    'proc/stat': 'nonsense\n',
    'proc/loadavg': '0.10 0 0 1/2 3\n',
    'proc/meminfo': 'MemFree: 1 kB\n',
  };
  const root = tree(t, { ...files, 'proc/uptime': '5.00 1.00\n' });
  rmSync(join(root, 'proc/uptime'));
  mkdirSync(join(root, 'proc/uptime'));
  const said: string[] = [];
  const scanner = createScanner({
    procRoot: join(root, 'proc'),
    cgroupRoot: '/x',
    log: message => said.push(message),
  });
  t.teardown(() => scanner.close());
  scanner.scan(1000);
  scanner.scan(2000);
  const broken = scanner.status().filter(collector => !collector.ok);
  t.match(broken, [
    { name: 'cpu', error: /first line/, failures: 2 },
    { name: 'uptime', error: /EISDIR/, failures: 2 },
  ]);
  t.ok(dump(scanner).includes('metric=load_avg_1min Float 0.1'));
  t.equal(said.length, 2, 'a lasting failure is logged once');
  writeFileSync(join(root, 'proc/stat'), 'cpu  1 2 3\n');
  scanner.scan(3000);
  t.ok(dump(scanner).includes('metric=cpu.system Counter 3'), 'and it recovers');
  writeFileSync(join(root, 'proc/stat'), 'gone mad\n');
  scanner.scan(4000);
  t.notMatch(dump(scanner).join(), /metric=cpu/, 'no old values instead of new ones');
});

t.test('processes and cgroups on v2, v1 and hybrid hosts', async t => {
  const inside = '/lithos.slice/django:worker.0.scope';
  const layouts = {
    v2: { one: '0::/init.scope\n', own: `0::${inside}\n`, directory: `cgroup${inside}`, v1: false },
    v1: {
      one: '2:memory:/\n1:cpu,cpuacct:/\n0:name=systemd:/init.scope\n',
      own: `4:memory:${inside}\n3:cpu,cpuacct:${inside}\n2:name=systemd:${inside}\n`,
      directory: '',
      v1: true,
    },
    hybrid: {
      one: '9:name=systemd:/\n4:memory:/box\n3:cpuacct:/box\n0::/\n',
      own: `9:name=systemd:${inside}\n4:memory:/box${inside}\n3:cpuacct:/box${inside}\n0::/\n`,
      directory: '/box',
      v1: true,
    },
  };
  for (const [name, layout] of Object.entries(layouts)) {
    const figures: Record<string, string> = layout.v1
      ? {
          'cgroup/memory/cgroup.procs': '1\n',
          [`cgroup/memory${layout.directory}${inside}/memory.usage_in_bytes`]: '1048576\n',
          [`cgroup/memory${layout.directory}${inside}/memory.limit_in_bytes`]: '9223372036854771712\n',
          [`cgroup/cpuacct${layout.directory}${inside}/cpuacct.usage`]: '5000000\n',
        }
      : {
          'cgroup/cgroup.procs': '1\n',
          [`${layout.directory}/memory.current`]: '1048576\n',
          [`${layout.directory}/memory.max`]: 'max\n',
          [`${layout.directory}/cpu.stat`]: 'usage_usec 5000\nuser_usec 4000\nsystem_usec 1000\n',
        };
    const root = tree(t, {
      'proc/stat': 'cpu  1\nbtime 1700000000\n',
      ...processFiles(1, layout.one),
      ...processFiles(42, layout.own),
      ...figures,
    });
    const scanner = createScanner({ procRoot: join(root, 'proc'), cgroupRoot: join(root, 'cgroup') });
    t.teardown(() => scanner.close());
    scanner.scan(1_700_000_100_000);
    const lines = dump(scanner);
    const label = 'cgroup=lithos.django:worker.0';
    for (const line of [
      `${label},metric=rss,pid=42 Integer 1048576`,
      `${label},metric=vsize,pid=42 Integer 104857600`,
      `${label},metric=swap,pid=42 Integer 12288`,
      `${label},metric=num_threads,pid=42 Integer 2`,
      `${label},metric=user_time,pid=42 Counter 70`,
      `${label},metric=read_bytes,pid=42 Counter 4096`,
      `${label},metric=write_bytes,pid=42 Counter 8192`,
      `${label},metric=cgroup.memory.usage Integer 1048576`,
      `${label},metric=cgroup.cpu.usage Counter 5000`,
      'metric=rss,pid=1 Integer 1048576',
    ]) {
      t.ok(lines.includes(line), `${name}: ${line}`);
    }
    t.notMatch(lines.join(), /cgroup\.memory\.limit/, `${name}: no limit is no figure`);
    t.match(scanner.processes.table()[1], {
      pid: 42,
      ppid: 1,
      uid: 1000,
      gid: 100,
      name: 'we (ird) name',
      state: 'S',
      start_time: 50_000,
      start_timestamp: 1_700_000_050_000,
      child_user_time: 7,
      cmdline: 'python3\0worker.py\0',
      cgroup: 'lithos.django:worker.0',
    });
    rmSync(join(root, 'proc/42'), { recursive: true });
    writeFileSync(join(root, 'proc/1/stat'), '');
    scanner.scan(1_700_000_102_000);
    t.same(scanner.processes.byPid.has(1), false, 'a process whose stat line is gone is gone');
  }
});

t.test('a pid that another process took over starts new series', async t => {
  const root = tree(t, { 'proc/stat': 'cpu  1\nbtime 1000\n', ...processFiles(7, '0::/a\n') });
  const scanner = createScanner({ procRoot: join(root, 'proc'), cgroupRoot: '/x' });
  t.teardown(() => scanner.close());
  const lives = () => [...scanner.history.slots.groups].filter(({ labels }) => labels.pid === '7');
  scanner.scan(1000);
  scanner.scan(2000);
  t.equal(lives().length, 1);
  const stat = join(root, 'proc/7/stat');
  writeFileSync(stat, processFiles(7, '')['proc/7/stat']?.replace(' 5000 ', ' 6000 ') ?? '');
  scanner.scan(3000);
  t.same(
    lives().map(({ closedAt }) => closedAt),
    [2, Number.POSITIVE_INFINITY],
    'the old one ends where the new one begins',
  );
  t.equal(scanner.processes.byPid.get(7)?.startTicks, 6000);
});

t.test('names of cgroups', async t => {
  const name = (own: string, base: string) => cgroupName(parseMembership(own), parseMembership(base));
  t.equal(name('0::/system.slice/nscd.service', '0::/init.scope'), 'system.nscd');
  t.equal(name('0::/demo/jupyter/lithos.slice/a:b.0.scope', '0::/demo/jupyter'), 'lithos.a:b.0');
  t.equal(name('0::/demo/jupyter/lithos.slice/a:b.0.scope', '0::/demo/jupyter/tree.scope'), 'lithos.a:b.0');
  t.equal(name('0::/', '0::/'), undefined);
  t.equal(name('0::/init.scope', '0::/init.scope'), undefined);
  t.equal(name('0::/../mars/x', '0::/'), 'mars.x', 'outside of our cgroup namespace');
  t.equal(name('1:memory:/a:b\n0::/\n', '1:memory:/\n0::/\n'), 'a:b', 'colons belong to the path');
  t.equal(name('', ''), undefined);
  t.equal(baseOf('/a.scope'), '/');
});

t.test('byte parsers refuse what is cut or odd', async t => {
  const out = new Float64Array(STAT_LENGTH);
  const stat = (text: string) => parseProcessStat(Buffer.from(text), text.length, out);
  t.ok(stat('7 (a) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22'));
  t.same(
    [out[STAT.ppid], out[STAT.userTime], out[STAT.threads], out[STAT.startTime], out[STAT.rss]],
    [1, 11, 17, 19, 21],
  );
  t.notOk(stat('7 (a) R 1 2 3'));
  t.notOk(stat(''));
  t.notOk(stat('7 a R 1'));
  t.notOk(stat(')('));
  t.ok(stat('7 ()) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22'), 'a name may be a bracket');
  const io = (text: string) => parseProcessIo(Buffer.from(text), text.length, out);
  t.notOk(io('rchar: 1\nread_bytes: 5\n'));
  t.ok(io('write_bytes: 7\nread_bytes: 5\n'));
  t.same([out[0], out[1]], [5, 7]);
  t.ok(Number.isNaN(parseTimeslices(Buffer.from('1 2'), 3)));
  t.same(parseOwner(''), { uid: 0, gid: 0, swap: 0 });
});

t.test('environments', async t => {
  t.same(parseEnvironment('A=1\0CANTAL_PATH=/run/x/\0CANTAL_APPNAME=app\0'), {
    path: '/run/x',
    appname: 'app',
  });
  t.equal(parseEnvironment('CANTAL_APPNAME=app'), undefined);
  t.equal(parseEnvironment('CANTAL_PATH=/'), undefined);
  t.equal(
    parseEnvironment('CANTAL_PATH=/run/../../etc/x'),
    undefined,
    'a container must not lead us out of it',
  );
  t.match(parseEnvironment('CANTAL_PATH=a\0CANTAL_APPNAME=ä'), { path: 'a', appname: undefined });
});

t.test('options', async t => {
  t.same(['1 hour', '30min', '2h 5m', '1500ms', '2 days', '', 'soon', '5', '1h x'].map(parseDuration), [
    3_600_000,
    1_800_000,
    7_500_000,
    1500,
    172_800_000,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  const error = (values: Record<string, string | string[]>) => {
    const result = parseOptions(values);
    return result.ok ? 'fine' : result.error;
  };
  t.equal(error({}), 'fine');
  t.match(error({ host: 'localhost' }), /--host.*not an IPv4 address/);
  t.match(error({ port: '70000' }), /--port/);
  t.match(error({ 'override-machine-id': 'abc' }), /hex/);
  t.match(error({ 'keep-history': '1s' }), /at least 10 s/);
  t.match(error({ seed: ['10.0.0.1'] }), /needs --cluster-name/);
  t.match(error({ seed: ['host:1'], 'cluster-name': 'x' }), /not IP:PORT/);
  t.match(error({ 'config-dir': '/etc/cantal' }), /not available yet/);
  t.match(parseOptions({ seed: ['10.0.0.1'], 'cluster-name': 'x' }), {
    value: { seeds: ['10.0.0.1:22682'] },
  });
});
