import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { removeSmall } from '../../src/adapters/state-dir.ts';

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
