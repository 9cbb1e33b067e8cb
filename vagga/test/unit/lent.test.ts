// Directories of the package cache, lent and taken back.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { lend, takeBack } from '../../src/adapters/build/distro/lent.ts';

const root = mkdtempSync(join(tmpdir(), 'vagga-lent-'));
/** Memory: another file system than the one above. */
const elsewhere = mkdtempSync('/dev/shm/vagga-lent-');
t.teardown(() => {
  for (const path of [root, elsewhere]) rmSync(path, { recursive: true });
});

function caches(name: string, base = root): { cache: string; own: string } {
  const cache = join(root, name);
  mkdirSync(cache);
  for (const file of ['old.deb', 'list', 'lock', '.list.77']) writeFileSync(join(cache, file), file);
  return { cache, own: join(base, `${name}-own`) };
}

const read = (...parts: string[]) => readFileSync(join(...parts), 'utf8');

t.test('what is there is lent without copying, what is new comes back', async t => {
  const { cache, own } = caches('near');
  lend(cache, own);
  t.same(readdirSync(own).sort(), ['list', 'old.deb', 'partial'], 'no locks and nothing half');
  t.equal(statSync(join(own, 'old.deb')).ino, statSync(join(cache, 'old.deb')).ino);
  writeFileSync(join(own, 'new.deb'), 'new');
  writeFileSync(join(own, 'partial/half.deb'), 'ha');
  writeFileSync(join(own, 'list.next'), 'second');
  renameSync(join(own, 'list.next'), join(own, 'list'));
  rmSync(join(own, 'old.deb'));
  t.equal(read(cache, 'list'), 'list', 'nothing changes before');
  takeBack(cache, own);
  t.same(readdirSync(cache).sort(), ['.list.77', 'list', 'lock', 'new.deb', 'old.deb']);
  t.equal(read(cache, 'list'), 'second');
  t.equal(read(cache, 'new.deb'), 'new');
});

t.test('a cache on another file system is copied', async t => {
  const { cache, own } = caches('far', elsewhere);
  lend(cache, own);
  writeFileSync(join(own, 'list'), 'third');
  t.equal(read(cache, 'list'), 'list');
  takeBack(cache, own);
  t.equal(read(cache, 'list'), 'third');
  t.equal(read(cache, 'old.deb'), 'old.deb');
});

t.test('of two builds the last one wins, and both keep what they have', async t => {
  const { cache, own } = caches('two');
  const other = `${own}2`;
  for (const place of [own, other]) lend(cache, place);
  for (const place of [own, other]) {
    rmSync(join(place, 'list'));
    writeFileSync(join(place, 'list'), place);
    takeBack(cache, place);
  }
  t.equal(read(cache, 'list'), other);
  t.equal(read(own, 'list'), own);
});
