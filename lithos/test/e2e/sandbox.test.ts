import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { devMajor, devMinor } from '@suite/shared/linux/device-numbers.ts';
import t, { type Test } from 'tap';
import { VolumeGuard } from '../../src/adapters/volume-guard.ts';
import { desired } from '../desired.ts';
import { Host, isAlive, processesOf, until } from '../support.ts';

t.setTimeout(300_000);

const SLEEP = 'while :; do sleep 1000; done';
const DONE = 'done-with-it';

async function host(test: Pick<Test, 'teardown'>, master?: string): Promise<Host> {
  const made = await Host.make(master);
  test.teardown(() => made.dispose());
  return made;
}

function entry(name: string, more = ''): string {
  return `${name}: {image: app.1, config: /config/${name}.yaml${more}}\n`;
}

/** One container: `script` runs once, then it sleeps. */
interface Look {
  readonly script: string;
  /** Further entries of `environ`. */
  readonly environ?: string;
  readonly keys?: string;
  readonly volumes?: string;
}

function prepare(h: Host, looks: Readonly<Record<string, Look>>): void {
  for (const [name, { script, keys, volumes, environ }] of Object.entries(looks))
    h.containerFile(name, `${script}; echo ${DONE}; ${SLEEP}`, keys, {
      volumes: volumes ?? '',
      environ: environ ?? '',
    });
  h.processFile(
    Object.keys(looks)
      .map(name => entry(name))
      .join(''),
  );
}

/** What a container's script has written, lines joined. */
async function said(h: Host, name: string): Promise<string> {
  const problem = () => h.instance(`${name}.0`)?.problem ?? '';
  await until(`${name} has said everything`, () => {
    if (problem() !== '') throw new Error(problem());
    return h.output(`${name}.0`).includes(DONE);
  });
  return h.output(`${name}.0`).join('\n');
}

async function refusal(h: Host, name: string): Promise<string> {
  return await until(`${name} is refused`, () => h.instance(`${name}.0`)?.problem ?? undefined);
}

/** A file of the instance's own cgroup, in whichever hierarchy has it. */
function cgroupFile(h: Host, name: string, file: string): string | undefined {
  for (const directory of h.cgroups()) {
    const path = join(directory, `${h.sandbox}:${name}.0.scope`, file);
    if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  }
  return undefined;
}

/** First that exists: names differ between v1, its schedulers and v2. */
function anyFile(h: Host, name: string, ...files: string[]): string | undefined {
  return files.map(file => cgroupFile(h, name, file)).find(text => text !== undefined);
}

function aDisk(): { path: string; numbers: string } {
  const path = readdirSync('/sys/block')
    .map(name => `/dev/${name}`)
    .find(device => existsSync(device)) as string;
  const { rdev } = statSync(path);
  return { path, numbers: `${devMajor(rdev)}:${devMinor(rdev)}` };
}

const STATUS = 'grep -E "^(Cap(Eff|Bnd|Amb)|NoNewPrivs|Seccomp|Groups):" /proc/self/status | tr "\\t" " "';

t.test('what a container asks of its confinement is what it gets', async t => {
  const h = await host(t);
  const disk = aDisk();
  h.sandboxFile(
    [
      'allow-groups: [0, 7, 8, 100]',
      'allow-devices: [/dev/fuse, /dev/kmsg]',
      'allow-capabilities: [KILL]',
      'allow-unconfined-seccomp: true',
      'allow-new-privileges: true',
    ].join('\n'),
  );
  prepare(h, {
    plain: {
      script: `${STATUS}; id -G; ls -1 /dev; cat /proc/keys | wc -c; touch /proc/sys/x 2>/dev/null || echo closed`,
    },
    fixed: {
      script: 'cut -d" " -f5,6 /proc/self/mountinfo; cat /proc/$$/environ | tr "\\0" "\\n" | sort',
      environ: 'LITHOS_NAME: stolen, TERM: mine, A: x',
    },
    limited: {
      script: 'echo cores $(ulimit -Hc) $(ulimit -Sc) files $(ulimit -n)',
      keys: `memory-limit: 64Mi\nswap-limit: 16Mi\ncpu-shares: 256\ncpu-quota: 50\npids-limit: 33\nio-weight: 200\nio-limits: {${disk.path}: {read-bytes: 1Mi, write-ops: 100}}\nrlimits: {core: 4096}\nfileno-limit: 99`,
    },
    open: {
      script: `${STATUS}; id -G; test -c /dev/kmsg && stat -c "%t:%T %a" /dev/kmsg`,
      keys: 'seccomp: unconfined\nnew-privileges: true\ncapabilities: [KILL]\nadditional-groups: [7, 8]\ndevices: [/dev/kmsg]\ngroup-id: 100',
    },
  });
  t.equal(h.check().stderr, '');
  await h.start();

  await t.test('§4.2 fixed-mounts: /proc, /sys, /dev and below, with their flags', async t => {
    const told = await said(h, 'fixed');
    for (const line of [
      /^\/proc rw,nosuid,nodev,noexec/m,
      /^\/sys ro,nosuid,nodev,noexec/m,
      /^\/dev rw,nosuid/m,
    ])
      t.match(told, line);
    t.match(told, /^\/dev\/pts rw,nosuid,noexec/m);
    for (const path of ['shm', 'mqueue'])
      t.match(told, new RegExp(`^/dev/${path} rw,nosuid,nodev,noexec`, 'm'));
  });
  await t.test('§4.5 environment: cleared, and what lithos says wins over environ', async t => {
    const name = `LITHOS_NAME=${h.name('fixed.0')}`;
    const expected = [
      'A=x',
      'HOME=/',
      'LITHOS_CONFIG=/config/fixed.yaml',
      name,
      'PATH=/usr/bin:/bin',
      'TERM=mine',
    ];
    t.match(await said(h, 'fixed'), `\n${expected.join('\n')}\n${DONE}`);
  });
  await t.test('§4.5 hardening: by default nothing is left of what a program was not given', async t => {
    const plain = await said(h, 'plain');
    t.match(plain, /^Groups: +\n/m, 'no supplementary groups');
    t.match(plain, /CapBnd: 0000000000000000\nCapAmb: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2\n/);
    t.match(plain, /\n0\nclosed\n/, 'kernel files are hidden or read-only');
    t.notMatch(plain, /kmsg|fuse|vda|mem\n/, 'no device but the standard ones');
    t.match(cgroupFile(h, 'plain', 'devices.list') ?? 'c 1:3', /^(?!a \*)/, 'and no other could be opened');
  });
  await t.test(
    '§4.5 ids: user and group are set and supplementary groups are exactly those asked for',
    async t => {
      const open = await said(h, 'open');
      t.match(open, /^Groups: 7 8 *\n/m);
      t.match(open, '\n100 7 8\n');
      t.match(open, /CapEff: 0000000000000020\n/);
      t.match(open, /NoNewPrivs: 0\nSeccomp: 0\n/);
      const { mode } = statSync('/dev/kmsg');
      t.match(open, `1:b ${(mode & 0o777).toString(8)}`, 'the node is that of the host');
      t.match(anyFile(h, 'open', 'devices.list') ?? 'c 1:11 rwm', 'c 1:11 rwm', 'and may be used');
    },
  );
  await t.test(
    '§4.6 cgroup-limits: memory, swap, CPU, pids and io are set; rlimits soft and hard',
    async t => {
      t.match(await said(h, 'limited'), 'cores 8 8 files 99');
      t.equal(anyFile(h, 'limited', 'memory.limit_in_bytes', 'memory.max'), String(64 << 20));
      const swap =
        cgroupFile(h, 'limited', 'memory.swap.max') ??
        String(Number(cgroupFile(h, 'limited', 'memory.memsw.limit_in_bytes')) - (64 << 20));
      t.equal(swap, String(16 << 20));
      t.match(anyFile(h, 'limited', 'cpu.shares', 'cpu.weight'), /^(256|10)$/);
      t.match(anyFile(h, 'limited', 'cpu.cfs_quota_us', 'cpu.max'), /^50000( 100000)?$/);
      t.equal(anyFile(h, 'limited', 'pids.max'), '33');
      t.equal(anyFile(h, 'plain', 'pids.max'), '4096', 'also without being asked');
      t.match(
        anyFile(h, 'limited', 'blkio.weight', 'blkio.bfq.weight', 'io.weight', 'io.bfq.weight'),
        /\b(200|default 200|1920)\b/,
      );
      const reads = anyFile(h, 'limited', 'blkio.throttle.read_bps_device', 'io.max');
      t.match(reads, `${disk.numbers} `);
      t.match(reads, String(1 << 20));
      t.match(anyFile(h, 'limited', 'blkio.throttle.write_iops_device', 'io.max'), /\b100\b/);
    },
  );
  await t.test('§4.6 cgroup-path: one scope an instance, below cgroup-name', async t => {
    t.equal(h.cgroups().length > 0, true);
    for (const directory of h.cgroups())
      t.ok(existsSync(join(directory, `${h.sandbox}:plain.0.scope`)), directory);
  });
});

t.test('what the host cannot give is refused before the start, with the key and the reason', async t => {
  const h = await host(t);
  h.sandboxFile(
    'allow-devices: [/dev/gone]\nallow-users: [0, 1000, 100000-165535]\nallow-groups: [0, 100000-165535]',
  );
  const map = '[{inside: 0, outside: 100000, count: 1000}]';
  prepare(h, {
    files: { script: ':', keys: 'fileno-limit: 100_000_000' },
    // The test's own directory is for root alone.
    mapped: { script: ':', keys: `uid-map: ${map}\ngid-map: ${map}\nuser-id: 0` },
    disk: { script: ':', keys: 'io-limits: {/dev/zero: {read-bytes: 1}}' },
  });
  await h.start();
  t.match(await refusal(h, 'files'), /^fileno-limit: 100000000 is above/);
  t.match(
    await refusal(h, 'mapped'),
    new RegExp(`user 100000 of the host may not enter ${h.directory}: chmod o\\+x`),
  );
  t.match(await refusal(h, 'disk'), 'io-limits: /dev/zero is no block device');
  chmodSync(h.directory, 0o755);
  await h.running('mapped.0');
});

t.test('volumes, the state directory and the files of /etc', async t => {
  const h = await host(t);
  chmodSync(h.directory, 0o755);
  h.sandboxFile('additional-hosts: {b.local: 10.0.0.2, a.local: 10.0.0.1}');
  const image = h.path('images/app.1');
  writeFileSync(join(image, 'etc/hosts'), 'of the image\n');
  writeFileSync(join(image, 'etc/resolv.conf'), '');
  mkdirSync(h.path('data/old'), { mode: 0o700 });
  writeFileSync(h.path('data/one-file'), 'a file\n');
  writeFileSync(join(image, 'data/file'), '');
  mkdirSync(join(image, 'data/dir'));
  const before = snapshot(image);
  const looks: Record<string, Look> = {
    mounts: {
      script: [
        'grep -E " /(data/.*|cache|state.*|etc/.*|usr) " /proc/self/mountinfo | cut -d" " -f5,6',
        'touch /x /etc/x /usr/x 2>/dev/null || echo read-only',
        'stat -c "%n %a %u %g" /cache /state /state/in /data/dir /etc/hosts /etc/resolv.conf',
        'cat /data/file; touch /data/dir/mine',
        'ls /cache | wc -l; touch /cache/again',
        'ls -A /state; cat /etc/hosts; uname -n',
      ].join('; '),
      volumes: [
        '  /cache: !Tmpfs {size: 1Mi, mode: 0o750}',
        '  /data/file: !Readonly /data/one-file',
        '  /data/dir: !Persistent {path: /data/new/below, mkdir: true, mode: 0o2770, user: 1000, group: 0}'.replace(
          '0o2770',
          '0o1770',
        ),
        '  /state: !Statedir',
        '  /tmp: !Statedir {path: /in, mode: 0o710, user: 1000, group: 0}',
      ].join('\n'),
      keys: 'hosts-file: {copy-from-host: false, localhost: true, public-hostname: false}\nrestart-timeout: 0',
    },
    untouched: {
      script: 'cat /etc/hosts; ls -A /state; stat -c "%a" /data',
      volumes: '  /state: !Statedir\n  /data: !Persistent {path: /data/old, mkdir: true, mode: 0o777}',
      keys: 'hosts-file: {mount: false}\nresolv-conf: {copy-from-host: false}\nuser-id: 0',
    },
  };
  prepare(h, looks);
  t.equal(h.check().stderr, '');
  await h.start();
  const mounts = await said(h, 'mounts');

  await t.test('§4.3 mount-flags: every bind is nosuid and nodev', async t => {
    const flags = mounts.split('\n').filter(line => /^\/(data|cache|state|etc|usr)\S* r[ow],/.test(line));
    t.ok(flags.length >= 6, flags.join('\n'));
    t.same(
      flags.filter(line => !line.includes('nosuid,nodev')),
      [],
    );
  });
  await t.test('§4.3 readonly: read-only, from writable-paths too; also a single file', async t => {
    t.match(mounts, /^\/usr ro,/m);
    t.match(mounts, /^\/data\/file ro,/m);
    t.match(mounts, 'a file');
    t.match(mounts, 'read-only');
  });
  await t.test(
    '§4.3 persistent: mkdir makes the last directory with owner and mode, an existing one is left alone',
    async t => {
      t.match(mounts, '/data/dir 1770 1000 0');
      const parent = statSync(h.path('data/new'));
      t.equal(parent.uid, 0, 'parents stay root’s');
      t.ok(existsSync(h.path('data/new/below/mine')));
      t.match(await said(h, 'untouched'), '700', 'mode and owner of what exists do not change');
    },
  );
  await t.test('§4.3 tmpfs: size and mode, empty at each start', async t => {
    t.match(mounts, '/cache 750 0 0');
    process.kill(await h.app('mounts.0'), 'SIGKILL');
    await h.running('mounts.0', 1);
    await until(
      'it has started twice',
      () => h.output('mounts.0').filter(line => line === DONE).length === 2,
    );
    t.notMatch(h.output('mounts.0').join('\n'), /\n1\n/, 'the file of the first run is gone');
  });
  await t.test(
    '§4.3 statedir, §4.4 state-dir: its own directory, made at each start, sticky and open',
    async t => {
      t.match(mounts, '/state 1777 0 0');
      t.match(mounts, '/state/in 710 1000 0');
    },
  );
  await t.test(
    '§4.4 etc-written, §4.4 hosts-parts: both files are in the state directory, hosts in its order',
    async t => {
      t.match(
        mounts,
        '\nhosts\nin\nresolv.conf\n127.0.0.1 localhost.localdomain localhost\n10.0.0.1 a.local\n10.0.0.2 b.local\n',
      );
      t.match(mounts, '/etc/hosts 644 0 0');
    },
  );
  await t.test('§4.4 hostname: that of the host', async t => t.match(mounts, `\n${hostname()}\n`));
  await t.test(
    '§4.4 etc-mounted, §4.4 nothing-to-show: false is never, and nothing to copy is nothing to mount',
    async t => {
      const other = await said(h, 'untouched');
      t.match(other, 'of the image');
      t.match(other, '\nhosts\n700');
      t.notMatch(other, 'resolv.conf');
    },
  );
  t.equal(await h.stop(), 0);
  await t.test('§4.1 image-read-only, §4.1 missing-mount-point: the image is as it was', async t => {
    t.same(snapshot(image), before);
    h.containerFile('missing', SLEEP, '', { volumes: '  /nowhere: !Tmpfs' });
    h.processFile(entry('missing'));
    t.match(h.check().stderr, '/nowhere in image app.1: does not exist in the image');
    await h.start();
    await until('it is refused', () => h.log().includes('/nowhere'));
    t.same(snapshot(image), before);
    t.equal(h.instance('missing.0'), undefined);
    await h.stop();
  });
  t.same(readdirSync(h.path('run/state')), [], 'and no state directory is left');
});

/** Everything below a directory but our own config files, with modes and times, so that any write shows. */
function snapshot(root: string): string[] {
  return (readdirSync(root, { recursive: true }) as string[])
    .filter(name => !name.startsWith('config'))
    .map(name => {
      const { mode, size, uid, mtimeMs } = lstatSync(join(root, name));
      return `${name} ${mode.toString(8)} ${size} ${uid} ${mtimeMs}`;
    })
    .sort();
}

t.test('§4.4 state-dir: links that a container leaves there are harmless', async t => {
  const h = await host(t);
  const outside = h.path('data/keep');
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), '');
  h.containerFile(
    'web',
    `ln -s ${outside} /state/link; ln -s ${outside}/file /state/hosts2; echo linked; ${SLEEP}`,
    'restart-timeout: 0',
    {
      volumes: '  /state: !Statedir',
    },
  );
  h.processFile(entry('web'));
  await h.start();
  await until('it has made its links', () => h.output('web.0').includes('linked'));
  process.kill(await h.app('web.0'), 'SIGKILL');
  await h.running('web.0', 1);
  await h.stop();
  t.ok(existsSync(join(outside, 'file')));
});

t.test('user namespaces', async t => {
  const h = await host(t);
  chmodSync(h.directory, 0o755);
  h.sandboxFile('allow-users: [0, 1000, 100000-165535]\nallow-groups: [0, 5, 1000, 100000-165535]');
  writeFileSync(h.path('images/app.1/etc/hosts'), '');
  const whole = '[{inside: 0, outside: 100000, count: 2000}]';
  const volumes = [
    '  /data: !Persistent {path: /data/mapped, mkdir: true, mode: 0o700, user: 1000, group: 1000}',
    '  /cache: !Tmpfs {size: 1Mi, mode: 0o755}',
    '  /state: !Statedir {path: /own, mode: 0o700, user: 1000, group: 1000}',
  ].join('\n');
  const script = [
    'cat /proc/self/uid_map | tr -s " "',
    'echo i am $(id -u):$(id -g) $(id -G)',
    'touch /data/mine /state/mine && echo wrote',
    'touch /cache/x 2>/dev/null || echo cache-is-roots',
    'stat -c "%n %u %g %a" /data /cache /state /etc/hosts',
    'touch /sys/x /usr/x 2>/dev/null || echo read-only',
    'grep -E " /(data|state|usr|dev/init) " /proc/self/mountinfo | cut -d" " -f5,6',
    'cat /etc/hosts | wc -l; ls -d /dev/pts/ptmx; cat /proc/1/comm; grep CapEff /proc/self/status',
  ].join('; ');
  prepare(h, {
    all: {
      script,
      volumes,
      keys: `uid-map: ${whole}\ngid-map: ${whole}\nuser-id: 1000\ngroup-id: 1000\nadditional-groups: [5]`,
    },
    root: {
      script:
        'touch /cache/x && echo root-may; id -u; chmod u+s /cache/x; chown 1000 /cache/x && echo chowned; mknod /cache/d c 1 3 2>&1',
      volumes,
      keys: `uid-map: ${whole}\ngid-map: ${whole}\nuser-id: 0\nkind: CommandOrDaemon`,
    },
    few: {
      script: 'id -u; id -g; touch /cache/x && echo mine',
      volumes: '  /cache: !Tmpfs {size: 1Mi, mode: 0o777}',
      keys: 'uid-map: [{inside: 1000, outside: 101000, count: 1}]\ngid-map: [{inside: 1000, outside: 101000, count: 1}]\nuser-id: 1000\ngroup-id: 1000',
    },
  });
  t.equal(h.check().stderr, '');
  await h.start();
  const all = await said(h, 'all');
  t.match(all, ' 0 100000 2000\ni am 1000:1000 1000 5\nwrote\ncache-is-roots\n');
  t.match(
    all,
    '/data 1000 1000 700\n/cache 0 0 755\n/state 1000 1000 700\n/etc/hosts 65534 65534 644\nread-only\n',
  );
  t.match(all, /\/data rw,nosuid,nodev/);
  t.match(all, /\/state rw,nosuid,nodev/);
  t.match(all, /\/usr ro,nosuid,nodev/);
  t.match(all, /\n\/dev\/pts\/ptmx\ninit\nCapEff:\t0000000000000000/);
  const { uid, gid } = statSync(h.path('data/mapped/mine'));
  t.same([uid, gid], [101_000, 101_000], 'on the host they are ids of the map');
  t.equal(statSync(h.path(`run/state/${h.sandbox}/all.0/own/mine`)).uid, 101_000);
  const { pid } = await h.running('all.0');
  t.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /Uid:\t101000\t/);
  t.match(await said(h, 'root'), /root-may\n0\n.*Operation not permitted/s, 'its root may make no device');
  if (h.status()?.runtime === 'runc') t.match(await refusal(h, 'few'), /runc needs the inside id 0/);
  else t.match(await said(h, 'few'), '1000\n1000\nmine');
});

t.test('§2.4 stdout-stderr-file: output goes to a file in a volume, and never out of it', async t => {
  const h = await host(t);
  const outside = h.path('victim');
  writeFileSync(outside, 'precious\n');
  mkdirSync(h.path('data/logs'), { recursive: true });
  chmodSync(h.path('data/logs'), 0o777);
  symlinkSync(outside, h.path('data/logs/evil'));
  symlinkSync('/victim', h.path('data/logs/root'));
  writeFileSync(h.path('data/victim'), '');
  writeFileSync(h.path('data/logs/victim'), '');
  mkdirSync(h.path('data/logs/directory'));
  const volumes =
    '  /data: !Persistent {path: /data/logs}\n  /state: !Statedir {path: /s}\n  /cache: !Tmpfs {}';
  const file = (path: string) => `stdout-stderr-file: ${path}\nrestart-timeout: 0`;
  const script = 'echo out; echo err >&2';
  prepare(h, {
    good: { script, keys: file('/data/app.log'), volumes },
    state: { script, keys: file('/state/app.log'), volumes },
    evil: { script, keys: file('/data/evil'), volumes },
    rooted: { script, keys: file('/data/root'), volumes },
    folder: { script, keys: file('/data/directory'), volumes },
  });
  await h.start();
  const text = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
  await until('it is in the file', () => text(h.path('data/logs/app.log')).includes(DONE));
  t.equal(text(h.path('data/logs/app.log')), `out\nerr\n${DONE}\n`);
  t.equal(statSync(h.path('data/logs/app.log')).uid, 1000, 'a new file is the program’s');
  process.kill(await h.app('good.0'), 'SIGKILL');
  await until('the next run appends', () => text(h.path('data/logs/app.log')).split(DONE).length === 3);
  const state = h.path(`run/state/${h.sandbox}/state.0/s/app.log`);
  await until('the other is in its state directory', () => text(state).includes(DONE));
  t.match(await refusal(h, 'folder'), /is no regular file/);
  await until('a link ends at the root of its volume', () => text(h.path('data/logs/victim')).includes(DONE));
  t.match(await refusal(h, 'evil'), /is a link to what does not exist in the volume/);
  t.equal(text(outside), 'precious\n');
  t.equal(text(h.path('data/victim')), '');
  t.same(
    h.output('good.0').filter(line => line === 'out'),
    [],
    'nothing of it in the log',
  );
});

t.test('§2.4 interactive: output goes to where the tree writes', async t => {
  const h = await host(t);
  h.containerFile('talk', `echo to-stderr >&2; ${SLEEP}`, 'interactive: true\nstdout-stderr-file: /data/x');
  h.processFile(entry('talk'));
  const child = await h.start();
  let heard = '';
  child.stderr?.on('data', chunk => {
    heard += chunk;
  });
  // It may have been said before we listened: another run says it again.
  process.kill(await h.app('talk.0'), 'SIGKILL');
  await until('we hear it', () => heard.includes('to-stderr'));
  t.same(
    h.output('talk.0').filter(line => line.includes('to-stderr')),
    [],
  );
});

t.test('§4.6 cgroup-null: without cgroups everything runs and is killed as a whole', async t => {
  const h = await host(t);
  const master = readFileSync(h.path('master.yaml'), 'utf8').replace(/cgroup-name: .*/, 'cgroup-name: null');
  h.write('master.yaml', master);
  h.containerFile(
    'web',
    `trap "" TERM; (setsid sleep 1000 &); echo up; ${SLEEP}`,
    'kill-timeout: 1\nrestart-timeout: 0\nmemory-limit: 1Gi',
  );
  h.processFile(entry('web'));
  await h.start();
  if (h.status()?.runtime === 'runc') {
    t.match(await refusal(h, 'web'), /install crun/);
    return;
  }
  await until('it is up', () => h.output('web.0').includes('up'));
  t.match(h.log(), 'containers have no limits of memory, cpu, blkio, pids');
  t.same(h.cgroups(), []);
  const before = processesOf(h.name('web.0'));
  t.ok(before.length >= 3);
  await h.crash();
  await h.start();
  t.ok(before.every(isAlive), 'they outlive their supervisor here too');
  process.kill(before[0] as number, 'SIGKILL');
  await h.running('web.0', 1);
  await until('the first process took all of them along', () => !before.some(isAlive));
  t.equal(await h.stop(), 0);
  t.same(processesOf(h.name('web.0')), []);

  h.sandboxFile('share-namespaces: [pid]');
  await h.start();
  t.match(await refusal(h, 'web'), /could not be killed as a whole/);
  await h.stop();

  h.sandboxFile('');
  await h.start([
    'unshare',
    '--mount',
    '--fork',
    'sh',
    '-c',
    'umount -R /sys/fs/cgroup && mount -t tmpfs none /sys/fs/cgroup && exec "$@"',
    'sh',
  ]);
  await h.running('web.0');
});

t.test(
  '§2.1 cgroup-controllers: what the host does not have is fatal, what is not listed has no limits',
  async t => {
    const h = await host(t, 'cgroup-controllers: [name, memory]');
    h.containerFile('web', SLEEP, 'memory-limit: 64Mi\npids-limit: 20');
    h.processFile(entry('web'));
    const bad = h.path('master.yaml');
    const good = readFileSync(bad, 'utf8');
    writeFileSync(bad, good.replace('[name, memory]', '[memory, net_prio]'));
    const refused = h.run('lithos_tree', '-C', bad);
    t.equal(refused.code, 1);
    t.match(refused.stderr, 'cgroup-controllers: this host has no net_prio: mount or leave out');
    writeFileSync(bad, good);
    await h.start();
    await h.running('web.0');
    t.equal(anyFile(h, 'web', 'memory.limit_in_bytes', 'memory.max'), String(64 << 20));
    t.equal(anyFile(h, 'web', 'pids.max'), 'max');
    t.match(h.log(), 'containers have no limits of cpu, blkio, pids');
  },
);

t.test('a volume that is exchanged for another while it is mounted is noticed', async t => {
  const root = mkdtempSync('/tmp/lithos-guard-');
  t.teardown(() => rmSync(root, { recursive: true }));
  for (const name of ['meant', 'other']) mkdirSync(join(root, name));
  const guarded = (target: string) =>
    desired({
      volumes: [
        {
          kind: 'persistent',
          target,
          source: join(root, 'meant'),
          root,
          create: false,
          mode: 0o777,
          user: 0,
          group: 0,
        },
      ],
    });
  const guard = new VolumeGuard();
  for (const [run, target] of [join(root, 'meant'), join(root, 'other')].entries()) {
    const instance = guarded(target);
    await guard.beforeCreate(instance, run);
    // Our own root stands in for the container's.
    const mounted = guard.mounted(instance, run, '/');
    if (run === 0) await t.resolves(mounted);
    else await t.rejects(mounted, { message: /was exchanged while it was being mounted/ });
    await guard.detach(instance.name, run);
  }
  t.same(
    readdirSync('/proc/self/fd').filter(fd => {
      try {
        return (
          lstatSync(`/proc/self/fd/${fd}`).isSymbolicLink() &&
          statSync(`/proc/self/fd/${fd}`).ino === statSync(join(root, 'meant')).ino
        );
      } catch {
        return false;
      }
    }),
    [],
    'no descriptor is left',
  );
});

t.test('§4.6 cgroup-versions: a host that has v2 alone', async t => {
  const h = await host(t);
  spawnSync('mknod', ['-m', '666', h.path('images/app.1/disk'), 'b', ...aDisk().numbers.split(':')]);
  const script = [
    '(exec 3</disk) 2>/dev/null && echo opened || echo closed',
    'grep "^0:" /proc/self/cgroup',
    '(setsid sleep 1000 &)',
    `echo ${DONE}`,
    SLEEP,
  ].join('; ');
  h.containerFile('web', script, 'memory-limit: 64Mi\nuser-id: 0\nrestart-timeout: 0');
  h.processFile(entry('web'));
  // What else is mounted below goes with it, in this namespace alone.
  const only = 'umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"';
  await h.start(['unshare', '--mount', '--fork', 'sh', '-c', only, 'sh']);
  const web = await said(h, 'web');
  t.match(web, `closed\n0::/${h.cgroup}/${h.sandbox}:web.0.scope\n`);
  const limit = cgroupFile(h, 'web', 'memory.max');
  if (limit === undefined)
    t.match(h.log(), 'containers have no limits of memory', 'v1 has the controller here');
  else t.equal(limit, String(64 << 20));
  const before = processesOf(h.name('web.0'));
  t.ok(before.length >= 3);
  process.kill(await h.app('web.0'), 'SIGKILL');
  await h.running('web.0', 1);
  await until('all of the first run is gone', () => !before.some(isAlive));
  t.equal(await h.stop(), 0);
  t.same(h.cgroups(), []);
});
