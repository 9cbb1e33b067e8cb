// `_why`: what makes a container be built again, before it is built, and in a line while it is.
import { execFileSync } from 'node:child_process';
import { cpSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Rig } from './rig.ts';

const rig = new Rig();
t.teardown(() => rig.remove());
cpSync('/bin/busybox', join(rig.root, 'busybox'));

const config = (script: string) => `containers:
  base:
    setup:
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
  app:
    setup:
    - !Container base
    - !Sh 'echo before >> /log'
    - !Depends requirements.txt
    - !Sh '${script}'
commands:
  test: !Command {container: app, run: [/bin/busybox, cat, /log]}
`;

t.test('never built, up to date, changed by a pull, built again', async t => {
  rig.write('requirements.txt', 'django==4\n');
  rig.write('vagga.yaml', config('echo after >> /log'));
  t.match(rig.run('_why', 'app'), { code: 0, stdout: 'Container app was never built.\n' });
  const first = rig.run('test');
  t.match(first, { code: 0, stdout: 'before\nafter\n' });
  t.notMatch(first.stderr, /built again/);
  t.match(rig.run('_why', 'app').stdout, /^Container app is up to date \([0-9a-f]{8}\)\.\n$/);

  rig.write('requirements.txt', 'django==5\n');
  t.match(
    rig.run('_why', 'app').stdout,
    /^Container app is built again \([0-9a-f]{8} is built, [0-9a-f]{8} is wanted\):\n {2}step !Depends requirements\.txt changed \(.*vagga\.yaml:11\)\n {4}requirements\.txt changed\n$/,
  );
  const json = JSON.parse(rig.run('_why', '--json', 'app').stdout);
  t.match(json, {
    container: 'app',
    kind: 'changed',
    changes: [
      { kind: 'changed', title: '!Depends requirements.txt', details: [{ file: 'requirements.txt' }] },
    ],
  });
  const again = rig.run('test');
  t.match(again, { code: 0, stdout: 'before\nafter\n' });
  t.match(
    again.stderr,
    /^Container app is built again: step !Depends requirements\.txt changed: requirements\.txt changed\.$/m,
  );
  t.match(again.stderr, /\[2\/4\].*cached/, 'only from that step on');

  rig.write('requirements.txt', 'django==4\n');
  t.match(
    rig.run('_why', 'app').stdout,
    /needs no build: version [0-9a-f]{8} is there/,
    'back to the other branch',
  );
  t.equal(rig.run('test').code, 0);
});

t.test('a colleague changes requirements.txt: pull, run, and it is clear why it takes longer', async t => {
  const [theirs, ours] = [new Rig(), new Rig()];
  t.teardown(() => theirs.remove());
  t.teardown(() => ours.remove());
  const git = (where: Rig, ...words: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], {
      cwd: where.root,
      stdio: 'pipe',
    });
  theirs.write(
    'vagga.yaml',
    config('busybox wc -l /work/requirements.txt > /log').replace("- !Sh 'echo before", "- !Sh 'echo early"),
  );
  theirs.write('requirements.txt', 'django==4\n');
  cpSync('/bin/busybox', join(theirs.root, 'busybox'));
  git(theirs, 'init', '-q', '-b', 'main');
  git(theirs, 'add', '.');
  git(theirs, 'commit', '-qm', 'one');
  git(ours, 'clone', '-q', theirs.root, '.');
  t.match(ours.run('test'), { code: 0, stdout: /^1 / });
  theirs.write('requirements.txt', 'django==5\nredis\n');
  git(theirs, 'commit', '-qam', 'two');
  git(ours, 'pull', '-q');
  const after = ours.run('test');
  t.match(after, { code: 0, stdout: /^2 / });
  t.match(after.stderr, /^Container app is built again: step !Depends .*: requirements\.txt changed\.$/m);
  const marks = [...after.stderr.matchAll(/^app \[(\d)\/4\].*: (cached|done)/gm)].map(
    ([, step, how]) => `${step} ${how}`,
  );
  t.same(marks, ['1 cached', '2 cached', '3 done', '4 done'], 'from that step on');
});

t.test('what only another program knows, what cannot be known, who is not there', async t => {
  rig.write('vagga.yaml', config('echo other >> /log'));
  rmSync(join(rig.root, '.vagga', readlinkSync(join(rig.root, '.vagga/app')), '../identity.json'));
  t.match(rig.run('_why', 'app').stdout, /it is not known what it was made of/);
  t.match(rig.run('_build', 'app'), { code: 0 });
  rmSync(join(rig.root, 'requirements.txt'));
  t.match(rig.run('_why', 'app').stdout, /to find out: \/work\/requirements\.txt does not exist yet/);
  rig.write(
    'vagga.yaml',
    `${config('x')}  more: !Command {container: app, run: x}\n`.replace(
      '!Depends requirements.txt',
      '!NpmDependencies {file: none.json}',
    ),
  );
  t.match(rig.run('_why', 'app'), { code: 124, stderr: /none\.json does not exist/ });
  t.equal(rig.run('_why', 'nobody').code, 121);
  const all = rig.run('_why');
  t.match(all, { code: 124, stdout: /^Container base is up to date/ }, 'without a name: all of them');
  t.match(JSON.parse(rig.run('_why', '--json').stdout), [
    { container: 'app', kind: 'failed' },
    { container: 'base', kind: 'up-to-date' },
  ]);
});
