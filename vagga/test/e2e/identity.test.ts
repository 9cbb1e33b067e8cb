// Identities over real files, repositories and images, as `_version_hash` prints them.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DiskTree, piecesOf } from '../../src/adapters/image/tree-reader.ts';
import { isFresh } from '../../src/adapters/project/stamps.ts';
import { Rig, ROOT_AND_USER, until } from './rig.ts';

const rig = new Rig();
t.teardown(() => rig.remove());

function container(steps: string, more = '', where = rig): void {
  where.write('vagga.yaml', `containers:\n  c:\n    setup:\n${steps.replace(/^/gm, '    ')}\n${more}`);
}

/** Short hash, or the exit code. */
function hash(steps: string, more = '', where = rig): string {
  container(steps, more, where);
  const { code, stdout } = where.run('_version_hash', '-s', 'c');
  return code === 0 ? stdout.trimEnd() : `${code} ${stdout}`;
}

function tree(where: Rig, mode: { file: number; script: number; directory: number }): void {
  const files = {
    'dir/exe.sh': '#!/bin/sh\necho "Hello!"\n',
    'dir/hello': 'world\n',
    'dir/second': 'file\n',
    'dir/subdir/file': 'sub\n',
    file: 'data\n',
  };
  for (const [name, text] of Object.entries(files)) {
    where.write(name, text);
    chmodSync(join(where.root, name), name.endsWith('.sh') ? mode.script : mode.file);
  }
  for (const name of ['dir', 'dir/subdir']) chmodSync(join(where.root, name), mode.directory);
}

const copy = (more = '') => `- !Copy\n  source: /work/dir\n  path: /dir\n${more}`;
const RULES = "rules: [/hello, '/**/file']";

for (const as of ROOT_AND_USER) {
  t.test(`§3.2 Copy, §3.2 Depends: vectors on a real tree of ${as}, who is 0 in a container`, async t => {
    const own = new Rig({ as });
    t.teardown(() => own.remove());
    const hashed = (steps: string) => hash(steps, '', own);

    tree(own, { file: 0o644, script: 0o755, directory: 0o755 });
    t.equal(
      hashed('- !Alpine v3.4\n- !Copy {source: /work/dir, path: /var/dir}'),
      '781a47c8',
      '§3.7 781a47c8',
    );
    t.equal(
      hashed('- !Alpine v3.4\n- !Copy {source: /work/file, path: /var/file}'),
      '7ad83313',
      '§3.7 7ad83313',
    );
    t.equal(hashed(copy('  umask: 0o077')), '98755219', '§3.7 98755219');
    t.equal(hashed(copy('  owner-uid: 1\n  owner-gid: 2')), 'e4b743de', '§3.7 e4b743de');
    t.equal(hashed(copy('  preserve-times: true')), '6ca4b065', '§3.7 6ca4b065');
    t.equal(hashed(copy(`  ${RULES}`)), 'c7333188', '§3.7 c7333188');
    t.equal(hashed(copy("  rules: [/hello, '/**/file', '!file']")), '981e78a1', '§3.7 981e78a1');
    t.equal(hashed(copy("  rules: ['!file']")), 'ee039a4f', '§3.7 ee039a4f');
    t.equal(hashed(`- !Depends {path: dir, ${RULES}}`), '375d1004', '§3.7 375d1004');
    tree(own, { file: 0o660, script: 0o770, directory: 0o770 });
    t.equal(hashed(copy('  preserve-permissions: true')), 'ce6b370a', '§3.7 ce6b370a');
  });
}

t.test('§4.4 _version_hash: what goes in, as text and raw', async t => {
  rig.write('requirements.txt', 'a\n');
  container(
    '- !Text {/etc/x: "y\n\n  z"}\n- !Install [b, c]\n- !Py3Requirements\n- !Depends requirements.txt\n- !NpmDependencies {}',
  );
  rig.write('package.json', '{"dependencies": {"n": "1"}}');
  const debug = rig.run('_version_hash', '--debug-versioning', '-s', 'c');
  t.equal(debug.code, 0);
  const lines = debug.stdout.split('\n');
  t.same(lines.slice(0, -2), [
    'field:list "uids" ["0-65536"]',
    'field:list "gids" ["0-65536"]',
    '----- Command Text -----',
    'field:path "path" "/etc/x"',
    'field "data" y',
    'z',
    '----- Command Install -----',
    'field:list "packages" ["b", "c"]',
    '----- Command Py3Requirements -----',
    'field "line" a',
    '----- Command Depends -----',
    'field:path "filename" "/work/requirements.txt"',
    'field "is_executable" false',
    'file "/work/requirements.txt"',
    '----- Command NpmDependencies -----',
    'field "n" 1',
    '',
  ]);
  const [short] = lines.slice(-2);
  t.match(short, /^[0-9a-f]{8}$/);
  const long = rig.run('_version_hash', 'c').stdout;
  t.match(long, /^[0-9a-f]{128}\n$/);
  t.ok(long.startsWith(short ?? '-'));
  const dump = rig.run('_version_hash', '-s', '--dump-version-data', 'c').stdout;
  const fields = dump.split('\0');
  t.same(fields.slice(0, 9), [
    'uids',
    '0-65536',
    'gids',
    '0-65536',
    'COMMAND',
    'Text',
    'path',
    '/etc/x',
    'data',
  ]);
  t.same(fields.slice(-6), ['false', 'a\nCOMMAND', 'NpmDependencies', 'n', '1', `${short}\n`]);
});

t.test('§3.3 not-ready, §3.3 fatal, §4.9 exit 29, §4.9 exit 124', async t => {
  for (const step of [
    '!Depends none',
    '!Copy {source: /work/none, path: /x}',
    '!SubConfig {path: none.yaml, container: c}',
  ]) {
    container(`- ${step}`);
    const { code, stdout, stderr } = rig.run('_version_hash', 'c');
    t.same([code, stdout], [29, ''], step);
    t.match(stderr, /none(\.yaml)? does not exist yet/);
  }
  rig.write('bad.json', '{');
  container('- !NpmDependencies {file: bad.json}');
  const fatal = rig.run('_version_hash', 'c');
  t.equal(fatal.code, 124);
  t.match(fatal.stderr, /^Error versioning command !NpmDependencies .*: \/work\/bad\.json: /m);
  t.equal(rig.run('_build', 'c').code, 121, 'the same from a build');
  container('- !GitDescribe /version.txt');
  t.equal(rig.run('_version_hash', 'c').code, 124, 'not a repository');
  t.equal(rig.run('_version_hash', 'nobody').code, 121);
  t.equal(rig.run('_version_hash').code, 122);
});

t.test('names and link targets that are not UTF-8 are errors, not left out', async t => {
  rig.write('names/a', '');
  writeFileSync(Buffer.concat([Buffer.from(join(rig.root, 'names/')), Buffer.from([0xff, 0x62])]), '');
  container('- !Depends names');
  t.match(rig.run('_version_hash', 'c'), {
    code: 124,
    stderr: /the name of \/work\/names\/\ufffdb is not UTF-8/,
  });
  rig.write('links/a', '');
  symlinkSync(Buffer.from([0xfe, 0x61]) as unknown as string, join(rig.root, 'links/l'));
  container('- !Depends links');
  t.match(rig.run('_version_hash', 'c'), {
    code: 124,
    stderr: /the target of the link \/work\/links\/l is not UTF-8/,
  });
});

t.test(
  '§3.2 GitDescribe, §3.7 022317fb: a real repository; the answer is not kept beyond the next commit',
  async t => {
    const own = new Rig();
    t.teardown(() => own.remove());
    const git = (...words: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], {
        cwd: own.root,
        stdio: 'pipe',
      });
    own.write('vagga.yaml', 'containers:\n  c:\n    setup:\n    - !GitDescribe /version.txt\n');
    git('init', '-q');
    git('add', 'vagga.yaml');
    git('commit', '-qm', 'one');
    git('tag', 'light');
    t.equal(own.run('_version_hash', '-s', 'c').code, 124, 'only annotated tags count');
    git('tag', '-a', 'v0.0.1', '-m', 'first');
    t.equal(own.run('_version_hash', '-s', 'c').stdout, '022317fb\n');
    git('commit', '-q', '--allow-empty', '-m', 'two');
    t.not(own.run('_version_hash', '-s', 'c').stdout, '022317fb\n');
  },
);

t.test(
  '§3.2 SubConfig, §2.4 !SubConfig, §9 sub-config: steps of another config count as if they stood here',
  async t => {
    rig.write('sub/vagga.yaml', 'containers:\n  x:\n    setup:\n    - !Sh echo\n');
    const sub = '- !SubConfig {path: sub/vagga.yaml, container: x}';
    const first = hash(sub);
    t.match(first, /^[0-9a-f]{8}$/);
    rig.write('sub/vagga.local.yaml', 'containers:\n  y:\n    setup:\n    - !Sh true\n');
    t.equal(hash(sub), first);
    t.match(hash('- !SubConfig {path: sub/vagga.yaml, container: y}'), /^[0-9a-f]{8}$/, 'a mixin beside it');
    rig.write('sub/vagga.yaml', 'containers:\n  x:\n    setup:\n    - !Sh changed\n');
    t.not(hash(sub), first);
    container('- !SubConfig {path: sub/vagga.yaml, container: z}');
    t.match(rig.run('_version_hash', 'c'), { code: 124, stderr: /Container "z" not found in / });
    container('- !SubConfig {source: !Git {url: u}, container: z}');
    t.match(rig.run('_version_hash', 'c'), { code: 29, stderr: /u is not fetched yet/ });
  },
);

for (const files of [150, 6000]) {
  t.test(`an image of ${files} files is up to date until one of them changes in any way`, async t => {
    const own = new Rig();
    t.teardown(() => own.remove());
    own.write('vagga.yaml', 'containers:\n  c:\n    setup:\n    - !EnsureDir /x\n    - !Depends src\n');
    for (let index = 0; index < files; index++) own.write(`src/d${index % 30}/f${index}`, `${index}`);
    symlinkSync('f0', join(own.root, 'src/d0/link'));
    const builds = () => /Container c \(/.test(own.run('_build', 'c').stderr);
    const file = join(own.root, 'src/d1/f31');
    t.ok(builds());
    // What was written within this tick of the clock may not be trusted yet.
    await until(() => existsSync(join(own.root, '.vagga/.stamps/c')), 'stamps');
    t.notOk(builds());
    t.notOk(builds());
    const { atime, mtime } = statSync(file);
    writeFileSync(file, '13');
    utimesSync(file, atime, mtime);
    t.ok(builds(), 'the same size and the time set back');
    t.notOk(builds());
    chmodSync(file, 0o755);
    t.ok(builds(), 'a mode');
    // Both ways to look at files are the same from here on.
    if (files > 1000) return;
    writeFileSync(`${file}.new`, '31');
    chmodSync(`${file}.new`, 0o755);
    renameSync(`${file}.new`, file);
    t.ok(builds(), 'replaced with the first content; its mode is another');
    own.write('src/d2/more', '');
    t.ok(builds(), 'a file that came');
    rmSync(join(own.root, 'src/d2/more'));
    t.notOk(builds(), 'gone again: that version is there');
    rmSync(join(own.root, 'src/d0/link'));
    symlinkSync('f30', join(own.root, 'src/d0/link'));
    t.ok(builds(), 'a link that leads elsewhere');
    writeFileSync(join(own.root, '.vagga/.stamps/c'), 'damaged');
    t.notOk(builds(), 'damaged stamps cost time only');
  });
}

t.test('what is read through a link is watched behind it, and big files come in pieces', async t => {
  const own = new Rig();
  t.teardown(() => own.remove());
  own.write('shared/requirements.txt', 'a\n');
  symlinkSync('shared/requirements.txt', join(own.root, 'reqs.txt'));
  for (const read of ['readText', 'stat'] as const) {
    const stamps = () => {
      const tree = new DiskTree(own.root);
      tree[read]('/work/reqs.txt');
      return tree.stamps;
    };
    await until(() => isFresh(stamps()), 'the time has settled');
    const before = stamps();
    writeFileSync(join(own.root, 'shared/requirements.txt'), 'b\n');
    t.notOk(isFresh(before), read);
  }
  for (const size of [0, 1, 1024 * 1024 - 1, 1024 * 1024, 3 * 1024 * 1024 + 5]) {
    const bytes = randomBytes(size);
    writeFileSync(join(own.root, 'big'), bytes);
    t.ok(Buffer.concat([...piecesOf(join(own.root, 'big'))]).equals(bytes), `${size} bytes`);
  }
});
