// Writable copies of images for one run, for root and for an ordinary user.
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Rig, ROOT_AND_USER, until } from './rig.ts';

const CONFIG = `containers:
  c:
    setup:
    - !EnsureDir /bin
    - !Copy {source: /work/busybox, path: /bin/busybox, preserve-permissions: true}
    - !Copy {source: /work/busybox, path: /bin/sh, preserve-permissions: true}
    - !Sh /bin/busybox --install -s /bin; echo before > /kept
commands:
  write: !Command
    container: c
    write-mode: transient-hard-link-copy
    run: echo changed > /kept; echo new > /bin/new; rm /bin/ls; cat /kept /bin/new; exit 3
  plain: !Command {container: c, run: "cat /kept; test -e /bin/ls && ! echo x > /kept"}
  wait: !Command {container: c, write-mode: transient-hard-link-copy, run: "echo ready; sleep 7691"}
  pair: !Supervise
    mode: wait-all-successful
    children:
      one: !Command {container: c, write-mode: transient-hard-link-copy, run: "echo one > /own; cat /own"}
      two: !Command {container: c, run: "test ! -e /own"}
`;

for (const as of ROOT_AND_USER) {
  t.test(`§1.6 write-mode, §4.4 _run: a copy that is gone afterwards, as ${as}`, async t => {
    const rig = new Rig({ as });
    t.teardown(() => rig.remove());
    rig.write('vagga.yaml', CONFIG);
    rig.write('busybox', '');
    cpSync('/bin/busybox', join(rig.root, 'busybox'));
    const written = rig.run('write');
    t.match(written, { code: 3, stdout: 'changed\nnew\n' }, written.stderr);
    t.match(rig.run('plain'), { code: 0, stdout: 'before\n' }, 'the image is as it was');
    t.same(rig.list('.vagga/.transient'), []);
    for (const mode of ['overlay', 'copy'])
      t.match(rig.runWith({ VAGGA_LAYERS: mode }, 'write'), { code: 3, stdout: 'changed\nnew\n' }, mode);
    t.match(rig.run('pair'), { code: 0 });
    t.match(rig.run('_run', '-W', 'c', 'touch', '/bin/x'), { code: 0, stderr: '' });
    t.match(rig.run('_run', '--writable', 'c', 'touch', '/bin/x'), { code: 0 });
    t.equal(rig.run('_run', 'c', 'touch', '/bin/x').code, 1);
    t.same(rig.list('.vagga/.transient'), []);
    t.same(rig.mounts(), []);
  });
}

t.test('§1.6 write-mode: what a killed run left is swept by the next', async t => {
  const rig = new Rig();
  t.teardown(() => rig.remove());
  rig.write('vagga.yaml', CONFIG);
  rig.write('busybox', '');
  cpSync('/bin/busybox', join(rig.root, 'busybox'));
  const running = rig.start(['wait']);
  await running.shows('ready');
  const [directory = ''] = rig.list('.vagga/.transient');
  t.match(directory, /^c\.[0-9a-f]{8}\.\d+$/);
  mkdirSync(join(rig.root, `.vagga/.transient/c.12345678.${process.pid}`));
  running.child.kill('SIGKILL');
  await running.ended;
  await until(() => rig.processes('sleep 7691').length === 0, 'the container is gone');
  t.equal(rig.run('write').code, 3);
  t.same(rig.list('.vagga/.transient'), [`c.12345678.${process.pid}`], 'that of a living process stays');
});
