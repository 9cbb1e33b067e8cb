import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstanceStatus, RolloutStatus, TreeStatus } from '@suite/shared/wire/lithos.ts';
import t from 'tap';
import { type HostPaths, stdioLog } from '../../src/adapters/paths.ts';
import { follow } from '../../src/cli/follow.ts';
import { diff } from '../../src/core/switch/diff.ts';
import { isKnown, isUnwell, judge, readingsBefore } from '../../src/core/switch/judge.ts';

const NOW_MS = 100_000;

function instance(name: string, change: Partial<InstanceStatus> = {}): InstanceStatus {
  return {
    name,
    state: 'running',
    ready: true,
    pid: 5,
    run: 1,
    identity: 'new',
    startedWallMs: 0,
    readyWallMs: 0,
    reason: null,
    nextStartWallMs: null,
    restarts: 0,
    failures: 0,
    failuresInRow: 0,
    lastExit: null,
    lostLines: 0,
    lostBytes: 0,
    problem: null,
    says: null,
    ...change,
  };
}

function tree(
  instances: readonly InstanceStatus[],
  rollouts: readonly RolloutStatus[] = [],
  ok = true,
): TreeStatus {
  const errors = ok ? [] : ['web.yaml:1:1: image gone'];
  return {
    schemaVersion: 1,
    pid: 1,
    version: '1',
    config: '/m',
    writtenWallMs: NOW_MS,
    reloads: 2,
    stopping: false,
    runtime: 'crun',
    errors: [],
    sandboxes: [{ name: 'web', ok, errors }],
    rollouts,
    instances,
  };
}

const WANTED = [
  { name: 'web/app.0', identity: 'new' },
  { name: 'web/app.1', identity: 'new' },
];

function rollout(state: RolloutStatus['state'], process = 'app'): RolloutStatus {
  return { sandbox: 'web', process, state, done: 0, total: 2, message: 'app.0 did not become healthy' };
}

t.test(
  'a switch is done when all and only the wanted ones are settled with the new configuration',
  async t => {
    const look = (instances: readonly InstanceStatus[], ...rollouts: RolloutStatus[]) =>
      judge(tree(instances, rollouts), 'web', WANTED, NOW_MS);
    const good = WANTED.map(({ name }) => instance(name));
    const [first] = good as [InstanceStatus];
    t.same(look(good), { kind: 'done', total: 2 });
    t.same(look([...good, instance('db/one.0')]), { kind: 'done', total: 2 }, 'others do not matter');
    t.match(look([...good, instance('web/old.0')]), { kind: 'going', done: 2 }, 'what goes is waited for');
    t.match(look([first]), { kind: 'going', done: 1, total: 2 });
    for (const change of [
      { identity: 'old' },
      { readyWallMs: null },
      { readyWallMs: NOW_MS - 100 },
      { identity: null },
    ])
      t.match(look([first, instance('web/app.1', change)]), { kind: 'going', done: 1 });
    const failing = instance('web/app.1', { state: 'failed', identity: null, problem: '2 failures' });
    t.match(look([first, failing]), { kind: 'failed', inForce: true, message: 'web/app.1 2 failures' });
    t.match(look([first, failing], rollout('rolling')), { kind: 'going' }, 'the tree will decide');
    const old = WANTED.map(({ name }) => instance(name, { identity: 'old' }));
    t.match(look(old, rollout('rolled-back')), {
      kind: 'failed',
      inForce: false,
      message: /went back.*not become/,
    });
    t.match(look([first, failing], rollout('failed')), { kind: 'failed', inForce: true });
    t.match(
      look(old, rollout('rolled-back', 'other')),
      { kind: 'going' },
      'an earlier one of another process',
    );
    t.match(look(good, rollout('rolling')), { kind: 'going' }, 'the tree is not content yet');
    t.same(look(good, rollout('rolled-back')), { kind: 'done', total: 2 }, 'what is wanted runs');
    t.match(judge(tree(good, [], false), 'web', WANTED, NOW_MS), {
      kind: 'failed',
      inForce: false,
      message: /image gone/,
    });
  },
);

t.test('who is known and who is unwell', async t => {
  const good = WANTED.map(({ name }) => instance(name));
  t.equal(isKnown(tree(good), 'web', WANTED), true);
  t.equal(isKnown(tree(good.slice(1)), 'web', WANTED), false);
  t.equal(isKnown(tree(good), 'web', WANTED.slice(1)), false);
  t.equal(isKnown(tree([instance('web/app.0', { identity: null })]), 'web', WANTED.slice(0, 1)), false);
  const exit = { code: 1, outOfMemory: false, requested: false, words: 'exited with code 1' };
  t.equal(isUnwell(instance('x')), false);
  t.equal(isUnwell(instance('x', { lastExit: exit })), false, 'it runs again');
  t.equal(isUnwell(instance('x', { state: 'waiting', lastExit: exit })), true);
  t.equal(isUnwell(instance('x', { state: 'starting', lastExit: { ...exit, requested: true } })), false);
  t.equal(isUnwell(instance('x', { problem: 'not ready' })), true);
  t.equal(isUnwell(instance('x', { state: 'failed' })), true);
});

t.test('the difference of two texts', async t => {
  t.same(diff('a\nb\n', 'a\nb\n'), []);
  t.same(diff('', 'a\n'), ['+ a']);
  t.same(diff('a\n', ''), ['- a']);
  const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
  const after = ['1', '2', '3', '4', 'five', '6', '7', '8', '9', '10'];
  t.same(diff(before.join('\n'), after.join('\n')), [
    '  3',
    '  4',
    '- 5',
    '+ five',
    '  6',
    '  7',
    '  8',
    '  9',
    '+ 10',
  ]);
  t.same(diff('a\nb\nc\n', 'b\nc\na\n'), ['- a', '  b', '  c', '+ a'], 'what moved is moved');
  const long = 'x\n'.repeat(3_000);
  t.match(diff(long, `${long}y\n`), [/not compared/]);
});

t.test('a clock that is set back keeps nobody waiting', async t => {
  const at = (readyWallMs: number) => tree(WANTED.map(({ name }) => instance(name, { readyWallMs })));
  const kind = (readyWallMs: number) => judge(at(readyWallMs), 'web', WANTED, NOW_MS).kind;
  t.same([NOW_MS - 600, NOW_MS - 100, NOW_MS, NOW_MS + 3_600_000].map(kind), [
    'done',
    'going',
    'going',
    'done',
  ]);
});

t.test('a reading that had begun before the file was in place does not count', async t => {
  t.equal(readingsBefore({ reloads: 4 }), 4, 'a tree of an earlier version does not say');
  t.equal(readingsBefore({ reloads: 4, reading: false }), 4);
  t.equal(readingsBefore({ reloads: 4, reading: true }), 5);
  t.equal(readingsBefore(undefined), 1, 'the first one, of which nothing is written yet');
});

t.test('a roll-out that is over before anybody has looked: its message names who failed', async t => {
  const directory = t.testdir();
  const place = {
    statusFile: join(directory, 'status'),
    stdioLogDir: directory,
    pidFile: join(directory, 'pid'),
  };
  const paths = place as unknown as HostPaths;
  const message = 'web/app.1 fails again and again: exited with code 7';
  const old = ['web/app.0', 'web/app.1', 'web/app.10'].map(name => instance(name, { identity: 'old' }));
  const status = tree(old, [{ ...rollout('rolled-back'), message }]);
  writeFileSync(place.statusFile, JSON.stringify(status));
  for (const { name } of old) writeFileSync(stdioLog(paths, name), `last words of ${name}\n`);
  const options = { paths, sandbox: 'web', wanted: WANTED, after: 1, waitS: 10, quiet: true };
  const { ending, troubles } = await follow({ ...options, isInPlace: async () => true });
  t.equal(ending.kind, 'failed');
  t.match(troubles, [{ name: 'web/app.1', log: ['last words of web/app.1'] }]);
  t.equal(troubles.length, 1);
});
