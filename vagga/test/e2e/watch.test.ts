// `_watch`: commands run again when files change, children are started again or get copies, and the last change counts.
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Rig, ROOT_AND_USER, until } from './rig.ts';
import { serviceRig } from './rig-services.ts';

const COMMANDS = `
  show: !Command {container: tiny, run: "echo begin; cat src/a; echo end; exit 3"}
  stay: !Command {container: tiny, run: "echo run of $(cat src/a); trap 'exit 0' TERM; while :; do sleep 0.05; done"}
  pair: !Supervise
    children:
      web:
        !Command
        container: tiny
        run: "echo web with $(cat src/a); exec sleep 7721"
        watch: [{path: src, ignore: ["*.tmp", "made/**"], action: restart}]
      page:
        !Command
        container: tiny
        run: "mkdir /tmp/pages; while :; do test -e /tmp/pages/new/b && cat /tmp/pages/new/b && rm /tmp/pages/new/b; sleep 0.05; done"
        watch: [{path: pages, action: sync, target: /tmp/pages}]
      other: !Command {container: tiny, run: "echo other; exec sleep 7721"}
`;

const count = (text: string, part: string) => text.split(part).length - 1;

function prepared(as: 'root' | 'user'): Rig {
  const rig = serviceRig(COMMANDS, { as });
  rig.write('src/a', 'one\n');
  rig.write('pages/a', '');
  return rig;
}

for (const as of ROOT_AND_USER) {
  t.test(`${as}: a command that has ended runs again; one that runs is ended first`, async t => {
    const rig = prepared(as);
    t.teardown(() => rig.remove());
    const show = rig.start(['_watch', 'show']);
    await show.shows('ended with code 3; waiting for a change');
    t.match(show.stdout, 'begin\none\nend\n');
    rig.write('src/a', 'two\n');
    await until(() => show.stdout.includes('begin\ntwo\nend\n'), 'the second run');
    t.match(show.stderr, '[watch] src/a changed: running again');
    show.child.kill('SIGTERM');
    t.equal((await show.ended).code, 143);
    const stay = rig.start(['_watch', 'stay']);
    await stay.shows('run of two');
    for (const round of [1, 2, 3, 4, 5]) rig.write('src/a', `version ${round}\n`);
    await until(() => stay.stdout.endsWith('run of version 5\n'), 'the last change');
    stay.child.kill('SIGINT');
    t.equal((await stay.ended).code, 130);
    t.same(rig.processes('do sleep 0.05'), []);
  });

  t.test(`${as}: rules of children: restart and sync`, async t => {
    const rig = prepared(as);
    t.teardown(() => rig.remove());
    const running = rig.start(['_watch', 'pair']);
    await running.shows('web   | web with one');
    await running.shows('other | other');
    rig.write('src/x.tmp', '');
    rig.write('src/made/y/z', '');
    rig.write('elsewhere', '');
    rig.write('src/deep/er/b', 'b');
    await running.shows('starting web again');
    await until(() => count(running.stdout, 'web with') === 2, 'a new start');
    t.match(running.stderr, /^\[watch\] src\/deep changed: starting web again$/m);
    rig.write('pages/new/b', 'copied into it\n');
    await running.shows('page  | copied into it');
    t.equal(count(running.stdout, 'web with'), 2, 'what was ignored and what is copied starts nothing');
    t.equal(count(running.stdout, '| other'), 1);
    running.child.kill('SIGINT');
    t.equal((await running.ended).code, 130);
    t.same(rig.processes('sleep 7721'), []);
  });
}

t.test('without rules git says what does not count; polling sees the same', async t => {
  const rig = prepared('root');
  t.teardown(() => rig.remove());
  spawnSync('git', ['init', '-q'], { cwd: rig.root });
  rig.write('.gitignore', '*.log\n');
  for (const options of [[], ['--poll']]) {
    const running = rig.start(['_watch', ...options, 'show']);
    await running.shows('waiting for a change');
    rig.write('some.log', `${options}`);
    rig.write('.git/description', `${options}`);
    mkdirSync(join(rig.root, 'dir'));
    rig.write('dir/file', `${options}`);
    await until(() => count(running.stdout, 'end\n') === 2, 'a run for a new directory');
    await until(() => count(running.stderr, 'waiting for a change') === 2, 'its end');
    renameSync(join(rig.root, 'dir/file'), join(rig.root, 'dir/other'));
    await until(() => count(running.stdout, 'end\n') === 3, 'a run for a rename');
    rmSync(join(rig.root, 'dir'), { recursive: true });
    await until(() => count(running.stdout, 'end\n') >= 4, 'a run for a removal');
    t.notMatch(running.stderr, 'some.log');
    running.child.kill('SIGTERM');
    t.equal((await running.ended).code, 143);
  }
});
