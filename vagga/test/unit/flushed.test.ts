// What survives a power cut: how marks are read, and files that hold zeros where something should be.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { packedAreFresh, packStamps } from '../../src/adapters/project/packed-stamps.ts';
import { HOW, type Stamp } from '../../src/adapters/project/stamps.ts';
import { flushedState, flushMark } from '../../src/core/storage/flushed.ts';

t.test('a mark of this boot, of another one, of a copy, none', async t => {
  const mark = flushMark('boot-1', 77);
  t.equal(flushedState(undefined, 'boot-1', 77), 'on-disk');
  t.equal(flushedState(mark, 'boot-1', 77), 'in-memory');
  t.equal(flushedState(mark, 'boot-2', 77), 'lost');
  t.equal(flushedState(mark, 'boot-2', 7), 'on-disk', 'a copy has another inode');
  t.equal(flushedState(mark, 'boot-2', 177), 'on-disk');
  t.equal(flushedState(mark, 'boot-1', 78), 'on-disk');
});

t.test(
  'packed stamps: a page of zeros or a missing end is never taken for files that are still absent',
  async t => {
    const directory = mkdtempSync(join(tmpdir(), 'vagga-stamps-'));
    t.teardown(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'stamps');
    const stamps: Stamp[] = Array.from({ length: 400 }, (_, index) => [
      join(directory, `absent-${index}`),
      HOW.followed,
    ]);
    const packed = packStamps(file, stamps);
    t.equal(packedAreFresh(packed), true);
    const whole = readFileSync(file);
    const page = 4096;
    for (let from = 0; from < whole.length; from += page) {
      writeFileSync(file, Buffer.from(whole).fill(0, from, Math.min(from + page, whole.length)));
      t.equal(packedAreFresh(packed), false, `zeros from ${from}`);
      writeFileSync(file, whole.subarray(0, from));
      t.equal(packedAreFresh(packed), false, `ends at ${from}`);
    }
  },
);
