// Volumes of running commands, for root and for an ordinary user.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Rig, ROOT_AND_USER } from './rig.ts';

const CONFIG = `containers:
  c:
    setup: &busybox
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
    - !Sh |
        /bin/busybox --install -s /bin
        mkdir /a /b /data /usr /usr/vagga /db; echo original > /data/file; ln -s file /data/link
        mkdir /data/sub; echo deep > /data/sub/file; chown -R 3:4 /data/sub; chmod 4711 /data/sub/file
        chown 5:6 /data; chmod 750 /data
        echo 'A=1' > /env; echo 'B="two words"' >> /env; printf 'A=1\\n# no\\n' > /badenv
  other: {setup: *busybox, volumes: {/a: !Tmpfs {mode: 0o700}}}
  third:
    setup:
    - !Container c
    - !Sh "mkdir -p /only/third; rm -rf /data/sub; echo third > /data/file"
  env: {setup: [!Container c], environ-file: /env, environ: {B: over, C: own}}
  badenv: {setup: [!Container c], environ-file: /badenv}
  noenv: {setup: [!Container c], environ-file: /absent}
  resolv: {setup: [!Container c], resolv-conf-path: /run/own/resolv.conf, hosts-file-path: null}
  noresolv: {setup: [!Container c], resolv-conf-path: /absent/resolv.conf}
commands:
  defaults: !Command {container: c, run: "stat -c '%a %n' /tmp /run /run/shm; df -k /tmp | tail -1 | awk '{print $2}'; touch /run/x /tmp/x; touch /x"}
  tmpfs: !Command
    container: other
    volumes:
      /b: !Tmpfs {size: 1Mi, mode: 0o1700, subdirs: {x: , x/y: {mode: 0o1777}}, files: {x/text: "hello\\n", empty: }}
    run: |
      stat -c '%a %n' /a /b /b/x /b/x/y
      stat -c '%s %n' /b/empty; cat /b/x/text
      dd if=/dev/zero of=/b/big bs=1k count=2000 2>&1 | grep -o "No space.*"
  binds: !Command
    container: c
    volumes:
      /a: !BindRW /work/shared
      /b: !BindRO /work/shared
      /db: !BindRW /vagga/root/data
      /usr: !BindRO /volumes/ext
      /work/file: !BindRO /volumes/extfile
    run: |
      echo one > /a/one; cat /b/one; touch /b/two 2>&1; cat /usr/outside; cat /work/file
      cat /db/file
  link: !Command {container: c, volumes: {/a: !BindRO /work/escape}, run: "cat /a"}
  external: !Command {container: c, volumes: {/a: !BindRW /volumes/unknown}, run: "true"}
  cache: !Command {container: c, volumes: {/a: !CacheDir some/dir}, run: "echo cached >> /a/file; cat /a/file"}
  nocache: !Command {container: c, volumes: {/a: !CacheDir /abs}, run: "true"}
  empty: !Command {container: c, user-id: 1, volumes: {/data: !Empty}, run: "stat -c %a /data; ls /data; touch /data/x"}
  snapshot: !Command
    container: c
    volumes: {/data: !Snapshot {size: 2Mi}}
    run: |
      stat -c '%a %u %g %n' /data; stat -c '%a %u %g %n' /data/sub /data/sub/file; cat /data/link
      echo changed > /data/file; cat /data/file
  owned: !Command
    container: c
    volumes: {/data: !Snapshot {owner-uid: 7, owner-gid: 8}}
    run: "stat -c '%a %u %g %n' /data /data/sub /data/sub/file"
  small: !Command {container: c, volumes: {/bin: !Snapshot {size: 65536}}, run: "true"}
  foreign: !Command {container: c, volumes: {/data: !Snapshot {container: third}}, run: "stat -c '%a %u' /data; cat /data/*"}
  missing: !Command {container: c, volumes: {/data/sub: !Snapshot {container: third}}, run: "true"}
  each: !Supervise
    mode: wait-all-successful
    children:
      one: !Command {container: c, volumes: {/data: !Snapshot}, run: "echo 1 >> /data/file; wc -l < /data/file"}
      two: !Command {container: c, volumes: {/data: !Snapshot}, run: "echo 2 >> /data/file; wc -l < /data/file"}
  container: !Command {container: c, volumes: {/a: !Container third}, run: "ls /a/only; touch /a/x"}
  unknown: !Command {container: c, volumes: {/a: !Container nowhere}, run: "true"}
  nopoint: !Command {container: c, volumes: {/absent: !Tmpfs}, run: "true"}
  nested: !Command {container: c, volumes: {/a: !BindRW /work/shared, /a/absent: !Tmpfs}, run: "true"}
  file: !Command {container: c, volumes: {/env: !Tmpfs}, run: "true"}
  x11: !Command
    container: c
    volumes: {/tmp: !Tmpfs {subdirs: {.X11-unix: }}, /tmp/.X11-unix: !BindRW /volumes/ext}
    run: "cat /tmp/.X11-unix/outside; touch /tmp/x"
  shm: !Command {container: c, volumes: {/dev/shm: !Tmpfs {size: 1Mi}}, run: "df -k /dev/shm | tail -1 | awk '{print $2}'"}
  env: !Command {container: env, run: "echo $A $B $C"}
  badenv: !Command {container: badenv, run: "true"}
  noenv: !Command {container: noenv, run: "true"}
  resolv: !Command {container: resolv, run: "wc -c < /run/own/resolv.conf; wc -c < /etc/hosts; wc -c < /etc/resolv.conf"}
  noresolv: !Command {container: noresolv, run: "true"}
  ownresolv: !Command {container: c, volumes: {/etc/resolv.conf: !BindRO /work/one}, run: "cat /etc/resolv.conf"}
  keep: !Command {container: c, volumes: {/db: !Persistent {name: kept, owner-uid: 3, owner-gid: 4}}, run: "stat -c '%a %u %g' /db; echo x >> /db/file; wc -l < /db/file"}
  _fill: !Command
    container: c
    environ: {FAIL: ""}
    volumes: &db {/db: !Persistent {name: db, init-command: _fill, owner-uid: 9}}
    run: "echo filling; stat -c %u /db; ls /db; touch /db/part; test ! -e /work/fail || exit 1; echo done > /db/file"
  use: !Command {container: c, volumes: *db, run: "cat /db/file"}
  both: !Supervise {mode: wait-all-successful, children: {x: !Command {container: c, volumes: *db, run: "cat /db/file"}}}
  _wait: !Command {container: c, volumes: &slow {/db: !Persistent {name: slow, init-command: _wait}}, run: "echo waiting; until test -e /work/go; do sleep 0.05; done"}
  waited: !Command {container: c, volumes: *slow, run: "true"}
  locked: !Command
    container: c
    volumes: {/a: !BindRW /volumes/locked, /b: !BindRO /volumes/locked}
    run: "touch /a/x; touch /b/y 2>&1; ls /b; grep ' /b ' /proc/self/mounts"
  badinit: !Command {container: c, volumes: {/db: !Persistent {name: bad, init-command: both}}, run: "true"}
  within: !Command
    container: c
    environ: {PATH: "/usr/vagga:/bin", HOME: /tmp}
    volumes: {/usr/vagga: !VaggaBin}
    work-dir: inner
    run: "vagga hello || { touch fixed && vagga hello && vagga hello; }"
  inside: !Command
    container: c
    environ: {PATH: "/usr/vagga:/bin"}
    volumes: {/usr/vagga: !VaggaBin}
    run: [vagga, _list]
`;

/** The project of a vagga that runs in a container of ours. */
const INNER = `containers:
  in:
    setup:
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
    - !Sh "/bin/busybox --install -s /bin; test -e /work/fixed"
commands:
  hello: !Command {container: in, run: "echo hello from within"}
`;

interface Project {
  readonly rig: Rig;
  run(...words: string[]): ReturnType<Rig['run']>;
}

function project(t: { teardown(action: () => void): void }, as: 'root' | 'user'): Project {
  const rig = new Rig({ as });
  const outside = mkdtempSync(join(tmpdir(), 'vagga-ext-'));
  chmodSync(outside, 0o755);
  t.teardown(() => {
    rmSync(outside, { recursive: true });
    rig.remove();
  });
  writeFileSync(join(outside, 'outside'), 'from outside\n');
  rig.write('busybox', '');
  cpSync('/bin/busybox', join(rig.root, 'busybox'));
  for (const name of ['shared/one', 'file', 'secret']) rig.write(name, '');
  rig.write('one', 'own\n');
  symlinkSync('/etc/hostname', join(rig.root, 'escape'));
  rig.write('vagga.yaml', CONFIG);
  const settings = { 'external-volumes': { ext: outside, extfile: join(outside, 'outside') } };
  const VAGGA_SETTINGS = JSON.stringify(settings);
  return { rig, run: (...words) => rig.runWith({ VAGGA_SETTINGS }, ...words) };
}

/** Twice: the second start takes the short path where there is one. */
function twice(t: Test, { run }: Project, name: string, expected: object): void {
  t.match(run(name), expected, name);
  t.match(run(name), expected, `${name} again`);
}

for (const as of ROOT_AND_USER) {
  t.test(`§1.5 volumes of running commands (${as})`, async t => {
    const own = project(t, as);
    const { rig, run } = own;

    await t.test(
      `§4.8 external-volumes, §1.4 volumes, §1.5 defaults, §1.5 !Tmpfs, §1.5 !BindRW, §1.5 !BindRO, §1.5 !CacheDir, §1.5 !Empty`,
      async t => {
        twice(t, own, 'defaults', {
          code: 1,
          stdout: '1777 /tmp\n755 /run\n1777 /run/shm\n102400\n',
          stderr: /\/x: Read-only file system/,
        });
        twice(t, own, 'tmpfs', {
          code: 0,
          stdout: '700 /a\n1700 /b\n755 /b/x\n1777 /b/x/y\n0 /b/empty\nhello\nNo space left on device\n',
        });
        twice(t, own, 'binds', {
          code: 0,
          stdout: /^one\n.*Read-only file system\nfrom outside\nfrom outside\noriginal\n$/,
        });
        t.equal(own.rig.read('shared/one'), 'one\n');
        t.match(
          own.run('link'),
          { code: 124, stderr: /volume \/a: .* does not exist/ },
          'a link shows nothing of the host',
        );
        t.match(own.run('external'), { code: 124, stderr: /no external volume "unknown"/ });
        t.match(own.run('cache'), { code: 0, stdout: 'cached\n' });
        t.match(own.run('cache'), { code: 0, stdout: 'cached\ncached\n' });
        t.equal(own.rig.read('.vagga/.cache/some/dir/file'), 'cached\ncached\n');
        t.match(own.run('nocache'), {
          code: 124,
          stderr: /mount !CacheDir "\/abs": path must not be absolute\n$/,
        });
        t.match(run('empty'), {
          code: 1,
          stdout: '0\n',
          stderr: /Permission denied[\s\S]*(Read-only|Permission denied)/,
        });
        t.match(run('x11'), { code: 0, stdout: 'from outside\n' });
        t.match(run('shm'), { code: 0, stdout: '1024\n' });
        t.same(own.rig.mounts(), []);
      },
    );

    await t.test(`§1.5 !Snapshot, §1.5 !Container`, async t => {
      twice(t, own, 'snapshot', {
        code: 0,
        stdout: '750 5 6 /data\n755 3 4 /data/sub\n4711 3 4 /data/sub/file\noriginal\nchanged\n',
      });
      t.match(run('owned'), {
        code: 0,
        stdout: '750 5 6 /data\n755 7 8 /data/sub\n4711 7 8 /data/sub/file\n',
      });
      t.match(own.run('small'), { code: 124, stderr: /volume \/bin: .*No space left/ });
      t.match(
        own.run('foreign'),
        { code: 0, stdout: '750 5\nthird\nthird\n' },
        'mode of the own mount point',
      );
      t.match(own.run('missing'), { code: 124, stderr: /container "third" has no such directory/ });
      const each = own.run('each');
      t.match(each, { code: 0, stdout: /one \| 2\n/ });
      t.match(each.stdout, /two \| 2\n/, 'a copy for each process');
      t.match(own.run('container'), { code: 1, stdout: 'third\n', stderr: /Read-only file system/ });
      t.match(own.run('unknown'), { code: 121, stderr: /Container "nowhere"/ });
      t.same(own.rig.mounts(), []);
    });

    await t.test(`§1.5 !Persistent, §1.5 init-command (${as})`, async t => {
      t.match(run('keep'), { code: 0, stdout: '755 3 4\n1\n' });
      t.match(run('keep'), { code: 0, stdout: '755 3 4\n2\n' });
      rig.write('fail', '');
      t.match(run('use'), { code: 1, stdout: 'filling\n9\n' });
      t.same(
        rig.list('.vagga/.volumes'),
        ['.tmp.db', '.tmp.db.lock', 'kept'],
        'an attempt that failed stays to be looked at',
      );
      t.match(run('--no-prerequisites', 'use'), {
        code: 124,
        stderr: 'Internal error: Got uninitialized volume "db"\n',
      });
      rmSync(join(rig.root, 'fail'));
      t.match(
        run('both'),
        { code: 0, stdout: /^filling\n9\n.*x \| done\n$/s },
        'the next begins with nothing',
      );
      t.match(run('use'), { code: 0, stdout: 'done\n' }, 'and it happens once');
      const waiting = rig.start(['_wait']);
      await waiting.shows('waiting');
      t.match(run('waited'), { code: 124, stderr: /Persistent volume "slow" error: / });
      rig.write('go', '');
      t.equal((await waiting.ended).code, 0);
      t.equal(run('waited').code, 0);
      t.match(run('badinit'), {
        code: 124,
        stderr: 'Persistent volume "bad" error: its init-command "both" must be a !Command\n',
      });
    });

    await t.test(
      `§1.4 environ, §1.4 environ-file, §1.4 resolv-conf-path, §1.4 hosts-file-path, mount points (${as})`,
      async t => {
        t.match(run('env'), { code: 0, stdout: '1 over own\n' });
        t.match(run('badenv'), { code: 124, stderr: 'environ-file /badenv: line 2 has no equals sign\n' });
        t.match(run('noenv'), { code: 124, stderr: 'environ-file /absent cannot be read\n' });
        const { size } = statSync('/etc/resolv.conf');
        t.match(
          run('resolv'),
          { code: 0, stdout: `${size}\n0\n0\n` },
          'made in a tmpfs, and nowhere for null',
        );
        t.match(run('noresolv'), {
          code: 124,
          stderr: /resolv-conf-path \/absent\/resolv\.conf: the image has no such file/,
        });
        t.match(run('ownresolv'), { code: 0, stdout: 'own\n' }, 'a volume at exactly this path wins');
        t.match(run('nopoint'), { code: 124, stderr: /mount point \/absent does not exist in the image/ });
        t.match(run('nested'), { code: 124, stderr: /mount point \/a\/absent does not exist/ });
        t.notOk(existsSync(join(rig.root, 'shared/absent')), 'nothing is made in the project');
        t.match(run('file'), { code: 124, stderr: /mount point \/env is a file, but a directory/ });
      },
    );

    await t.test(`§1.5 !VaggaBin: the program works in a container without anything (${as})`, async t => {
      const { code, stdout, stderr } = run('inside');
      t.equal(code, 0, stderr);
      t.match(stdout, /^badenv/m);
      t.match(run('inside'), { code: 0, stdout }, 'and again');
      for (const file of ['busybox', 'vagga.yaml']) rig.write(`inner/${file}`, INNER);
      cpSync('/bin/busybox', join(rig.root, 'inner/busybox'));
      const within = run('within');
      t.equal(within.code, 0, within.stderr);
      t.equal(
        within.stdout,
        'hello from within\nhello from within\n',
        'it builds, after a failure again, and runs containers of its own there',
      );
    });
  });
}

t.test(
  '§5.3 container-root: read-only binds of file systems with flags that an ordinary user may not clear',
  async t => {
    const place = mkdtempSync(join(tmpdir(), 'vagga-locked-'));
    const prepare = `mount -t tmpfs -o nosuid,nodev,noexec,noatime,mode=1777 none ${place}`;
    const rig = new Rig({ as: 'user', user: { prepare } });
    t.teardown(() => {
      rig.remove();
      rmSync(place, { recursive: true });
    });
    rig.write('busybox', '');
    cpSync('/bin/busybox', join(rig.root, 'busybox'));
    rig.write('vagga.yaml', CONFIG);
    const VAGGA_SETTINGS = JSON.stringify({ 'external-volumes': { locked: place } });
    for (const again of ['', ' again']) {
      const { code, stdout, stderr } = rig.runWith({ VAGGA_SETTINGS }, 'locked');
      t.equal(code, 0, stderr + again);
      t.match(stdout, /^touch: \/b\/y: Read-only file system\nx\n.*nosuid,nodev,noexec,noatime/);
    }
  },
);
