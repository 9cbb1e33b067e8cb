// `_build_shell CONTAINER`: a look into a build after any of its steps, through the step cache.
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Outcome, Rig, ROOT_AND_USER } from './rig.ts';

const config = (last: string, base = 'exit 0') => `containers:
  base:
    setup:
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
    - !Sh ${base}
  app:
    setup:
    - !Container base
    - !Sh echo one > /log; echo leftover > /tmp/one
    - !Env {COLOUR: green}
    - !Depends input
    - !Sh echo two >> /log
    - !Sh ${last}
`;

for (const as of ROOT_AND_USER) {
  const rig = new Rig({ as });
  t.teardown(() => rig.remove());
  cpSync('/bin/busybox', join(rig.root, 'busybox'));
  rig.write('input', '1');
  const shell = (script: string, ...words: string[]): Outcome => {
    const [program, rest] = rig.commandLine(['_build_shell', ...words]);
    const { NODE_EXTRA_CA_CERTS: _, ...env } = { ...process.env, ...rig.user?.environment() };
    const options = { cwd: rig.root, env, input: `${script}\n`, encoding: 'utf8' as const };
    const { status, stdout, stderr } = spawnSync(program, rest, options);
    return { code: status, stdout, stderr };
  };

  t.test(`§4.4 _build_shell: in a container after its steps (${as})`, async t => {
    rig.write('vagga.yaml', config('echo three >> /log'));
    t.match(shell('true', 'base'), {
      code: 121,
      stderr: /^Nothing of container "base" is in the step cache/m,
    });
    t.match(rig.run('_build', 'app'), { code: 0 });
    const all = shell('busybox cat /log /tmp/one /work/input; echo $COLOUR; echo new > /new; exit 7', 'app');
    t.match(all, { code: 7, stdout: 'one\ntwo\nthree\nleftover\n1green\n' });
    t.match(all.stderr, /^app after 6 of 6 steps;/m);
    t.equal(rig.has('.vagga/app/new'), false, 'what is written goes nowhere');
    t.match(shell('busybox ls /new', 'app'), { code: 1 });
    const second = shell('busybox cat /log; echo "<$COLOUR>"', 'app', '--step', '2');
    t.match(second, { code: 0, stdout: 'one\n<>\n' });
    t.match(shell('echo "<$COLOUR>"', '--step=3', 'app'), { code: 0, stdout: '<green>\n' });
    t.match(shell('busybox ls /', 'app', '--step', '1').stdout, /^bin$/m);
    t.same(rig.list('.vagga/.transient'), []);
    t.same(rig.mounts(), []);
  });

  t.test(
    `§4.4 _build_shell: the last good state of a build that fails, and what it has left (${as})`,
    async t => {
      rig.write('vagga.yaml', config('echo half > /half; exit 5'));
      const failed = rig.run('_build', 'app');
      t.equal(failed.code, 121);
      const [, line = ''] = /look around in it: vagga (.*)/.exec(failed.stderr) ?? [];
      t.equal(line, '_build_shell --failed app');
      t.match(shell('busybox cat /half /log; echo $COLOUR', ...line.split(' ').slice(1)), {
        code: 0,
        stdout: 'half\none\ntwo\ngreen\n',
      });
      const good = shell('busybox ls /half; busybox cat /log', 'app');
      t.match(good, { stdout: 'one\ntwo\n', stderr: /app after 5 of 6 steps/ });
      t.match(shell('true', 'app', '--step', '6'), {
        code: 121,
        stderr:
          /^Step 6 of container "app" \(!Sh .*\) is not in the step cache; the last one that is: --step 5$/m,
      });
      rig.write('input', '2');
      t.match(
        shell('busybox cat /log', 'app'),
        { stdout: 'one\n', stderr: /after 4 of 6/ },
        'a changed file counts',
      );
      rig.write('input', '1');
    },
  );

  t.test(`§4.4 _build_shell: what it starts from is built first (${as})`, async t => {
    rig.write('vagga.yaml', config('true', 'echo other > /other'));
    const outcome = shell('busybox cat /other', 'app');
    t.match(outcome, { code: 0, stdout: 'other\n', stderr: /Container base .* built/ });
    t.match(outcome.stderr, /app after 1 of 6 steps/);
    rig.write('vagga.yaml', config('true', 'exit 9'));
    t.match(shell('true', 'app'), { code: 121, stderr: /Error building container "base"/ });
    for (const [words, code, stderr] of [
      [['nobody'], 121, /Container "nobody" not found/],
      [['app', '--step', '0'], 122, /--step takes the number of a step/],
      [['app', '--step', 'x'], 122, /--step takes the number of a step/],
      [['--step', '1'], 122, /--step of which container/],
      [['app', 'more'], 122, /Unexpected argument more/],
    ] as const)
      t.match(shell('true', ...words), { code, stderr });
    rig.write('vagga.yaml', config('true'));
    t.match(shell('true', 'app', '--step', '7'), { code: 121, stderr: /has 6 steps, there is no step 7/ });
  });

  if (as === 'root')
    t.test('§4.4 _build_shell: without a container it is beside all of them', async t => {
      t.match(shell('echo ok'), { code: 0, stdout: 'ok\n' });
    });
}
