// Which changed paths a `watch` rule is about.
import t from 'tap';
import type { WatchRule } from '../../src/config/model.ts';
import { hits, WHOLE_PROJECT } from '../../src/core/watch/rules.ts';

const rule = (path: string, ...ignore: string[]): WatchRule => ({ path, ignore, action: 'restart' });

t.test('paths of a rule: below it, and not what it ignores', async t => {
  const paths = ['src/a.py', 'src/b/c.pyc', 'src/made/x', 'src/b/made/x', 'srcs/a', 'a', 'src'];
  t.same(hits(rule('src'), paths), ['src/a.py', 'src/b/c.pyc', 'src/made/x', 'src/b/made/x', 'src']);
  t.same(hits(rule('./src/', '*.pyc', 'made/**'), paths), ['src/a.py', 'src/b/made/x', 'src']);
  t.same(hits(rule('src', 'made'), paths), ['src/a.py', 'src/b/c.pyc', 'src'], 'a name at any depth');
  t.same(hits(rule('src', 'b/made/'), paths), ['src/a.py', 'src/b/c.pyc', 'src/made/x', 'src']);
  t.same(hits(rule('a'), paths), ['a'], 'a file');
  t.same(hits(WHOLE_PROJECT, ['x/.git/y', '.vagga/z', '.gitignore']), ['.gitignore']);
});
