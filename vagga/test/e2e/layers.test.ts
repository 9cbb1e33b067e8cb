// Steps as layers, on every way to show them: what is taken from the cache, and that the plain directory is what the steps made.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Rig, until } from './rig.ts';
import { FIRST_SUBORDINATE, USER_GID, USER_UID } from './rig-user.ts';

const BASE = `    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/sh}
    - !Copy {source: /work/busybox, path: /bin/busybox}
    - !Sh |
        busybox --install -s /bin 2>/dev/null || /bin/busybox --install -s /bin
`;

const CONFIG = `containers:
  base:
    setup:
${BASE}  odd:
    setup:
    - !Container base
    - !Sh |
        mkdir -p /d/gone /d/new /d/keep; echo 1 > /d/gone/f; echo 1 > /d/new/old; echo 1 > /d/keep/f; echo 1 > /d/file
        echo one > /h1; ln /h1 /h2; ln -s h1 /s; mkfifo /p; chown 5:6 /h1; chmod 4750 /h1
        mkdir /dir2file /m; echo x > /dir2file/x; echo x > /file2dir; chmod 1770 /m; chown 7:8 /m; touch -d @1000 /m
        touch /bytes-$(printf '\\377')
    - !Sh |
        rm -r /d/gone; rm -r /d/new; mkdir /d/new; echo 2 > /d/new/young; echo 2 >> /d/keep/f; rm /d/file
        rm -r /dir2file; echo f > /dir2file; rm /file2dir; mkdir /file2dir; echo 2 > /file2dir/x; chmod 711 /
    - !Sh "mkdir /d/gone; mv /d/keep/f /d/gone/g; mkdir /again"
    - !Sh "rm -r /again; mkdir /again; echo 3 > /again/3"
  steps:
    setup:
    - !Container base
    - !Depends dep
    - !Sh "echo first >> /log; cat /proc/sys/kernel/random/uuid > /one"
    - !Depends late
    - !Sh "echo second >> /log; cat /proc/sys/kernel/random/uuid > /two"
  never:
    setup:
    - !Container base
    - !Sh "echo again; cat /proc/sys/kernel/random/uuid > /stamp"
  twin1:
    setup:
    - !Container base
    - !Sh "echo made >> /work/made; while [ ! -e /work/go ]; do busybox sleep 0.02; done; echo twin > /twin"
  twin2:
    setup:
    - !Container base
    - !Sh "echo made >> /work/made; while [ ! -e /work/go ]; do busybox sleep 0.02; done; echo twin > /twin"
  broken:
    setup:
    - !Container base
    - !Env {COLOUR: green}
    - !Sh |
        seq 30; echo half > /half
        exit 5
  data:
    data-dirs: [/keep/a, /keep/a/b]
    setup:
    - !Container base
    - !Sh "mkdir -p /keep/a/x /keep/b; echo 1 > /keep/a/x/f; ln -s x /keep/a/l"
commands:
  see: !Command {container: data, run: x}
  one: !Command {container: steps, run: [/bin/cat, /log]}
`;

function project(as: 'root' | 'user' = 'root'): Rig {
  const rig = new Rig(as === 'user' ? { as } : {});
  rig.write('vagga.yaml', CONFIG);
  rig.write('dep', '1');
  rig.write('late', '1');
  copyFileSync('/bin/busybox', join(rig.root, 'busybox'));
  return rig;
}

/** The system's own directories and the programs are not what this is about. */
const ALIKE = new Set(['bin', 'etc', 'dev', 'proc', 'sys', 'run', 'work', 'tmp']);

/** Everything about a tree that must not get lost, a line per entry; inode numbers become numbers of hard link groups. */
function describe(root: string): string[] {
  const groups = new Map<bigint, number>();
  const walk = (path: Buffer, shown: string): string[] => {
    const stat = lstatSync(path, { bigint: true });
    const mode = (stat.mode & 0o7777n).toString(8);
    const group = stat.isDirectory() ? 0 : (groups.get(stat.ino) ?? groups.size + 1);
    if (!stat.isDirectory()) groups.set(stat.ino, group);
    const what = stat.isSymbolicLink()
      ? `-> ${readlinkSync(path)}`
      : stat.isFile()
        ? stat.size > 1000n
          ? 'big'
          : readFileSync(path, 'latin1').trim()
        : '';
    const own = `${shown || '/'} ${mode} ${stat.uid}:${stat.gid} ${stat.isFile()}${stat.isFIFO()} #${group} ${what}`;
    if (!stat.isDirectory()) return [own];
    const names = readdirSync(path, { encoding: 'buffer' }).sort(Buffer.compare);
    const inside = names
      .filter(name => shown !== '' || !ALIKE.has(name.toString('latin1')))
      .flatMap(name =>
        walk(Buffer.concat([path, Buffer.from('/'), name]), `${shown}/${name.toString('latin1')}`),
      );
    return [own, ...inside];
  };
  return walk(Buffer.from(root), '');
}

/** What the steps of `odd` leave, without anything of vagga: the same commands in a plain directory. */
function expected(rig: Rig): string[] {
  const root = join(rig.root, 'plain');
  const scripts = CONFIG.slice(CONFIG.indexOf('mkdir -p /d/gone'), CONFIG.indexOf('  steps:'));
  const lines = scripts
    .replaceAll(/^ *- !Sh \|\n/gm, '')
    .replaceAll(/^ *- !Sh "(.*)"$/gm, '$1')
    .trim();
  const mkdirs = ['bin', 'dev', 'etc', 'proc', 'run', 'sys', 'work', 'tmp']
    .map(name => `"$0/${name}"`)
    .join(' ');
  const prepare = `umask 022; mkdir -p ${mkdirs}; cp busybox "$0/bin/sh"; cp busybox "$0/bin/busybox"; chmod 1777 "$0/tmp"`;
  execFileSync('sh', ['-ec', prepare, root], { cwd: rig.root });
  execFileSync('chroot', [root, '/bin/sh', '-c', '/bin/busybox --install -s /bin']);
  execFileSync('chroot', [root, '/bin/sh', '-exc', lines], { stdio: 'pipe' });
  return describe(root);
}

/** The owners of a line as the host sees them when a user has built it. */
const ofUser = (line: string): string =>
  line.replace(/^(\S+ \S+) (\d+):(\d+)/, (_, start: string, uid: string, gid: string) => {
    const outside = (id: string, own: number) => (id === '0' ? own : FIRST_SUBORDINATE + Number(id) - 1);
    return `${start} ${outside(uid, USER_UID)}:${outside(gid, USER_GID)}`;
  });

const WAYS = [
  ['overlay', 'root'],
  ['fuse', 'root'],
  ['copy', 'root'],
  ['overlay', 'user'],
  ['copy', 'user'],
] as const;

for (const [mode, as] of WAYS) {
  t.test(
    `step cache, layers shown by ${mode} (${as}): the plain directory is what the steps made`,
    async t => {
      const rig = project(as);
      t.teardown(() => rig.remove());
      const more = { VAGGA_LAYERS: mode };
      const built = await rig.start(['_build', 'odd'], more).ended;
      t.equal(built.code, 0, built.stderr);
      t.same(
        describe(join(rig.root, '.vagga/odd/')),
        as === 'user' ? expected(rig).map(ofUser) : expected(rig),
      );
      t.equal(
        Math.floor(lstatSync(join(rig.root, '.vagga/odd/m')).mtimeMs),
        1_000_000,
        'times of directories',
      );
      const attributes = spawnSync('python3', [
        '-c',
        'import os,sys\nfor d,_,_ in os.walk(sys.argv[1]): print(*os.listxattr(d))',
        join(rig.root, '.vagga/odd/'),
      ]);
      t.equal(attributes.stdout.toString().trim(), '', 'nothing of overlayfs is left on directories');

      t.equal((await rig.start(['_build', 'steps'], more).ended).code, 0);
      const one = rig.read('.vagga/steps/one');
      const two = rig.read('.vagga/steps/two');
      rig.write('late', '2');
      const second = await rig.start(['_build', 'steps'], more).ended;
      t.match(second.stderr, /\[3\/5\] !Sh echo first.*: cached/);
      t.match(second.stderr, /\[5\/5\] !Sh echo second.*: done/);
      t.equal(rig.read('.vagga/steps/one'), one, 'the step before the change is the one of before');
      t.not(rig.read('.vagga/steps/two'), two);
      t.equal(rig.read('.vagga/steps/log'), 'first\nsecond\n');
      rig.write('dep', '2');
      const third = await rig.start(['_build', 'steps'], more).ended;
      t.match(third.stderr, /\[3\/5\] !Sh echo first.*: done/);
      t.not(rig.read('.vagga/steps/one'), one);
      await until(() => rig.processes('fuse-overlayfs').length === 0, 'no overlay is served any more');
      t.same(rig.mounts(), []);
    },
  );
}

/** As in a container: what is below is an overlay itself, on which neither overlays nor their marks can be made. */
function onOverlay(rig: Rig, script: string, without: string): { code: number | null; text: string } {
  const inside = `mkdir -p upper work top; mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work top
    [ -z "${without}" ] || mount --bind /dev/null "${without}"; cd top; ${script}`;
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-ec', inside], {
    cwd: rig.root,
    encoding: 'utf8',
    env: { ...env, VAGGA: join(env.SUITE_ROOT ?? '', 'vagga/bin/vagga.cjs'), NODE: process.execPath },
  });
  return { code: status, text: stdout + stderr };
}

const FUSE = '/usr/bin/fuse-overlayfs';

for (const [how, without] of [
  ['fuse-overlayfs', ''],
  ['a copy', FUSE],
] as const) {
  t.test(`step cache inside a container: where overlays cannot be, ${how} with marks by name`, async t => {
    const rig = new Rig();
    t.teardown(() => rig.remove());
    rig.write('lower/vagga.yaml', CONFIG);
    copyFileSync('/bin/busybox', join(rig.root, 'lower/busybox'));
    copyFileSync('/bin/busybox', join(rig.root, 'busybox'));
    const again = 'sed -i "s/echo 3/echo 4/" vagga.yaml; "$NODE" "$VAGGA" _build odd';
    const built = onOverlay(rig, `"$NODE" "$VAGGA" _build odd; ${again}; cat .vagga/odd/again/3`, without);
    t.equal(built.code, 0, built.text);
    t.match(built.text, /^odd \[3\/5\] .*: cached/m);
    t.equal(rig.read('upper/.vagga/.layers/marks'), 'names');
    const versions = rig.list('upper/.vagga/.roots').filter(name => name.startsWith('odd.'));
    t.equal(versions.length, 2);
    const trees = versions.map(name => describe(join(rig.root, 'upper/.vagga/.roots', name, 'root')));
    const right = expected(rig);
    const changed = right.map(line => line.replace('#1 3', '#1 4'));
    t.same(trees.map(String).sort(), [right, changed].map(String).sort());
  });
}

t.test('step cache: more steps than one mount can show, and a child on top of them', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const steps = Array.from({ length: 210 }, (_, index) => `    - !Text {/${index % 190}: "${index}"}\n`);
  const config = (last: string) =>
    `containers:\n  many:\n    setup:\n${steps.join('')}    - !Text {/last: ${last}}\n  child:\n    setup:\n    - !Container many\n    - !Text {/child: x}\n`;
  rig.write('vagga.yaml', config('one'));
  const built = rig.run('_build', 'child');
  t.equal(built.code, 0, built.stderr.slice(-500));
  const right = (last: string) =>
    [rig.read('.vagga/child/189'), rig.read('.vagga/child/19'), rig.read('.vagga/child/last')].join() ===
    `189,209,${last}`;
  t.ok(right('one'));
  rig.write('vagga.yaml', config('two'));
  const again = rig.run('_build', 'child');
  t.match(again.stderr, /many \[210\/211\] .*: cached/);
  t.ok(right('two'));
});

t.test('a full disk is told as the failure of the step', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const inside = 'mkdir -p .vagga; mount -t tmpfs -o size=3m tmpfs .vagga; exec "$0" "$1" _build base';
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const vagga = join(env.SUITE_ROOT ?? '', 'vagga/bin/vagga.cjs');
  const full = spawnSync('unshare', ['--mount', 'sh', '-ec', inside, process.execPath, vagga], {
    cwd: rig.root,
    encoding: 'utf8',
    env,
  });
  t.equal(full.status, 121);
  t.match(full.stderr, /Error building container "base": step !Copy .* failed: .*ENOSPC/);
  t.notMatch(full.stderr, 'internal error');
});

t.test('step cache: --force and step-cache: false make every step anew, of the parent too', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const stamp = () => rig.read('.vagga/never/stamp');
  rig.run('_build', 'never');
  const first = stamp();
  rig.write('vagga.yaml', CONFIG.replace('echo again;', 'echo again ;'));
  rig.run('_build', 'never');
  rig.write('vagga.yaml', CONFIG);
  t.equal(rig.run('_build', 'never').stderr, '', 'that version is still there');
  const forced = rig.run('_build', '--force', 'never');
  t.match(forced.stderr, /base \[1\/4\] .*: done/);
  t.notMatch(forced.stderr, /cached(?! \(0)/);
  const second = stamp();
  t.not(second, first);
  rig.write('.vagga.settings.yaml', 'step-cache: false\n');
  rig.write('vagga.yaml', CONFIG.replace('echo again;', 'echo again  ;'));
  t.match(rig.run('_build', 'never').stderr, /\[2\/2\] !Sh echo again.*: done/);
  t.not(stamp(), second);
});

t.test('step cache: two builds that come to the same step at once make it once', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const built = rig.run('_build', 'base');
  t.equal(built.code, 0, built.stderr);
  const first = rig.start(['_build', 'twin1']);
  await until(() => rig.has('made'), 'the step of the first build');
  const second = rig.start(['_build', 'twin2']);
  await second.shows('twin2 [2/2]');
  rig.write('go', '');
  t.match(await first.ended, { code: 0 });
  const outcome = await second.ended;
  t.match(outcome, { code: 0, stderr: /twin2 \[2\/2\] .*cached/ });
  t.equal(rig.read('made'), 'made\n');
  t.equal(rig.read('.vagga/twin2/twin'), 'twin\n');
});

t.test('a failed step: its last lines, its line, its log and a shell in what it left', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const failed = rig.run('_build', 'broken');
  t.equal(failed.code, 121);
  t.match(failed.stderr, /last 20 lines of output:\n {2}1\d\n/);
  t.match(
    failed.stderr,
    /vagga\.yaml:\d+:7: - !Sh \|\nError building container "broken": step !Sh .* exited with code 5/,
  );
  t.match(failed.stderr, 'vagga _build_shell --failed broken');
  const shell = rig.inTerminal(
    ['_build_shell', '--failed', 'broken'],
    'cat /half; echo $COLOUR; touch /new; exit 3\n',
  );
  t.match(shell.stdout, /half\r?\ngreen/);
  t.equal(shell.code, 3, 'the exit code of the shell');
  t.equal(rig.has('.vagga/.roots/.tmp.broken/root/new'), false, 'a look does not change what is there');
  t.match(rig.run('_build_shell', '--failed', 'base'), {
    code: 121,
    stderr: /no failed build of container "base"/,
  });
  t.same(rig.list('.vagga/.roots/.tmp.broken'), [
    'build.log',
    'failed.json',
    'gid_map',
    'root',
    'timings.json',
    'timings.log',
    'uid_map',
  ]);
});

t.test('§1.4 data-dirs: only they stay, and running in them warns', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const built = rig.run('_build', 'data');
  t.match(built.stderr, ': container data: data-dirs has /keep/a/b, which is in /keep/a anyway');
  const files = describe(join(rig.root, '.vagga/data/')).map(line => line.split(' ')[0]);
  t.same(files, ['/', '/keep', '/keep/a', '/keep/a/l', '/keep/a/x', '/keep/a/x/f']);
  t.match(rig.run('see'), { code: 124, stderr: /: container data keeps only its data-dirs/ });
});

t.test('a big image: runs at once from its layers, its directory comes right after', async t => {
  const rig = project();
  t.teardown(() => rig.remove());
  const many =
    'for d in $(seq 50); do mkdir -p /many/$d; for f in $(seq 100); do echo > /many/$d/$f; done; done';
  rig.write('vagga.yaml', CONFIG.replace('echo first >> /log;', `echo first >> /log; ${many};`));
  t.equal(rig.run('one').stdout, 'first\nsecond\n');
  await until(() => rig.has('.vagga/steps/log'), 'the directory');
  t.equal(rig.list('.vagga/steps/many').length, 50);
  rig.write('late', '2');
  const [first, second] = [rig.start(['one']), rig.start(['one'])];
  const ended = await Promise.all([first.ended, second.ended]);
  const good = ended.filter(({ code }) => code === 0);
  t.ok(good.length >= 1 && ended.every(({ code, stderr }) => code === 0 || /Can't lock/.test(stderr)));
  t.equal(rig.run('--no-build', 'one').stdout, 'first\nsecond\n', 'who comes too early waits');
});
