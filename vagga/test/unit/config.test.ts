// The config format (spec §1): decoding, texts and places of errors, mixins, references, versions.
import t from 'tap';
import { loadSettings } from '../../src/config/settings.ts';
import { compareVersions } from '../../src/config/version.ts';
import { load, project } from './helpers.ts';

const errors = (text: string, files = {}): string => {
  const loaded = load(text, files);
  return loaded.ok ? '' : loaded.text;
};

t.test('a project is decoded with its defaults', async t => {
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
  t.match(app?.setup[1], { tag: 'Copy', line: 6, value: { umask: 0o002, preserveTimes: false, rules: [] } });
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
});

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
  t.equal(lines.filter(line => line.includes('Error:')).length, 5);
  t.ok(text.endsWith('\n\n'), 'an empty line follows the block');
});

t.test('texts of the format for wrong values', async t => {
  const command = (line: string) =>
    errors(`commands:\n  c: !Command\n    container: a\n    run: x\n    ${line}\n`);
  t.match(command('accepts-arguments: yes'), 'bad boolean "yes"');
  t.match(command('user-id: -1'), 'Value must be at least 0');
  t.match(errors('containers: ~\n'), 'Value must be mapping');
  t.match(
    errors('commands:\n  c: {run: x}\n'),
    'One of the tags ["Command", "Supervise", "CapsuleCommand"] expected',
  );
  t.match(errors('a: 1\na: 2\n'), '2:1: Parse Error:');
});

t.test('minimum-vagga is reported first, beside the other errors (spec §1.3)', async t => {
  const text = errors('minimum-vagga: v99.0\ncommands:\n  c: !UnknownCommand {}\n');
  const [first, second] = text.split('\n');
  t.equal(first, '/project/vagga.yaml:1:16: Minimum Vagga Error: Please upgrade vagga to at least "v99.0"');
  t.match(second, 'The tag UnknownCommand is not expected');
  t.equal(errors('minimum-vagga: v0.4.1\n'), '');
});

t.test('versions compare as in the original', async t => {
  t.ok(compareVersions('v0.4.1-28-gfba00d7', 'v0.4.1') > 0);
  t.ok(compareVersions('v0.4.1-28-gfba00d7', 'v0.4.1-27-gtest') > 0);
  t.ok(compareVersions('v0.4.1-28-gfba00d7', 'v0.4.2') < 0);
  t.equal(compareVersions('v0.4.1-28-gfba00d7', 'v0.4.1-28-gfba00d7'), 0);
  t.ok(compareVersions('1.0rc1', '1.0') < 0);
});

t.test('mixins: the main file wins, later over earlier, broken ones are skipped', async t => {
  const run = (text: string) => `commands:\n  x: !Command {container: a, run: ${text}}\n`;
  const main =
    'mixins: [one.yaml, two.yaml, gone.yaml, broken.yaml]\ncommands:\n  m: !Command {container: a, run: main}\n';
  const files = {
    'one.yaml': `${run('one')}  y: !Command {container: a, run: one}\n`,
    'two.yaml': `${run('two')}  m: !Command {container: a, run: two}\n`,
    'broken.yaml': 'commands: [',
    'vagga.local.yaml': 'commands:\n  y: !Command {container: a, run: local}\n',
  };
  const loaded = load(main, files);
  if (!loaded.ok) return t.fail(loaded.text);
  const { commands } = loaded.value.project;
  t.match(commands, { x: { run: 'two' }, y: { run: 'local' }, m: { run: 'main' } });
  t.equal(loaded.value.warnings.length, 2);
  t.match(loaded.value.warnings[0], /Skipping mixin because of error\. Error: .*gone\.yaml/);
});

t.test('containers that setups name must exist and must not go round', async t => {
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
  t.same(commands.c?.notAvailable, ['pass-tcp-socket']);
  t.match(commands.k, { kind: 'capsule', notAvailable: ['!CapsuleCommand'], description: 'in the capsule' });
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

t.test('§4.8 cache-dir, §4.8 storage-dir: a project does not decide where things are stored', async t => {
  t.match(settings(['project', 'cache-dir: /c\n']), {
    ok: false,
    text: 'Keys {"cache-dir"} are not expected',
  });
  t.match(settings(['user', 'cache-dir: /c\n']), { value: { cacheDir: '/c' } });
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
