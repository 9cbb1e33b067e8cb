// The config format (spec §1): decoding, texts and places of errors, mixins, references, versions.
import t from 'tap';
import { loadSubConfig } from '../../src/config/load.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { compareVersions } from '../../src/config/version.ts';
import { load, project } from './helpers.ts';

const errors = (text: string, files = {}): string => {
  const loaded = load(text, files);
  return loaded.ok ? '' : loaded.text;
};

t.test(
  '§1.3 containers, §1.3 commands, §1.3 default-ids: a project is decoded with its defaults',
  async t => {
    const { containers, commands } = project(`
containers:
  app:
    setup:
    - !Debian bookworm
    - !Copy
      source: /work/a
      path: /a
    uids: [0, 5-9]
    environ: {VERSION: 3.10}
commands:
  shell: !Command
    description: A shell
    container: app
    run: echo "$@"
    work_dir: sub
  list: !Command {container: app, run: [ls]}
`);
    const app = containers.app;
    t.match(app?.setup[0], { tag: 'Debian', value: { suite: 'bookworm' }, line: 5, column: 7 });
    t.match(app?.setup[1], {
      tag: 'Copy',
      line: 6,
      value: { umask: 0o002, preserveTimes: false, rules: [] },
    });
    t.same(app?.uids, [
      { start: 0, end: 1 },
      { start: 5, end: 10 },
    ]);
    t.same(app?.gids, [{ start: 0, end: 65536 }]);
    t.same(app?.environ, { VERSION: '3.10' }, 'scalars are source text');
    t.match(commands.shell, { kind: 'command', acceptsArguments: false, workDir: 'sub' });
    t.match(commands.list, { acceptsArguments: true, run: ['ls'] }, 'a list takes arguments');
    t.same(
      JSON.parse(JSON.stringify({ containers, commands })),
      { containers, commands },
      'survives the cache',
    );
  },
);

t.test('all errors come at once, with places and hints', async t => {
  const text = errors(`containers:
  app:
    setup:
    - !Alpin v3.4
    - !EnsureDir data
    volumess: {}
commands:
  go: !Command
    container: app
  stop: !Comand
    run: x
`);
  const lines = text.split('\n');
  t.match(
    text,
    '/project/vagga.yaml:4:7: Validation Error: The tag Alpin is not expected\n    did you mean !Alpine?',
  );
  t.match(text, '/project/vagga.yaml:5:18: Validation Error: Path must be absolute');
  t.match(
    text,
    'vagga.yaml:6:5: Validation Error: Keys {"volumess"} are not expected\n    did you mean volumes?',
  );
  t.match(text, 'Validation Error: Field run is expected');
  t.match(text, 'Validation Error: The tag Comand is not expected');
  t.equal(lines.filter(line => /: (Validation Error|Decode error)/.test(line)).length, 6);
  t.ok(text.endsWith('\n\n'), 'an empty line follows the block');
});

t.test('§1.3 minimum-vagga: reported first, beside the other errors', async t => {
  const text = errors('minimum-vagga: v99.0\ncommands:\n  c: !UnknownCommand {}\n');
  const [first, second] = text.split('\n');
  t.equal(first, '/project/vagga.yaml:1:16: Minimum Vagga Error: Please upgrade vagga to at least "v99.0"');
  t.match(second, 'The tag UnknownCommand is not expected');
  for (const version of ['v0.4.1', 'v0.8.1', 'v0.8.1-30-g1234567', '0.7.2'])
    t.equal(errors(`minimum-vagga: ${version}\n`), '', version);
});

t.test('§1.3 version-order: the vectors', async t => {
  t.ok(compareVersions('v0.4.1-28-gfba00d7', 'v0.4.1') > 0);
  t.ok(compareVersions('v0.4.1-28-gfba00d7', 'v0.4.1-27-gtest') > 0);
  t.ok(compareVersions('v0.4.1-28-gfba00d7', 'v0.4.2') < 0);
  t.equal(compareVersions('v0.4.1-28-gfba00d7', 'v0.4.1-28-gfba00d7'), 0);
  t.ok(compareVersions('1.0rc1', '1.0') < 0);
});

const MIXED = `commands:
  x: !Command {container: a, run: FROM}
  y: !Command {container: a, run: FROM}
`;
const from = (name: string, without = '') =>
  MIXED.replaceAll('FROM', name).replace(new RegExp(`  ${without}: .*\\n`), '');

t.test(
  '§1.3 mixins, §9 local-mixins: main file, local mixins, listed ones; later over earlier, whole entries',
  async t => {
    const main = `mixins: [one.yaml, sub/two.yaml]\ncommands:\n  m: !Command {container: a, run: main}\n`;
    const runs = (files: Record<string, string>) => {
      const { commands } = project(main, { 'one.yaml': '', 'sub/two.yaml': '', ...files });
      return ['m', 'x', 'y'].map(name => (commands[name] as { run?: string } | undefined)?.run);
    };
    const listed = { 'one.yaml': from('one'), 'sub/two.yaml': from('two', 'y') };
    t.same(runs(listed), ['main', 'two', 'one']);
    const nested = { ...listed, 'sub/two.yaml': 'mixins: [three.yaml]\n', 'sub/three.yaml': from('three') };
    t.same(runs(nested), ['main', 'three', 'three'], 'with its own directly below');
    const locals = {
      ...listed,
      'vagga.local.yaml': from('local'),
      '.vagga.local.yaml': from('hidden', 'y'),
      '.vagga/local.yaml': `mixins: [more.yaml]\n`,
      '.vagga/more.yaml':
        'commands:\n  x: !Command {container: b, run: inner}\n  m: !Command {container: a, run: inner}\n',
    };
    t.same(runs(locals), ['main', 'inner', 'local'], 'local ones cannot replace what the main file defines');
    t.match(project(main, { ...locals }).commands.x, { container: 'b', source: '/project/.vagga/more.yaml' });
  },
);

t.test('§1.3 broken-mixin: a warning, and everything else works', async t => {
  const warnings = (files: Record<string, string>) => {
    const loaded = load('mixins: [one.yaml]\ncommands:\n  m: !Command {container: a, run: x}\n', files);
    if (!loaded.ok) throw new Error(loaded.text);
    t.ok(loaded.value.project.commands.m);
    return loaded.value.warnings;
  };
  const start = 'Skipping mixin because of error. Error: /project/one.yaml';
  t.match(warnings({}), [`${start}: Error reading file: `]);
  t.match(warnings({ 'one.yaml': 'commands: [' }), [`${start}:1:12: Parse Error: `]);
  t.match(warnings({ 'one.yaml': 'minimum-vagga: 9.9.9\ncommands: {x: !Unknown }\n' }), [
    `${start}:1:16: Minimum Vagga Error: Please upgrade vagga to at least "9.9.9"`,
  ]);
  t.equal(
    warnings({ 'one.yaml': 'minimum-vagga: 9.9.9\ncommands: {x: !Unknown }\n' })[0]?.includes('\n'),
    false,
  );
  t.match(warnings({ 'one.yaml': 'mixins: [one.yaml]\n' }), [
    /one\.yaml -> \/project\/one\.yaml: mixins go round/,
  ]);
  t.match(warnings({ 'one.yaml': 'mixins: [../one.yaml]\n' }), [/without \.\./]);
  const level = (next: number) => `mixins: [m${next}.yaml, m${next}.yaml]\n`;
  const deep = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`m${index}.yaml`, level(index + 1)]),
  );
  t.match(warnings({ ...deep, 'one.yaml': level(0) }).at(-1), /more than 100 mixins/);
});

t.test(
  '§1.3 missing-container, §1.3 cycles, §9 cycles: containers that setups name exist and do not go round',
  async t => {
    const container = (name: string, parent: string) => `  ${name}:\n    setup: [!Container ${parent}]\n`;
    const missing = errors(`containers:\n${container('y', 'x')}`);
    t.match(missing, 'Container "x" referenced from "y" is not found');
    const cycle = errors(`containers:\n${container('a', 'crash')}${container('crash', 'crash')}`);
    t.match(cycle, 'Container "crash" has cyclic dependency');
    t.match(cycle.trimEnd().split('\n').at(-1), /^Container "crash" has cyclic dependency$/, 'the last line');
    const all = errors(
      `containers:\n${container('a', 'b')}${container('b', 'c')}${container('c', 'b')}${container('web', 'basse')}${container('base', 'nope')}`,
    );
    t.match(
      all,
      /:3:\d+: Validation Error: b -> c -> b|:7:\d+: Validation Error: b -> c -> b/,
      'the way round',
    );
    t.match(
      all,
      /:9:\d+: Validation Error: Container "basse" referenced from "web" is not found\n {4}did you mean base\?/,
    );
    t.match(
      all,
      /:11:\d+: Validation Error: Container "nope" referenced from "base" is not found/,
      'all at once',
    );
  },
);

t.test('§1.3 missing-container: the container that the walk started from is named', async t => {
  const text = errors('containers:\n  b: {setup: [!Container gone]}\n  a: {setup: [!Container b]}\n');
  t.equal(
    text,
    '/project/vagga.yaml:2:15: Validation Error: Container "gone" referenced from "a" is not found\n\n',
  );
  const sub = (source: string) =>
    errors(`containers: {a: {setup: [!SubConfig {${source}, container: x}]}}\n`);
  t.match(sub('source: !Container gone'), 'Container "gone" referenced from "a" is not found');
  t.equal(sub('path: other.yaml'), '', 'names of the other config are not looked up here');
});

t.test('§2.4 !SubConfig: the other config has its ids and local mixins, and is not checked', async t => {
  const files: Record<string, string> = {
    '/p/sub/vagga.yaml': 'containers:\n  x: {setup: [!Container of-main]}\n',
    '/p/sub/vagga.local.yaml': 'containers:\n  y: {uids: [1-2]}\n',
  };
  const loaded = loadSubConfig('/p/sub/vagga.yaml', path => files[path]);
  t.match(loaded, {
    ok: true,
    value: {
      project: {
        containers: { x: { uids: [{ start: 0, end: 65_536 }] }, y: { uids: [{ start: 1, end: 3 }] } },
      },
    },
  });
  t.equal(
    loadSubConfig('/p/gone.yaml', path => files[path]),
    undefined,
  );
  t.match(
    loadSubConfig('/p/bad.yaml', () => 'a: ['),
    { ok: false, text: '/p/bad.yaml:1:5: Parse Error: ' },
  );
});

t.test('children start after others that exist, and not in a round', async t => {
  const children = (...lines: string[]) =>
    `commands:\n  all: !Supervise\n    children:\n${lines.map(line => `      ${line}\n`).join('')}`;
  const child = (name: string, after: string) =>
    `${name}: !Command {container: a, run: x, after: [${after}]}`;
  t.equal(errors(children(child('a', 'c'), child('b', 'a, c'), child('c', ''))), '');
  t.match(
    errors(children(child('web', 'dbb'), child('db', ''))),
    /:4:12: Validation Error: Child "dbb" that "web" starts after is not found\n {4}did you mean db\?/,
  );
  t.match(
    errors(children(child('a', 'b'), child('b', 'c'), child('c', 'b'))),
    /:6:10: Validation Error: Children wait for each other: b -> c -> b\n\n$/,
  );
});

t.test('ranges of ids end after they begin', async t => {
  const range = (text: string) => errors(`containers: {a: {uids: [${text}]}}\n`);
  t.match(range('5-2'), /:1:25: Validation Error: the range 5-2 ends before it begins/);
  t.match(range('0-4294967295'), /ids are at most 4294967294/);
  t.match(range('a-b'), /write N or A-B/);
});

t.test('children: readiness, order, restarts, limits and files are understood', async t => {
  const { commands } = project(`
commands:
  all: !Supervise
    children:
      db: !Command
        container: a
        run: [postgres]
        ready: !Tcp 5432
        restart: on-failure
        stop-signal: SIGINT
        memory-limit: 512Mi
        network: {ip: 172.23.0.3, ports: {8000: 80}}
      web: !Command
        container: a
        run: serve
        after: [db]
        ready: !Http {port: 80, path: /up, timeout: 5}
        env-files: [.env]
        watch: [src, {path: static, action: sync, target: /srv}]
      job: !BridgeCommand {container: a, run: x, ready: !Exit , after: [web]}
`);
  const { children } = commands.all as { children: Record<string, unknown> };
  t.match(children.db, {
    ready: { tag: 'Tcp', port: 5432, host: '127.0.0.1', timeout: 60, interval: 250 },
    restart: 'on-failure',
    stopSignal: 'INT',
    memoryLimit: 512 * 2 ** 20,
    network: { ip: '172.23.0.3', ports: { 8000: 80 } },
    bridge: false,
  });
  t.match(children.web, {
    after: ['db'],
    ready: { tag: 'Http', path: '/up', timeout: 5 },
    envFiles: ['.env'],
    watch: [
      { path: 'src', ignore: [], action: 'restart' },
      { path: 'static', action: 'sync', target: '/srv' },
    ],
  });
  t.match(children.job, { bridge: true, ready: { tag: 'Exit', timeout: 60 } });
  const bad = 'commands: {c: !Command {container: a, run: x, ready: !Log "("}}\n';
  t.match(errors(bad), /:1:59: Validation Error: Invalid regular expression/);
});

t.test('keys of later versions are known and named', async t => {
  const { commands } = project(`
commands:
  c: !Command
    container: a
    run: x
    options: "Usage: vagga c"
    pass-tcp-socket: 8080
  k: !CapsuleCommand
    description: in the capsule
    run: x
`);
  t.match(commands.k, { kind: 'capsule', description: 'in the capsule' });
});

const settings = (...files: readonly [of: 'user' | 'project', text: string][]) =>
  loadSettings(
    files.map(([of, text], index) => ({ name: `${index}.yaml`, text, of })),
    '/project',
  );

t.test('§4.8 debian-mirror, §4.8 environ, §4.8 build-lock-wait: later files override key by key', async t => {
  const merged = settings(
    ['user', 'debian-mirror: http://one.example\nenviron: {A: 1, B: 1}\npropagate-environ: [X]\n'],
    ['project', 'debian_mirror: http://two.example\nenviron: {B: 2}\nbuild-lock-wait: true\n'],
  );
  t.match(merged, {
    ok: true,
    value: {
      debianMirror: 'http://two.example',
      environ: { A: '1', B: '2' },
      buildLockWait: true,
      propagateEnviron: ['X'],
    },
  });
  t.match(settings(['user', 'nonsense: 1\n']), { ok: false, text: /Keys \{"nonsense"\} are not expected/ });
});

t.test('a project does not decide where things are stored', async t => {
  t.match(settings(['project', 'cache-dir: /c\n']), {
    ok: false,
    text: /Keys \{"cache-dir"\} are not expected\n {4}cache-dir is for the settings of the user/,
  });
  t.match(settings(['user', 'cache-dir: /c\n']), { value: { cacheDir: '/c' } });
});

t.test('§9 settings: keys of the user’s files that a project may set too', async t => {
  const text = 'build-lock-wait: true\nversioned-build-dir: true\ndisable-auto-clean: true\n';
  t.match(settings(['project', text]), {
    value: { buildLockWait: true, versionedBuildDir: true, disableAutoClean: true },
  });
});

t.test('§4.8 version-check: accepted, and identities are checked all the same', async t => {
  for (const of of ['user', 'project'] as const)
    t.match(settings([of, 'version-check: false\n']), { value: { versionCheck: false } });
});

t.test('§4.8 shared-cache: false leaves the user’s cache alone', async t => {
  const result = settings(['user', 'cache-dir: /c\n'], ['project', 'shared-cache: false\n']);
  t.ok(result.ok && !('cacheDir' in result.value));
  t.match(settings(['user', 'cache-dir: /c\n'], ['project', 'shared-cache: true\n']), {
    value: { cacheDir: '/c' },
  });
  t.match(settings(['user', 'shared-cache: true\n']), { ok: false });
});

t.test('§4.8 site-settings: keys for one project come after those of the same file', async t => {
  const site =
    'site-settings:\n  /project/: {alpine-mirror: http://site, proxy-env-vars: false, cache-dir: /s}\n';
  const text = `${site}  /other: {alpine-mirror: http://other}\nalpine-mirror: http://own\ncache-dir: /own\n`;
  t.match(settings(['user', text]), {
    value: { alpineMirror: 'http://site', cacheDir: '/s', proxyEnvVars: true },
  });
  t.match(settings(['project', site]), { ok: false });
});
