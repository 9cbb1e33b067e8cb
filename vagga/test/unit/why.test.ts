// From two identities of a container to the reason why it is built again.
import { createHash } from 'node:crypto';
import t from 'tap';
import { recordChanges } from '../../src/core/image/changes.ts';
import { writeIdentity } from '../../src/core/image/identity.ts';
import { type IdentityRecord, Recorder } from '../../src/core/image/record.ts';
import { changeLines, firstChange } from '../../src/core/image/why-text.ts';
import { type MemoryFile, MemoryTree, project } from './helpers.ts';

type Files = Record<string, string | MemoryFile>;

function recordOf(steps: string, files: Files = {}, more = ''): IdentityRecord {
  const { containers } = project(`containers:\n${more}  c:\n    setup:\n${steps.replace(/^/gm, '    ')}\n`);
  if (containers.c === undefined) throw new Error('no container');
  const recorder = new Recorder(() => {
    const hash = createHash('sha256');
    return { update: data => void hash.update(data), short: () => hash.digest('hex').slice(0, 12) };
  });
  const none = { kind: 'failed', message: 'none' } as const;
  const world = {
    containers,
    tree: new MemoryTree(files),
    describe: () => '',
    otherContainer: () => none,
    image: () => none,
  };
  const written = writeIdentity({ write: () => {} }, containers.c, world, recorder.part);
  if (written.kind !== 'written') throw new Error(written.message);
  // As it is read back from the file.
  return JSON.parse(JSON.stringify(recorder.record('x')));
}

const changed = (before: IdentityRecord, after: IdentityRecord) =>
  changeLines(recordChanges(before, after)).map(line =>
    line.replace(/ \(\/project\/vagga\.yaml:(\d+)\)/, ' @$1'),
  );

t.test('steps that come, go and change', async t => {
  const three = recordOf('- !Sh one\n- !Sh two\n- !Install [a]');
  t.same(
    changed(three, recordOf('# a comment\n- !Sh one\n\n- !Sh two\n- !Install [a]')),
    [],
    'places are no change',
  );
  t.same(changed(three, recordOf('- !Sh one\n- !Env {A: b}\n- !Sh two\n- !Install [a]')), [
    'step !Env A: b is new @5',
  ]);
  t.same(changed(three, recordOf('- !Sh two\n- !Install [a]')), ['step !Sh one is gone @4']);
  t.same(changed(three, recordOf('- !Sh one\n- !Sh other\n- !Install [a]')), [
    'step !Sh other changed @5',
    '  script other, was two',
  ]);
  t.same(changed(three, recordOf('- !Sh one\n- !Sh two\n- !Install [b, a]')), [
    'step !Install b a changed @6',
    '  packages added: b',
  ]);
  t.same(changed(recordOf('- !Install [a, b]'), recordOf('- !Install [b, a]')), [
    'step !Install b a changed @4',
    '  packages: another order',
  ]);
  t.same(changed(three, recordOf('- !Text {/a: b}')), [
    'step !Sh one is gone @4',
    'step !Sh two is gone @5',
    'step !Install a is gone @6',
    'step !Text /a: b is new @4',
  ]);
});

t.test('files, lines and versions within a step', async t => {
  const reqs = '- !Py3Requirements requirements.txt';
  t.same(
    changed(
      recordOf(reqs, { '/work/requirements.txt': 'a==1\n# c\nb\n' }),
      recordOf(reqs, { '/work/requirements.txt': 'a==2\n# c\n\nb\n-r more.txt', '/work/more.txt': '\nx\n' }),
    ),
    [
      'step !Py3Requirements requirements.txt changed @4',
      '  requirements.txt:1 line added: a==2',
      '  more.txt:2 line added: x',
      '  requirements.txt:1 line removed: a==1',
    ],
  );
  const copy = '- !Copy {source: /work/src, path: /src}';
  t.same(
    changed(
      recordOf(copy, { '/work/src/a': 'a', '/work/src/b': 'b', '/work/src/c': 'c' }),
      recordOf(copy, { '/work/src/a': 'A', '/work/src/c': { mode: 0o755, text: 'c' }, '/work/src/d': 'd' }),
    ).slice(1),
    ['  src/a changed', '  src/c has mode 775, not 664', '  src/d is new', '  src/b is gone'],
  );
  const depends = '- !Depends run.sh';
  t.same(
    changed(
      recordOf(depends, { '/work/run.sh': 'x' }),
      recordOf(depends, { '/work/run.sh': { mode: 0o755, text: 'x' } }),
    ).slice(1),
    ['  run.sh can be executed now'],
  );
  const npm = '- !NpmDependencies {}';
  const manifest = (dependencies: object) => ({ '/work/package.json': JSON.stringify({ dependencies }) });
  t.same(
    changed(recordOf(npm, manifest({ a: '1', b: '1' })), recordOf(npm, manifest({ a: '2', c: '3' }))).slice(
      1,
    ),
    ['  a 2, was 1', '  b 1 is gone', '  c 3 is new'],
  );
  const long = (end: string) => recordOf(`- !Text {/a: "${'x'.repeat(5000)}${end}"}`);
  t.match(changed(long('1'), long('2'))[1], /^ {2}data 5001 characters, [0-9a-f]{12}, was 5001 characters, /);
});

t.test('changes in what a container starts from are shown inside, and in one line', async t => {
  const parent = (script: string) => `  base: {setup: [!Sh ${script}]}\n`;
  const [before, after] = ['one', 'two'].map(script =>
    recordOf('- !Container base\n- !Sh x', {}, parent(script)),
  );
  if (before === undefined || after === undefined) return;
  t.same(changed(before, after), [
    'step !Container base changed @5',
    '  step !Sh two changed @2',
    '    script two, was one',
  ]);
  t.equal(
    firstChange(recordChanges(before, after)),
    'step !Container base changed: step !Sh two changed: script two, was one',
  );
  const many = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`/work/d/${n}`, 'x']));
  const grown = recordChanges(recordOf('- !Depends d', { '/work/d/0': 'x' }), recordOf('- !Depends d', many));
  t.equal(firstChange(grown), 'step !Depends d changed: d/1 is new (and 10 more)');
  t.equal(changeLines(grown).at(-1), '  and 3 more');
  t.equal(firstChange([]), undefined);
});

t.test('id ranges and data directories are the container itself', async t => {
  const record = (more: string) => {
    const text = recordOf('- !Sh x');
    return { ...text, lists: [...text.lists, ...(more === '' ? [] : [['data_dirs', [more]] as const])] };
  };
  t.same(changed(record(''), record('/data')), ['the container itself changed', '  data_dirs added: /data']);
});
