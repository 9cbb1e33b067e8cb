import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { removeTree } from '../../src/adapters/remove-tree.ts';
import { makeStateDir, openStateDir, removeSmall } from '../../src/adapters/state-dir.ts';

t.test('a directory with a few files goes away, and what its links name stays', async t => {
  const directory = t.testdir({ state: { hosts: 'h', 'resolv.conf': 'r' }, kept: 'k' });
  symlinkSync('../kept', join(directory, 'state/link'));
  t.equal(removeSmall(join(directory, 'state')), true);
  t.notOk(existsSync(join(directory, 'state')));
  t.equal(readFileSync(join(directory, 'kept'), 'utf8'), 'k');
});

t.test('what may take long is left whole to somebody else', async t => {
  const many = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`f${index}`, '']));
  const directory = t.testdir({ deep: { a: '', below: { b: '' } }, many });
  for (const name of ['deep', 'many', 'absent']) t.equal(removeSmall(join(directory, name)), false, name);
  t.ok(existsSync(join(directory, 'deep/a')));
  t.ok(existsSync(join(directory, 'many/f0')));
});

t.test('a link in its place is not followed', async t => {
  const directory = t.testdir({ other: { a: '' } });
  symlinkSync('other', join(directory, 'state'));
  t.equal(removeSmall(join(directory, 'state')), false);
  t.ok(existsSync(join(directory, 'other/a')));
});

t.test('§4.4 state-dir: it is closed to others until everything of ours is in it', async t => {
  const directory = join(t.testdir({}), 'box/web.0');
  const mode = () => lstatSync(directory).mode & 0o7777;
  makeStateDir(directory);
  t.equal(mode(), 0o700);
  openStateDir(directory);
  t.equal(mode(), 0o1777);
  t.throws(() => makeStateDir(directory), { code: 'EEXIST' }, 'it is new');
});

t.test(
  '§4.4 state-dir: whatever a program has made of a directory, it goes, and nothing else does',
  async t => {
    const root = t.testdir({ kept: { file: 'k' }, state: { a: { b: { c: '' } }, hosts: '' } });
    const state = join(root, 'state');
    symlinkSync('../kept', join(state, 'link'));
    symlinkSync('../../../kept/file', join(state, 'a/b/link'));
    // As a program with another encoding writes it: no text in UTF-8.
    writeFileSync(Buffer.concat([Buffer.from(`${state}/a/na`), Buffer.from([0xef, 0xff])]), '');
    mkdirSync(Buffer.concat([Buffer.from(`${state}/dir`), Buffer.from([0xe4])]));
    spawnSync('mkfifo', [join(state, 'pipe')]);
    const deep = 'import os\nfor _ in range(3000): os.mkdir("deeper"); os.chdir("deeper")';
    t.equal(spawnSync('python3', ['-c', deep], { cwd: state }).status, 0);
    await removeTree(state);
    t.same(readdirSync(root), ['kept']);
    t.equal(readFileSync(join(root, 'kept/file'), 'utf8'), 'k');
    await removeTree(state);
    await removeTree(join(root, 'no/where'));
    symlinkSync('kept', state);
    await removeTree(state);
    t.same(readdirSync(root), ['kept'], 'a link in its place is not followed');
  },
);

t.test(
  '§4.4 state-dir: a directory that changes places with a link while it is removed is not followed',
  async t => {
    const root = t.testdir({ kept: {}, state: {} });
    const state = join(root, 'state');
    for (let index = 0; index < 300; index++) writeFileSync(join(root, `kept/${index}`), '');
    const exchange = [
      'import ctypes, os, sys',
      'libc = ctypes.CDLL(None)',
      'print(1, flush=True)',
      'while os.path.isdir(sys.argv[1]):',
      '  libc.renameat2(-100, (sys.argv[1] + "/d").encode(), -100, (sys.argv[1] + "/l").encode(), 2)',
    ].join('\n');
    for (let round = 0; round < 4; round++) {
      mkdirSync(join(state, 'd'), { recursive: true });
      for (let index = 0; index < 300; index++) writeFileSync(join(state, `d/${index}`), '');
      symlinkSync('../kept', join(state, 'l'));
      const racer = spawn('python3', ['-c', exchange, state], { stdio: ['ignore', 'pipe', 'inherit'] });
      t.teardown(() => racer.kill('SIGKILL'));
      const ended = once(racer, 'exit');
      await once(racer.stdout, 'data');
      await removeTree(state);
      t.notOk(existsSync(state));
      await ended;
    }
    t.equal(readdirSync(join(root, 'kept')).length, 300);
  },
);
