import t from 'tap';
import type { Container, RunCommand } from '../../src/config/model.ts';
import { containersOf } from '../../src/core/plan/commands.ts';
import { initCommandProblem, initialisedVolumes } from '../../src/core/volumes/persistent.ts';
import { mergedVolumes, planVolumes } from '../../src/core/volumes/plan.ts';
import { project } from './helpers.ts';

function planOf(own: string, common = '{}', external: Record<string, string> = {}) {
  const { containers, commands } = project(`containers:
  a: {volumes: ${common}}
commands:
  c: !Command {container: a, run: x, volumes: ${own}}
`);
  return planVolumes(mergedVolumes(containers.a as Container, commands.c as RunCommand), external);
}

const targets = (plan: ReturnType<typeof planOf>) =>
  plan.ok ? plan.mounts.map(({ target }) => target) : plan.message;

t.test(
  '§1.5 order, §1.6 volumes: defaults first, then by path; the command replaces entries of the container',
  async t => {
    const plan = planOf('{/t: !BindRO /work/t, /a: !Empty}', '{/c: !CacheDir c, /t: !Tmpfs {size: 1Mi}}');
    t.same(targets(plan), ['/tmp', '/run', '/run/shm', '/a', '/c', '/t']);
    t.match(plan.ok && plan.mounts[5], { kind: 'bind', from: 'project', path: '/t', readonly: true });
    t.same(
      targets(planOf('{/tmp: !Empty, /run: !Tmpfs}')),
      ['/run', '/tmp'],
      'no default where there is a volume',
    );
    t.same(targets(planOf('{/run/shm: !Tmpfs}')), ['/tmp', '/run', '/run/shm']);
    t.match(planOf('{}'), {
      mounts: [{ sizeBytes: 100 * 1024 * 1024, mode: 0o1777 }, { mode: 0o755 }, { mode: 0o1777 }],
    });
  },
);

t.test('§1.5 what is bound: /work, /volumes/NAME and /vagga/root', async t => {
  const one = (path: string, external = {}) => {
    const plan = planOf(`{/x: !BindRW ${path}}`, '{}', external);
    return plan.ok ? plan.mounts.at(-1) : plan.message;
  };
  t.match(one('/work'), { from: 'project', path: '' });
  t.match(one('/vagga/root/usr/lib'), { from: 'image', path: '/usr/lib' });
  t.match(one('/volumes/data/x', { data: '/srv/data' }), {
    from: 'host',
    path: '/srv/data/x',
    readonly: false,
  });
  t.match(one('/volumes/data'), /vagga\.yaml:4:\d+: volume \/x: there is no external volume "data"/);
  t.match(one('/etc'), /\/etc cannot be bound/);
  t.match(one('/work/../etc'), /\.\. is not allowed/);
  t.match(one('/workshop'), /cannot be bound/);
});

t.test('§1.5 !CacheDir: messages', async t => {
  t.match(targets(planOf('{/x: !CacheDir ""}')), /: mount !CacheDir: path must not be empty$/);
  t.match(
    targets(planOf('{/x: !CacheDir /cache}')),
    /: mount !CacheDir "\/cache": path must not be absolute$/,
  );
  t.match(targets(planOf('{/x: !CacheDir a/../../b}')), /\.\. is not allowed/);
});

t.test('§1.5 !Tmpfs, §1.5 !Empty: what is made inside, in the order of names', async t => {
  const plan = planOf(
    '{/x: !Tmpfs {subdirs: {b: , a: {mode: 0o700}, a/c: }, files: {f: "text", e: null}}, /e: !Empty}',
  );
  t.match(plan.ok && plan.mounts.slice(3), [
    { target: '/e', sizeBytes: 1, mode: 0, readonly: true },
    {
      mode: 0o1777,
      directories: [
        { path: 'a', mode: 0o700 },
        { path: 'a/c', mode: 0o755 },
        { path: 'b', mode: 0o755 },
      ],
      files: [
        { path: 'e', text: '' },
        { path: 'f', text: 'text' },
      ],
    },
  ]);
  t.match(targets(planOf('{/x: !Tmpfs {subdirs: {../y: }}}')), /is not a path inside of it/);
});

t.test('§1.5 !Container, !Snapshot: their containers are built first', async t => {
  const parsed = project(`containers:
  a: {volumes: {/c: !Container other}}
  b: {}
commands:
  one: !Command {container: a, run: x, volumes: {/s: !Snapshot {container: third}, /own: !Snapshot}}
  two: !Supervise
    children:
      x: !Command {container: b, run: x, volumes: {/s: !Container fourth}}
      y: !Command {container: b, run: x, volumes: {/s: !Container fifth}}
`);
  const of = (name: string) => containersOf(parsed, parsed.commands[name] as RunCommand);
  t.same(of('one'), ['a', 'other', 'third']);
  t.same(of('two'), ['b', 'fourth', 'fifth'], 'of every child, also of a second one on the same container');
});

t.test('§1.5 !Persistent: who fills a volume', async t => {
  const parsed = project(`containers:
  a: {volumes: {/d: !Persistent {name: d, init-command: _fill, owner-uid: 7}, /e: !Persistent plain}}
commands:
  _fill: !Command {container: a, run: x}
  all: !Supervise {children: {x: !Command {container: a, run: x}, y: !Command {container: a, run: x}}}
  bad: !Command {container: a, run: x, volumes: {/d: !Persistent {name: f, init-command: all}, /g: !Persistent {name: g, init-command: none}}}
`);
  const of = (name: string) => initialisedVolumes(parsed, parsed.commands[name] as RunCommand);
  t.match(of('all'), [{ name: 'd', initCommand: '_fill', ownerUid: 7, ownerGid: 0 }]);
  const problems = of('bad').map(volume => initCommandProblem(parsed, volume));
  t.match(problems, [
    'Persistent volume "f" error: its init-command "all" must be a !Command',
    'Persistent volume "g" error: its init-command "none" does not exist',
  ]);
});
