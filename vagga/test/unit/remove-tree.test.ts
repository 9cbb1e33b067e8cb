// Removing whole trees, with GNU's rm and with those of small systems.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { removeTree, removeTreeSync } from '../../src/adapters/storage/remove-tree.ts';

const base = mkdtempSync(join(tmpdir(), 'vagga-remove-'));
const usualPath = process.env.PATH;
/** Where symlinks lead. */
const kept = join(base, 'kept');
mkdirSync(kept);
writeFileSync(join(kept, 'file'), 'x');
t.teardown(() => rmSync(base, { recursive: true, force: true }));
t.afterEach(() => {
  process.env.PATH = usualPath;
});

/** From now on `rm` is BusyBox's. */
function onSmallSystem(): void {
  const bin = mkdtempSync(join(base, 'bin-'));
  symlinkSync('/bin/busybox', join(bin, 'rm'));
  process.env.PATH = `${bin}:${usualPath}`;
  t.not(spawnSync('rm', ['-rf', '--one-file-system', join(base, 'nothing')]).status, 0);
}

function tree(): string {
  const path = mkdtempSync(join(base, 'tree-'));
  mkdirSync(join(path, 'a/b/c'), { recursive: true });
  mkdirSync(join(path, 'locked'), { mode: 0o500 });
  writeFileSync(join(path, 'a/b/file'), 'x');
  writeFileSync(Buffer.from(`${path}/a/\xff-no-utf-8`, 'latin1'), 'x');
  symlinkSync(kept, join(path, 'a/leads-away'));
  return path;
}

t.test('everything goes, symlinks are not followed', async t => {
  for (const prepare of [() => {}, onSmallSystem]) {
    prepare();
    const [one, other] = [tree(), tree()];
    removeTreeSync(one);
    await removeTree(other);
    t.same([existsSync(one), existsSync(other)], [false, false]);
    await removeTree(other);
  }
  t.ok(existsSync(join(kept, 'file')));
});

t.test('what is mounted in it stays', async t => {
  onSmallSystem();
  const path = tree();
  const mounted = join(path, 'a/b/c');
  t.equal(spawnSync('mount', ['-t', 'tmpfs', 'none', mounted]).status, 0);
  t.teardown(() => spawnSync('umount', [mounted]));
  writeFileSync(join(mounted, 'kept'), 'x');
  removeTreeSync(path);
  t.ok(existsSync(join(mounted, 'kept')));
  t.notOk(existsSync(join(path, 'a/b/file')));
  t.equal(spawnSync('umount', [mounted]).status, 0);
  removeTreeSync(path);
  t.notOk(existsSync(path));
});
