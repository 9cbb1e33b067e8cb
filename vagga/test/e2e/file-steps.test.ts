// The steps that every container has: scripts, variables, files and directories, in real builds on a root of BusyBox alone.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Rig } from './rig.ts';

const rig = new Rig();
t.teardown(() => rig.remove());

const BASE = [
  '!EnsureDir /bin',
  '!Copy {source: /work/busybox, path: /bin/busybox}',
  '!Copy {source: /work/busybox, path: /bin/sh}',
  '!Sh "/bin/busybox --install -s /bin"',
];

function build(...steps: readonly string[]) {
  const lines = [...BASE, ...steps].map(step => `    - ${step}\n`).join('');
  rig.write('vagga.yaml', `containers:\n  c:\n    setup:\n${lines}`);
  return rig.run('_build', 'c');
}

const inImage = (path: string): string => join(rig.root, '.vagga/c', path);
const image = (path: string): string => rig.read(`.vagga/c/${path}`);
const stat = (path: string) => lstatSync(inImage(path));
const modeOf = (path: string): string => (stat(path).mode & 0o7777).toString(8);

t.before(() => {
  copyFileSync('/bin/busybox', join(rig.root, 'busybox'));
  chmodSync(join(rig.root, 'busybox'), 0o755);
});

t.test('§2.2 !Sh, §2.2 !Cmd, §2.2 !Env, §1.4 setup: in order, with nothing of the caller', async t => {
  const built = rig.runWith(
    { SECRET: 'of the caller', HOME: '/home/me', http_proxy: 'http://proxy.example:1' },
    '--version',
  );
  t.equal(built.code, 0);
  rig.write(
    'vagga.yaml',
    `containers:
  c:
    setup:
${BASE.map(step => `    - ${step}\n`).join('')}    - !Env {ONE: "1", TWO: "2"}
    - !Sh |
        env | sort > /env
        pwd > /pwd
        id > /id
        readlink /proc/self/fd/0 > /stdin
    - !Env {TWO: changed}
    - !Cmd [sh, -c, 'echo "$ONE $TWO $0 $1" > /cmd', a b, $HOME]
    - !Sh |
        false || echo "goes on" > /status
`,
  );
  const done = rig.runWith(
    { SECRET: 'of the caller', HOME: '/home/me', http_proxy: 'http://proxy.example:1' },
    '_build',
    'c',
  );
  t.equal(done.code, 0, done.stderr);
  const env = image('env')
    .split('\n')
    .filter(line => !/^(PWD|SHLVL|OLDPWD)=/.test(line) && line !== '');
  t.same(env, [
    'HOME=/tmp',
    'ONE=1',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'TERM=dumb',
    'TWO=2',
    'http_proxy=http://proxy.example:1',
  ]);
  t.equal(image('pwd'), '/work\n');
  t.match(image('id'), /^uid=0(\(root\))? gid=0/);
  t.equal(image('stdin'), '/dev/null\n');
  t.equal(image('cmd'), '1 changed a b $HOME\n', 'an argv is no script');
  t.equal(image('status'), 'goes on\n');
  t.equal(done.stdout, '', 'stdout stays empty');
  const failed = build('!Sh "echo before; false; touch /after"');
  t.equal(failed.code, 121);
  t.match(failed.stderr, /\+ echo before/, '-x shows what is run');
  t.match(failed.stderr, /Error building container "c": step .* failed: exited with code 1/);
  t.match(
    build('!Cmd [no-such-program]').stderr,
    /failed: command "no-such-program" not found in one of "\/usr\/local\/sbin:/,
  );
});

t.test('§2.2 !Text, §2.2 !Depends: files with given text; files that only count', async t => {
  rig.write('watched', 'one');
  const built = build('!Text {/plain: "no newline", /etc/made: "x\\n"}', '!Depends watched');
  t.equal(built.code, 0, built.stderr);
  t.equal(image('plain'), 'no newline');
  t.equal(modeOf('plain'), '644');
  t.equal(rig.has('.vagga/c/watched'), false);
  const before = rig.run('_version_hash', '-s', 'c').stdout;
  rig.write('watched', 'two');
  t.not(rig.run('_version_hash', '-s', 'c').stdout, before);
  t.match(build('!Text {/no/parent: x}').stderr, /\/no\/parent.*directory does not exist/);
});

t.test('§2.3 !Copy: modes, owners, times, links and merging', async t => {
  mkdirSync(join(rig.root, 'tree/sub'), { recursive: true });
  rig.write('tree/plain', 'plain');
  rig.write('tree/run', 'run');
  rig.write('tree/sub/deep', 'deep');
  rig.write('tree/left~', 'ignored by the default expression');
  chmodSync(join(rig.root, 'tree/plain'), 0o600);
  chmodSync(join(rig.root, 'tree/run'), 0o700);
  chmodSync(join(rig.root, 'tree/sub'), 0o700);
  symlinkSync('../anywhere', join(rig.root, 'tree/link'));
  utimesSync(join(rig.root, 'tree/plain'), 12345, 12345);
  chownSync(join(rig.root, 'tree/run'), 7, 8);
  const built = build(
    '!EnsureDir /merged/sub',
    '!Sh "chmod 711 /merged/sub; echo old > /merged/plain; ln -s /nowhere /merged/run"',
    '!Copy {source: /work/tree, path: /merged}',
    '!Copy {source: /work/tree, path: /masked, umask: 0o077, owner-uid: 5, owner-gid: 6}',
    '!Copy {source: /work/tree, path: /kept, preserve-permissions: true, preserve-times: true}',
    '!Copy {source: /work/tree, path: /chosen, rules: ["/sub", "!plain"]}',
    '!Copy {source: /merged/sub, path: /inner}',
    '!Copy {source: /work/tree/plain, path: /single}',
  );
  t.equal(built.code, 0, built.stderr);
  t.equal(image('merged/plain'), 'plain');
  t.equal(modeOf('merged/plain'), '664', '0666 without the bits of umask');
  t.equal(modeOf('merged/run'), '775', 'executable for the owner: for all');
  t.ok(stat('merged/run').isFile(), 'the link that was there is replaced, not followed');
  t.equal(modeOf('merged/sub'), '711', 'a directory that is there keeps its mode');
  t.equal(readlinkSync(inImage('merged/link')), '../anywhere');
  t.equal(rig.has('.vagga/c/merged/left~'), false);
  t.equal(stat('merged/plain').mtimeMs, 1000);
  t.same([stat('merged/run').uid, stat('merged/run').gid], [7, 8]);
  t.equal(modeOf('masked/plain'), '600');
  t.equal(modeOf('masked'), '700');
  t.same([stat('masked/run').uid, stat('masked/run').gid], [5, 6]);
  t.equal(modeOf('kept/plain'), '600');
  t.equal(stat('kept/plain').mtimeMs, 12_345_000);
  t.same(rig.list('.vagga/c/chosen'), ['sub']);
  t.equal(image('inner/deep'), 'deep', 'from inside of the image');
  t.equal(image('single'), 'plain');
  t.match(build('!Copy {source: /work/none, path: /x}').stderr, /\/work\/none/);
  t.match(build('!Copy {source: /work/tree, path: /no/parent}').stderr, /\/no does not exist in the image/);
});

t.test('§2.3 !EnsureDir, §2.3 !EmptyDir, §2.3 !Remove, §9 empty-dir: now and again at the end', async t => {
  const built = build(
    '!EnsureDir /made/deep',
    '!Sh "echo x > /made/deep/file; mkdir -p /full/a; echo x > /full/a/b; echo x > /single"',
    '!EmptyDir /full',
    '!Remove /single',
    '!Remove /made/deep',
    '!Sh "ls -A /full > /listing; ls /single /made/deep 2>&1 | wc -l >> /listing; echo again > /full/c; echo again > /single; rm -rf /made"',
  );
  t.equal(built.code, 0, built.stderr);
  t.equal(image('listing'), '2\n', 'acted at once, on the image');
  t.same(rig.list('.vagga/c/full'), [], 'and at the end');
  t.equal(rig.has('.vagga/c/single'), false);
  t.equal(modeOf('made/deep'), '755', 'ensured at the end, after what was removed');
  t.match(
    build('!Sh "echo x > /file"', '!EnsureDir /file').stderr,
    /Path "\/file" exists but not a directory/,
  );
  t.match(
    build('!Sh "echo x > /file"', '!EnsureDir /file/below').stderr,
    /Some intermediate path for "\/file\/below" exists but not a directory/,
  );
});

t.test('§2.3 !CacheDirs: kept between builds, not in the image', async t => {
  const steps = (text: string) => [
    '!Sh "mkdir -p /var/things; echo of the image > /var/things/hidden"',
    '!CacheDirs {/var/things: things, /new/place: place}',
    `!Sh "ls /var/things > /seen; echo ${text} > /var/things/${text}; echo x > /new/place/x"`,
  ];
  t.equal(build(...steps('first')).code, 0);
  t.equal(image('seen'), '', 'what the image had there is gone');
  t.same(rig.list('.vagga/c/var/things'), []);
  t.equal(rig.read('.vagga/.cache/things/first'), 'first\n');
  t.equal(build(...steps('second')).code, 0);
  t.equal(image('seen'), 'first\n');
  t.same(rig.list('.vagga/.cache/things'), ['first', 'second']);
  t.match(build('!CacheDirs {/x: ../../etc}').stderr, /cannot use \/x: \.\.\/\.\.\/etc as a cache/);
});

t.test(
  '§3.5 reuse, §3.5 built-line, §3.4 layout: built once, with what belongs to a build beside it',
  async t => {
    const built = build('!Text {/x: once}');
    t.match(built.stderr, /: Container c \([0-9a-f]{8}\) built in \d+ seconds\.$/m);
    t.equal(rig.run('_build', 'c').stderr, '', 'not a word when it is up to date');
    const short = rig.run('_version_hash', '-s', 'c').stdout.trim();
    t.equal(readlinkSync(join(rig.root, '.vagga/c')), `.roots/c.${short}/root`);
    for (const name of ['uid_map', 'gid_map', 'last_use', 'timings.log', 'root'])
      t.ok(rig.has(`.vagga/.roots/c.${short}/${name}`), name);
    t.match(
      rig.read(`.vagga/.roots/c.${short}/timings.log`),
      /^ {2}0\.\d{3} {3}0\.\d{3} {3}Start \d+\.\d+\n/,
    );
    t.match(rig.read(`.vagga/.roots/c.${short}/timings.log`), /Prepare\n(.*Step: .*\n)+.*Finish\n$/);
  },
);

t.test("the caller's umask is no part of an image", async t => {
  spawnSync('git', ['init', '-q', join(rig.root, 'repository')]);
  rig.write('repository/file', 'x');
  const git = (...words: string[]) =>
    spawnSync('git', [
      '-C',
      join(rig.root, 'repository'),
      '-c',
      'user.name=T',
      '-c',
      'user.email=t@x',
      ...words,
    ]);
  git('add', 'file');
  git('commit', '-q', '-m', 'x');
  rig.write(
    'vagga.yaml',
    `containers:
  c:
    setup:
    - !EnsureDir /deep/er
    - !Text {/text: x}
    - !Copy {source: /work/repository, path: /copy}
    - !Git {url: /work/repository, path: /git/tree}
`,
  );
  const vagga = join(process.env.SUITE_ROOT ?? '', 'vagga/bin/vagga.cjs');
  const words = ['-c', 'umask 077; exec "$@"', 'sh', process.execPath, vagga, '_build', 'c'];
  const built = spawnSync('sh', words, { cwd: rig.root, encoding: 'utf8' });
  t.equal(built.status, 0, built.stderr);
  for (const path of ['deep', 'deep/er', 'git', 'git/tree', 'proc']) t.equal(modeOf(path), '755', path);
  t.equal((statSync(inImage('')).mode & 0o777).toString(8), '755', 'the root itself');
  t.equal(modeOf('copy'), '775');
  for (const path of ['text', 'git/tree/file']) t.equal(modeOf(path), '644', path);
});
