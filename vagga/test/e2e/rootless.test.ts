// vagga of an ordinary user: a user namespace with subordinate ids, or with one id, and root without either.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Rig, ROOT_AND_USER, until } from './rig.ts';
import { USER_GID, USER_UID } from './rig-user.ts';

const CONFIG = `containers:
  c:
    setup:
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
    - !Sh |
        /bin/busybox --install -s /bin
        mkdir /secret; touch /secret/file; chown 5:6 /secret/file; chown 7:7 /secret; chmod 700 /secret
  as:
    setup:
    - !Container c
    - !EnsureDir /out
    - !Sh "chmod 1777 /out; mkdir /out/d; ip -o link | wc -l > /out/outer"
    - !RunAs {script: "id > /out/root; pwd >> /out/root"}
    - !RunAs
        user-id: 1000
        group-id: 1001
        supplementary-gids: [7]
        work-dir: sub
        script: |
          id > /out/user; pwd >> /out/user; grep CapEff /proc/self/status >> /out/user
    - !RunAs {user-id: 1, external-user-id: 0, work-dir: /out, script: "id -u > external; touch d/inside"}
    - !RunAs {isolate-network: true, script: "ip -o link > /out/link; readlink /proc/self/ns/net > /out/net1; ping -c1 -w5 127.0.0.1"}
    - !RunAs {isolate-network: true, user-id: 5, script: "readlink /proc/self/ns/net > /out/net2"}
    - !RunAs {script: "readlink /proc/self/ns/net > /out/net3"}
  vast: {uids: [0-1000000000], setup: []}
  odd:
    uids: [0, 1000-1001]
    setup:
    - !EnsureDir /bin
    - !EnsureDir /proc
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /file, owner-uid: 1001}
    - !Cmd [/bin/busybox, chown, "1001", /file]
commands:
  odd: !Command {container: odd, run: [/bin/busybox, sh, -c, "busybox cat /proc/self/uid_map; busybox ls -ln /file"]}
  places: !Command {container: c, run: "for d in / /bin /secret /work /tmp /run; do touch $d/made && echo $d; done; true"}
  look: !Command {container: as, run: "ls -ln /out /out/d"}
  ids: !Command {container: c, run: "id -u; id -g; stat -c '%u %g %n' /secret/*"}
  files: !Command {container: c, run: "echo made > /work/mine; mkdir /work/dir"}
  other: !Command {container: c, user-id: 1000, group-id: 1001, run: "id; grep Cap /proc/self/status; touch /bin/x"}
  wait: !Command {container: c, run: "echo waiting; sleep 7671"}
  code: !Command {container: c, run: "exit 7"}
  alone: !Command {container: c, isolate-network: true, run: "ip -o link; ping -c1 -w5 127.0.0.1"}
  owner: !Command {container: c, user-id: 1000, external-user-id: 0, run: "id -u; cat /proc/self/uid_map; touch /work/owned; ls -ln /work/owned"}
  stranger: !Command {container: c, user-id: 1000, external-user-id: 99999999, run: "true"}
  groups: !Command {container: c, user-id: 3, group-id: 4, supplementary-gids: [5, 6], run: "id"}
  talk: !Supervise
    isolate-network: true
    mode: wait-all-successful
    children:
      server: !Command {container: c, run: "ip -o link | wc -l; nc -l -p 7672 -e echo heard"}
      client: !Command {container: c, run: "until nc 127.0.0.1 7672 </dev/null 2>/dev/null; do sleep 0.1; done"}
  pair: !Supervise
    mode: wait-all-successful
    children:
      one: !Command {container: c, run: "echo first"}
      two: !Command {container: c, run: "echo second"}
`;

function project(rig: Rig): Rig {
  rig.write('vagga.yaml', CONFIG);
  rig.write('busybox', '');
  copyFileSync('/bin/busybox', join(rig.root, 'busybox'));
  chmodSync(join(rig.root, 'busybox'), 0o755);
  return rig;
}

const savedMap = (rig: Rig, name: string) =>
  readFileSync(join(realpathSync(join(rig.root, '.vagga', name)), '../uid_map'), 'utf8');

const rig = project(new Rig({ as: 'user' }));
t.teardown(() => rig.remove());

t.test('§5.1 id-map: everything works as an ordinary user', async t => {
  const built = rig.run('ids');
  t.match(built, {
    code: 0,
    stdout: '0\n0\n5 6 /secret/file\n',
    stderr: /Container c \([0-9a-f]{8}\) built/,
  });
  const again = rig.run('ids');
  t.same({ ...again, stdout: again.stdout }, { code: 0, stdout: built.stdout, stderr: '' });
  const [image = ''] = rig.list('.vagga/.roots').filter(name => /^c\.[0-9a-f]{8}$/.test(name));
  const map = (own: number) =>
    `         0 ${String(own).padStart(10)}          1\n         1  700000000      65535\n`;
  t.equal(
    rig.read(`.vagga/.roots/${image}/uid_map`),
    map(USER_UID),
    'the map is saved as the kernel would print it',
  );
  t.equal(rig.read(`.vagga/.roots/${image}/gid_map`), map(USER_GID));
  const file = statSync(join(rig.root, `.vagga/.roots/${image}/root/secret/file`));
  t.same([file.uid, file.gid], [700_000_004, 700_000_005], 'owners are subordinate ids');

  t.equal(rig.run('files').code, 0);
  for (const name of ['mine', 'dir']) {
    const stat = lstatSync(join(rig.root, name));
    t.same([stat.uid, stat.gid], [USER_UID, USER_GID], `${name} made in the project belongs to the user`);
  }
  t.equal(rig.run('code').code, 7);
  t.match(
    rig.run('-E', 'A=b', '_run', 'c', 'sh', '-c', 'echo $A'),
    { code: 0, stdout: 'b\n' },
    'the full program',
  );
  const { code, stdout } = rig.run('pair');
  t.match({ code, stdout }, { code: 0, stdout: /one \| first/ });
  t.match(rig.run('_version_hash', '-s', 'c').stdout.trim(), image.slice(2), 'the user is 0 to the hash too');
  t.same(rig.list('.vagga/.run'), []);
  t.same(
    readdirSync(join(rig.user?.runtime ?? '', 'vagga')),
    [],
    'the state of the engine is in the directory of the user',
  );
});

t.test(
  '§5.4 signals, §5.4 lifetime: of an ordinary user: TERM reaches the program, KILL leaves none behind',
  async t => {
    const first = rig.start(['wait']);
    await first.shows('waiting');
    first.child.kill('SIGTERM');
    t.equal((await first.ended).code, 143);
    t.same(rig.processes('sleep 7671'), []);
    const second = rig.start(['wait']);
    await second.shows('waiting');
    second.child.kill('SIGKILL');
    await until(() => rig.processes('sleep 7671').length === 0, 'the program has ended');
    t.equal(rig.run('code').code, 7, 'and the next run cleans up');
    t.same(rig.list('.vagga/.run'), []);
    t.match(rig.inTerminal(['_run', 'c', 'tty'], '').stdout, '/dev/', 'a terminal');
  },
);

t.test('§5.1 id-map, §9 gid-map: an image built with other ids is built again, with a warning', async t => {
  t.equal(rig.run('code').code, 7);
  const [image = ''] = rig.list('.vagga/.roots').filter(name => /^c\.[0-9a-f]{8}$/.test(name));
  for (const file of ['uid_map', 'gid_map']) {
    const saved = rig.read(`.vagga/.roots/${image}/${file}`);
    rig.write(`.vagga/.roots/${image}/${file}`, saved.replace('700000000', '800000000'));
    t.match(rig.run('code'), { code: 7, stderr: /built with other ids than you have now/ }, file);
    t.equal(rig.read(`.vagga/.roots/${image}/${file}`), saved);
  }
});

t.test('§5.1 single-id, §9 uid-map: without subordinate ids everything belongs to the user', async t => {
  const rig = project(new Rig({ as: 'user', user: { subuid: '', subgid: '' } }));
  t.teardown(() => rig.remove());
  const { code, stdout, stderr } = rig.run('ids');
  t.match({ code, stdout }, { code: 0, stdout: '0\n0\n0 0 /secret/file\n' }, stderr);
  t.match(stderr, /: no subordinate ids for vagga-test in \/etc\/subuid; files of images/);
  t.equal(savedMap(rig, 'c'), `         0 ${String(USER_UID).padStart(10)}          1\n`);
  const again = rig.run('ids');
  t.same({ ...again, stdout: '' }, { code: 0, stdout: '', stderr: '' }, 'no warning of what is built');
  t.match(rig.run('-E', 'A=b', '_run', 'c', 'chown', '5', '/tmp'), { code: 1, stderr: /Invalid argument/ });
  t.match(rig.run('other'), { stdout: /uid=1000 gid=1001/ }, 'who else it is to be is the user, too');
  t.match(rig.run('groups'), { code: 121, stderr: /supplementary-gids need subordinate ids/ });
  t.equal(rig.run('files').code, 0);
  t.equal(lstatSync(join(rig.root, 'mine')).uid, USER_UID);
  t.match(rig.run('_build', 'odd'), { code: 121, stderr: /Number of allowed subuids is too small/ });
  t.match(rig.run('look'), { code: 121, stderr: /!RunAs.* failed: supplementary-gids need subordinate ids/ });
});

t.test(
  '§5.1 single-id, §5.1 bad-lines, §5.1 own-id: newuidmap that is missing, files that cannot be read',
  async t => {
    const without = spawnSync('sh', ['-c', 'command -v newuidmap'], { encoding: 'utf8' }).stdout.trim();
    for (const [user, message] of [
      [{ without: [without] }, /newuidmap is not installed \(package uidmap\)/],
      [{ subuid: 'vagga-test:1\n' }, /Error reading uidmap: \/etc\/subuid:1: Bad syntax: "vagga-test:1"/],
      [
        { subgid: `vagga-test:${USER_GID - 1}:2\n` },
        /Error reading gidmap: \/etc\/subgid:1: range 61100\.\.61101 includes original id/,
      ],
    ] as const) {
      const rig = project(new Rig({ as: 'user', user }));
      const { code, stderr } = rig.run('code');
      t.equal(code, 7, stderr);
      t.match(stderr, message);
      rig.remove();
    }
  },
);

t.test('§5.3 container-root: flags of the mount below are kept', async t => {
  const flags = `nodev,nosuid,uid=${USER_UID},gid=${USER_GID}`;
  const prepare = `mkdir "$PROJECT/.vagga" && mount -t tmpfs -o ${flags} none "$PROJECT/.vagga"`;
  const rig = project(new Rig({ as: 'user', user: { prepare } }));
  t.teardown(() => rig.remove());
  const { code, stdout, stderr } = rig.runWith({ PROJECT: rig.root }, 'places');
  t.match({ code, stdout }, { code: 0, stdout: '/work\n/tmp\n/run\n' }, stderr);
  t.match(stderr, /\/bin\/made: Read-only file system/);
  t.notMatch(stderr, /remount/i);
});

t.test('§5.1: what cannot work is said in a sentence', async t => {
  const rig = project(new Rig({ as: 'user' }));
  mkdirSync(join(rig.root, '.vagga'));
  const foreign = /\.vagga cannot be written to: make it yours with +sudo chown -R 61100:61101/;
  t.match(rig.run('code'), { code: 121, stderr: foreign });
  rmSync(join(rig.root, '.vagga'), { recursive: true });
  mkdirSync(join(rig.root, 'sub'));
  mkdirSync(join(rig.root, 'sub/.vagga'), { mode: 0o700 });
  const below = new Rig({ root: join(rig.root, 'sub'), as: 'user' });
  t.equal(below.run().code, 127, 'what somebody else hides is not looked for');
  below.remove();
  rig.remove();
  const forbidden = { ownSettings: true, prepare: 'echo 0 > /proc/sys/user/max_user_namespaces' };
  const none = project(new Rig({ as: 'user', user: forbidden }));
  const reason = /^user namespaces cannot be made: unshare: [^\n]*\nvagga _doctor says what helps\.\n$/;
  t.match(none.run('code'), { code: 121, stderr: reason });
  t.equal(none.run().code, 127, 'the listing needs none');
  none.remove();
});

t.test('§5.1 id-map: several ranges, which a start from the cache leaves to the full program', async t => {
  const subuid = 'vagga-test:700000000:65530\nvagga-test:800000000:9\n';
  const rig = project(new Rig({ as: 'user', user: { subuid } }));
  t.teardown(() => rig.remove());
  t.equal(rig.run('code').code, 7);
  t.equal(rig.run('code').code, 7);
  t.match(savedMap(rig, 'c'), /\n +1 +700000000 +65530\n +65531 +800000000 +5\n$/);
});

/** As a container of an ordinary user starts its root: the ids are there, /etc/subuid knows nothing of them. */
const CONTAINER = [
  ...['unshare', '--map-root-user', '--map-users=700000000,1,65535', '--map-groups=700000000,1,65535'],
  ...[
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    'mount --bind /dev/null /etc/subuid && exec "$@"',
    'sh',
  ],
];
/** And one that may not mount. */
const WITHOUT_MOUNTING = [...CONTAINER, 'setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-all'];

for (const [title, through] of [
  ['root of a container', CONTAINER],
  ['root of a container that may not mount', WITHOUT_MOUNTING],
] as const) {
  t.test(`§5.1 root: ${title} has the ids that it sees`, async t => {
    const rig = project(new Rig({ as: 'user', user: { through } }));
    t.teardown(() => rig.remove());
    const { code, stdout, stderr } = rig.run('ids');
    t.match({ code, stdout }, { code: 0, stdout: '0\n0\n5 6 /secret/file\n' }, stderr);
    t.equal(statSync(join(rig.root, '.vagga/c/bin/busybox')).uid, USER_UID);
    t.equal(rig.run('ids').stderr, '', 'built once');
    t.match(rig.run('alone'), { code: 0, stdout: /^1: lo: / });
    t.match(rig.run('pair'), { code: 0, stdout: /two \| second/ });
  });
}

t.test(
  '§1.4 uids, §1.4 gids, §5.1 id-map, §5.1 too-few: ranges with gaps lie over the subordinate ids one after another',
  async t => {
    const rig = project(new Rig({ as: 'user' }));
    t.teardown(() => rig.remove());
    t.match(rig.run('_build', 'vast'), {
      code: 121,
      stderr: /Number of allowed subuids is too small\. Required 0-1000000000, allowed 700000000-700065535/,
    });
    const { code, stdout, stderr } = rig.run('odd');
    t.match({ code, stdout }, { code: 0, stdout: /^ +0 +0 +1\n +1000 +1 +2\n.* 1001 +0 .*file\n/s }, stderr);
    t.equal(savedMap(rig, 'odd').split('\n')[1], '      1000  700000000          2');
    t.equal(statSync(join(rig.root, '.vagga/odd/file')).uid, 700_000_001);
    t.match(rig.run('_build', '--force', 'odd'), { code: 0 });
    t.match(rig.run('_run', 'odd', '/bin/busybox', 'id', '-u'), { code: 0, stdout: '0\n' });
  },
);

for (const as of ROOT_AND_USER) {
  // Built once for all of them.
  const rig = project(new Rig({ as }));
  t.teardown(() => rig.remove());

  t.test(
    `§1.6 user-id, §1.6 group-id, §1.6 supplementary-gids: another user of the container has no rights of root (${as})`,
    async t => {
      const { stdout, stderr } = rig.run('other');
      t.match(stdout, /uid=1000 gid=1001/);
      t.match(stdout, /CapEff:\t0+\n/);
      t.match(stderr, /Read-only|Permission denied/);
      t.match(rig.run('groups').stdout, /uid=3 gid=4 groups=4?,?5,6/);
    },
  );

  t.test(`§5.3 container-root: only /work, volumes, /tmp and /run can be written to (${as})`, async t => {
    const { code, stdout, stderr } = rig.run('places');
    t.equal(code, 0, stderr);
    t.equal(stdout, '/work\n/tmp\n/run\n');
    t.match(stderr, /\/bin\/made: Read-only file system/);
  });

  t.test(`§1.6 external-user-id: another number for the same owner (${as})`, async t => {
    const { stdout, stderr } = rig.run('owner');
    t.match(stdout, /^1000\n +1000 +0 +1\n.* 1000 +\d+ /, stderr);
    t.equal(lstatSync(join(rig.root, 'owned')).uid, as === 'root' ? 0 : USER_UID);
    if (as === 'user')
      t.match(rig.run('stranger'), { code: 121, stderr: /external-user-id 99999999 is not one of the ids/ });
  });

  t.test(`§5.5 isolated, §1.6 isolate-network, §4.2 --isolate-network: loopback only (${as})`, async t => {
    t.match(rig.run('alone'), { code: 0, stdout: /^1: lo: [^\n]*\n[^\d][\s\S]*1 packets received/ });
    for (const option of ['--isolate-network', '--no-network', '--no-net']) {
      const { stdout } = rig.run(option, '_run', 'c', 'ip', '-o', 'link');
      t.match(stdout, /^1: lo: <LOOPBACK,UP[^\n]*\n$/, option);
    }
    const talk = rig.run('talk');
    t.match(
      talk,
      { code: 0, stdout: /server \| 1\n[\s\S]*client \| heard/ },
      'children of one command share it',
    );
  });

  t.test(`§2.2 !RunAs: ids, directory, owner, network (${as})`, async t => {
    rig.write('sub/file', '');
    const { code, stdout, stderr } = rig.run('look');
    t.equal(code, 0, stderr);
    const file = (name: string) => rig.read(`.vagga/as/out/${name}`);
    t.match(file('root'), /^uid=0 gid=0.*\n\/work\n/);
    t.match(file('user'), /^uid=1000 gid=1001 groups=.*7\n\/work\/sub\nCapEff:\t0+\n/);
    t.equal(file('external'), '1\n', 'it sees the number of user-id');
    t.match(stdout, / 0 +\d+ +2 .* external\n/, 'and its files belong to that of external-user-id');
    t.match(stdout, / inside\n/, 'whose rights it has');
    t.match(file('link'), /^1: lo: <LOOPBACK,UP[^\n]*\n$/, 'one interface, and up');
    t.equal(file('net1'), file('net2'), 'one network for all of the build');
    t.not(file('net1'), file('net3'), 'and only for those');
  });
}

// Longer proofs with a whole Debian, run by `npm run soak`: with one id, and vagga inside of vagga.

const DEBIAN = `containers:
  d:
    setup:
    - !Debian bookworm
    - !Install [crun, catatonit, util-linux]
commands:
  owners: !Command {container: d, run: "stat -c '%u %g %n' /etc/shadow; crun --version | head -1"}
  inner: !Command
    container: d
    work-dir: inner
    run: /work/program/node /work/program/vagga/bin/vagga.cjs hello
`;

const INNER = `containers:
  c:
    setup:
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
    - !Cmd [/bin/busybox, chown, "5:6", /bin/busybox]
commands:
  hello: !Command {container: c, run: "/bin/busybox stat -c '%u %g' /bin/busybox"}
`;

/** A whole vagga with its Node below the project, and a project for it. */
function putInner(rig: Rig): void {
  const program = join(rig.root, 'program');
  rig.write('inner/vagga.yaml', INNER);
  copyFileSync('/bin/busybox', join(rig.root, 'inner/busybox'));
  mkdirSync(program);
  for (const part of ['vagga', 'shared', 'node_modules'])
    cpSync(join(rig.user?.directory ?? '', part), join(program, part), { recursive: true });
  copyFileSync(process.execPath, join(program, 'node'));
}

if (process.env.SUITE_SOAK === '1') {
  t.test('§5.1 root: vagga inside of vagga, as an ordinary user', async t => {
    const rig = new Rig({ as: 'user' });
    t.teardown(() => rig.remove());
    rig.write('vagga.yaml', DEBIAN);
    t.match(rig.run('owners'), { code: 0, stdout: /^0 42 \/etc\/shadow\ncrun version/ });
    putInner(rig);
    const { code, stdout, stderr } = rig.run('inner');
    t.match({ code, stdout }, { code: 0, stdout: '5 6\n' }, stderr);
  });

  t.test('§5.1 single-id: a whole Debian with packages', async t => {
    const rig = new Rig({ as: 'user', user: { subuid: '', subgid: '' } });
    t.teardown(() => rig.remove());
    rig.write('vagga.yaml', DEBIAN);
    const { code, stdout, stderr } = rig.run('owners');
    t.match({ code, stdout }, { code: 0, stdout: /^0 0 \/etc\/shadow\ncrun version/ }, stderr);
  });
}
