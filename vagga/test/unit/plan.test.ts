// Listing, order of commands, build plans, path rules, apt sources, run environment: the pure rooms.
import t from 'tap';
import { parseSources, sourceLines } from '../../src/core/debian/sources.ts';
import { buildOrder, planBuild } from '../../src/core/plan/build.ts';
import { commandOrder, resolveCommand } from '../../src/core/plan/commands.ts';
import { project } from './helpers.ts';

const commands = (edges: Record<string, string[]>) =>
  project(
    `commands:\n${Object.entries(edges)
      .map(([name, before]) => `  ${name}: !Command {container: a, run: x, prerequisites: [${before}]}\n`)
      .join('')}`,
  ).commands;

t.test('§1.7 order, §1.6 prerequisites: prerequisites run first, each once', async t => {
  const order = (edges: Record<string, string[]>, ...wanted: string[]) => {
    const found = commandOrder(commands(edges), wanted);
    return found.ok ? found.order.join(',') : `unknown ${found.unknown}`;
  };
  t.equal(order({ a: ['pa1'], pa1: [] }, 'a'), 'pa1,a');
  t.equal(order({ d: ['b', 'c'], b: ['a'], c: ['a'], a: [] }, 'd'), 'a,b,c,d');
  const four = { one: [], two: ['one'], three: ['one'], four: ['two', 'three'] };
  t.equal(order(four, 'three', 'two', 'four'), 'one,three,two,four');
  t.equal(order({ a: ['b'], b: ['a'] }, 'a'), 'b,a');
  t.equal(order({ a: ['b'], b: ['a'], c: ['b'] }, 'c'), 'a,b,c');
  t.equal(order({ a: ['x'] }, 'a'), 'unknown x');
  const kinds = project(`commands:
  c: !CapsuleCommand {run: x, prerequisites: [one]}
  s: !Supervise
    prerequisites: [one]
    children: {k: !Command {container: a, run: x, prerequisites: [two]}}
  one: !Command {container: a, run: x}
  two: !Command {container: a, run: x}
`).commands;
  t.same(commandOrder(kinds, ['c']), { ok: true, order: ['c'] }, 'those of a capsule command are ignored');
  t.same(commandOrder(kinds, ['s']), { ok: true, order: ['one', 'two', 's'] }, 'those of children count');
  const aliased = project(
    'commands:\n  b: !Command {container: a, run: x, aliases: [z]}\n  a: !Command {container: a, run: x, aliases: [z]}\n',
  );
  t.equal(resolveCommand(aliased.commands, 'z'), 'a', 'the first by name');
});

const APP = `containers:
  base:
    setup:
    - !Debian bookworm
    - !BuildDeps [gcc]
    - !Env {LANG: C, KEPT: "1"}
    - !EnsureDir /data
  app:
    setup:
    - !Container base
    - !Install [tree]
    - !Install [less]
    - !Sh make
  far:
    setup:
    - !Install [y]
    - !Sh ls
    - !BuildDeps [z]
    - !Install [x]
`;

t.test('a build is planned as actions', async t => {
  const app = project(APP);
  const plan = planBuild(app, 'app', { http_proxy: 'p' });
  if (!plan.ok) return t.fail('plan');
  const actions = plan.steps.map(({ actions }) => actions);
  t.match(actions[0], [{ kind: 'copy-root', container: 'base' }]);
  t.equal(actions[1]?.length, 2, 'package lists are refreshed once');
  t.match(actions[1]?.[1], { kind: 'apt-get', caches: { '/var/cache/apt/archives': 'apt-cache-debian' } });
  t.equal(actions[2]?.length, 1);
  const env = { KEPT: '1', LANG: 'C', http_proxy: 'p', HOME: '/tmp', DEBIAN_FRONTEND: 'noninteractive' };
  t.match(
    actions[3],
    [{ argv: ['/bin/sh', '-exc', 'make'], env }],
    'the environment of the parent is inherited',
  );
  const autoremove = (name: string) => {
    const planned = planBuild(app, name, {});
    return (
      planned.ok &&
      planned.finish.some(action => action.kind === 'apt-get' && action.argv.includes('autoremove'))
    );
  };
  t.ok(autoremove('base'), 'build dependencies go at the end');
  t.notOk(autoremove('app'), 'those of the parent are gone already');
  t.ok(plan.finish.some(action => action.kind === 'ensure-directory' && action.path === '/data'));
  t.same(buildOrder(app, ['app', 'base']), ['base', 'app']);
});

t.test('what cannot be built is named step by step', async t => {
  const plan = planBuild(project(APP), 'far', {});
  if (plan.ok) return t.fail('planned');
  t.match(plan.problems, [
    {
      message: 'this step requires some linux distribution to be active',
      step: { line: 16, column: 7 },
    },
    { message: 'this step requires some linux distribution to be active', step: { line: 18 } },
    { message: 'this step requires some linux distribution to be active', step: { line: 19 } },
  ]);
  const twice = project('containers:\n  a:\n    setup: [!Debian bookworm, !Debian trixie]\n');
  const refused = planBuild(twice, 'a', {});
  t.match(refused, { ok: false, problems: [{ message: /initializes distribution "Debian trixie" but/ }] });
});

t.test('apt sources of the host, in both formats', async t => {
  const deb822 = `# comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
 bookworm-backports
Components: main contrib
Signed-By: /k.gpg

Types: deb
Enabled: no
URIs: http://off.example
Suites: bookworm
Components: main
`;
  const line =
    'deb [arch=amd64 signed-by=/k] http://sec.example bookworm-security main # c\ndeb-src http://x bookworm main\n';
  const sources = [...parseSources('d.sources', deb822), ...parseSources('sources.list', line)];
  t.same(sourceLines(sources, 'bookworm', [], undefined), [
    'deb http://mirror.example/debian bookworm main contrib',
    'deb http://mirror.example/debian bookworm-updates main contrib',
    'deb http://sec.example bookworm-security main',
  ]);
  t.same(sourceLines(sources, 'trixie', [], undefined), []);
  t.same(sourceLines(sources, 'trixie', ['main', 'contrib'], 'http://m'), [
    'deb http://m trixie main contrib',
  ]);
});
