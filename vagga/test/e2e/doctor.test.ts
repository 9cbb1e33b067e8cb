// `_doctor`: every check is seen failing, by really taking away what it looks for.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { Rig, ROOT_AND_USER } from './rig.ts';
import type { UserOptions } from './rig-user.ts';

interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly message: string;
  readonly fix?: string;
}

const where = (program: string) =>
  spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${program}`], { encoding: 'utf8' }).stdout.trim();

const CONFIG = 'containers: {c: {setup: [!Debian bookworm]}}\n';

interface Examined {
  readonly code: number | null;
  /** state, message and fix of one check. */
  of(check: string): Finding | undefined;
}

/** `prepare` may use $PROJECT, the directory of the project. */
function examine(user: UserOptions, settings = '', before: (rig: Rig) => void = () => {}): Examined {
  const rig = new Rig({ as: 'user', user });
  rig.write('vagga.yaml', CONFIG);
  if (settings !== '') rig.write('.vagga.settings.yaml', settings);
  before(rig);
  const { code, stdout, stderr } = rig.runWith({ PROJECT: rig.root }, '_doctor', '--json');
  rig.remove();
  let findings: Finding[];
  try {
    findings = JSON.parse(stdout) as Finding[];
  } catch {
    throw new Error(`no JSON: ${stdout}${stderr}`);
  }
  return { code, of: check => findings.find(finding => finding.check === check) };
}

/** Nobody answers there, at once. */
const CLOSED = 'debian-mirror: http://127.0.0.1:1/debian\n';

for (const as of ROOT_AND_USER) {
  t.test(`_doctor finds nothing to repair (${as})`, async t => {
    const rig = new Rig({ as });
    t.teardown(() => rig.remove());
    const bare = rig.run('_doctor', '--json');
    t.equal(bare.code, 0, bare.stdout);
    rig.write('vagga.yaml', 'containers: {c: {setup: []}}\n');
    const { code, stdout } = rig.run('_doctor');
    t.equal(code, 0, stdout);
    for (const check of ['subordinate ids', 'container engine', 'overlay', 'disk', 'inotify', 'unshare'])
      t.match(stdout, new RegExp(`^ok {6,}${check} `, 'm'), check);
    t.match(stdout, as === 'root' ? /^ok +mount namespaces/m : /^ok +user namespaces/m);
    t.match(rig.run('_doctor', '--what'), { code: 122, stderr: /Unknown option --what/ });
    rig.write('vagga.yaml', 'containers: [\n');
    t.match(rig.run('_doctor'), { code: 1, stdout: /^problem +config/m }, 'a broken config does not stop it');
  });
}

t.test('_doctor: subordinate ids that are missing, wrong, too few', async t => {
  const none = examine({ subuid: '', subgid: '' }, CLOSED);
  t.equal(none.code, 0, JSON.stringify(none.of('container engine')));
  t.match(none.of('subordinate ids'), {
    state: 'warning',
    message: /no subordinate ids for vagga-test in \/etc\/subuid/,
    fix: /^sudo usermod --add-subuids \S+ --add-subgids \S+ vagga-test$/,
  });
  t.match(none.of('mirror debian'), {
    state: 'warning',
    message: /127\.0\.0\.1:1\/debian: .*ECONNREFUSED/,
    fix: /^curl -sSI http:\/\/127/,
  });
  t.match(examine({ subuid: 'x:1:1\nnonsense\n' }, CLOSED).of('subordinate ids'), {
    state: 'warning',
    message: /\/etc\/subuid:2: Bad syntax: "nonsense"/,
    fix: 'sudo sed -i 2d /etc/subuid',
  });
  t.match(examine({ subgid: 'vagga-test:61000:5000\n' }, CLOSED).of('subordinate ids'), {
    message: /\/etc\/subgid:1: range 61000\.\.65999 includes original id/,
  });
  const few = examine({ subuid: 'vagga-test:700000000:1000\n' }, CLOSED);
  t.match(few.of('subordinate ids'), { state: 'problem', message: /only 1000 for vagga-test/ });
  t.equal(few.code, 1);
});

t.test('_doctor: newuidmap that is missing or has no rights', async t => {
  const [uid, gid] = [where('newuidmap'), where('newgidmap')];
  t.match(examine({ without: [uid] }, CLOSED).of('newuidmap'), {
    state: 'warning',
    fix: 'sudo apt-get install -y uidmap',
  });
  const copy = `cp ${gid} "$PROJECT/plain" && chmod 755 "$PROJECT/plain" && mount --bind "$PROJECT/plain" ${gid}`;
  const { code, of } = examine({ prepare: copy }, CLOSED);
  t.match(of('newgidmap'), { state: 'problem', message: /neither set-uid/, fix: `sudo chmod u+s ${gid}` });
  t.match(of('user namespaces'), { state: 'problem', message: /newgidmap/ }, 'and what that leads to');
  t.equal(code, 1);
});

t.test('_doctor: user namespaces forbidden by the kernel, by AppArmor', async t => {
  const forbid = 'echo 0 > /proc/sys/user/max_user_namespaces';
  const none = examine({ ownSettings: true, prepare: forbid }, CLOSED);
  t.match(none.of('user namespaces'), {
    state: 'problem',
    message: /unshare failed/,
    fix: 'sudo sysctl -w user.max_user_namespaces=15000',
  });
  t.equal(none.of('AppArmor'), undefined, 'no such setting here');
  // The kernel of the test may be without AppArmor: the setting is what there would be.
  const appArmor =
    'mkdir "$PROJECT/kernel"; cp -r /proc/sys/kernel/. "$PROJECT/kernel/" 2>/dev/null; ' +
    'echo 1 > "$PROJECT/kernel/apparmor_restrict_unprivileged_userns"; mount --bind "$PROJECT/kernel" /proc/sys/kernel';
  t.match(examine({ prepare: `{ ${appArmor}; }` }, CLOSED).of('AppArmor'), {
    state: 'ok',
    message: /but lets this program/,
  });
  const both = examine({ ownSettings: true, prepare: `${forbid} && { ${appArmor}; }` }, CLOSED);
  t.match(both.of('AppArmor'), {
    state: 'problem',
    fix: 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  });
});

t.test('_doctor: no engine, no init, no cgroups, few watches, missing programs', async t => {
  const watches =
    'echo 100 > "$PROJECT/watches" && mount --bind "$PROJECT/watches" /proc/sys/fs/inotify/max_user_watches';
  const { code, of } = examine(
    {
      without: ['crun', 'runc', 'mmdebstrap', 'git', 'xz'].map(where),
      prepare: `${watches} && mount -t tmpfs none /sys/fs/cgroup`,
    },
    CLOSED,
  );
  t.equal(code, 1);
  t.match(of('container engine'), { state: 'problem', fix: 'sudo apt-get install -y crun tini' });
  t.match(of('cgroups'), {
    state: 'warning',
    message: /no limits of memory, cpu, pids/,
  });
  t.match(of('inotify'), { state: 'warning', message: /^100 watches/, fix: /^sudo sysctl -w fs\.inotify/ });
  t.match(of('mmdebstrap'), { state: 'warning', fix: 'sudo apt-get install -y mmdebstrap' });
  t.match(of('git'), { state: 'warning' });
  t.match(of('xz'), { state: 'warning' });
  const inits = ['tini-static', 'catatonit'].map(where).filter(path => path !== '');
  t.match(examine({ without: inits }, CLOSED).of('init'), {
    state: 'warning',
    message: /no tini-static or catatonit/,
    fix: 'sudo apt-get install -y tini',
  });
});

t.test('_doctor: a disk without overlay, a full one, one that cannot be written to', async t => {
  const overlay =
    'D=$(mktemp -d) && mount -t tmpfs none "$D" && mkdir "$D/u" "$D/w" && chown --reference="$PROJECT" "$D/u" && ' +
    'mount -t overlay overlay -o "lowerdir=$PROJECT,upperdir=$D/u,workdir=$D/w" "$PROJECT" && umount -l "$D" && rmdir "$D" && cd "$PROJECT"';
  const onOverlay = examine({ prepare: overlay, without: [where('fuse-overlayfs')].filter(Boolean) }, CLOSED);
  t.match(onOverlay.of('overlay'), { state: 'warning', fix: 'sudo apt-get install -y fuse-overlayfs' });
  const small = examine({ prepare: 'mount -t tmpfs -o size=1m,mode=777 none "$PROJECT" && cd "$PROJECT"' });
  t.match(small.of('disk'), { state: 'problem', fix: 'vagga _clean --unused' });
  const readOnly = examine({}, CLOSED, rig => chmodSync(rig.root, 0o555));
  t.match(readOnly.of('project'), { state: 'problem', message: /is not writable/, fix: /^sudo chown/ });
  const mounted =
    'mount --bind "$PROJECT" "$PROJECT" && mount -o remount,ro,bind "$PROJECT" && cd "$PROJECT"';
  t.match(examine({ prepare: mounted }, CLOSED).of('project'), {
    state: 'problem',
    message: /is on a read-only file system/,
    fix: /^sudo mount -o remount,rw /,
  });
});

t.test('_doctor: a mirror that takes connections and never answers', async t => {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const { code, of } = examine({}, `debian-mirror: http://127.0.0.1:${port}/debian\n`);
  t.match(of('mirror debian'), { state: 'warning', message: /no answer in 5 s/ });
  t.equal(code, 0);
});

t.test('_doctor and builds: a setpriv that is not the one of util-linux', async t => {
  const rig = new Rig();
  t.teardown(() => rig.remove());
  const bin = join(rig.root, 'bin');
  mkdirSync(bin);
  symlinkSync('/bin/busybox', join(bin, 'setpriv'));
  rig.write('vagga.yaml', 'containers: {c: {setup: [!EnsureDir /d]}}\n');
  const small = { PATH: `${bin}:${process.env.PATH}` };
  t.match(rig.runWith(small, '_doctor'), {
    code: 1,
    stdout: /^problem +setpriv +\S+\/bin\/setpriv is not the one of util-linux/m,
  });
  t.match(rig.runWith(small, '_build', 'c'), { code: 121, stderr: /setpriv .*--pdeathsig .*util-linux/ });
});
