// Where the config and the settings are looked for, and what the built program says about them.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Rig } from './rig.ts';

const named = (name: string) => `commands:\n  ${name}: !Command {container: c, run: x}\n`;

/** `vagga` in `directory` below the project, with these variables. */
async function listing(rig: Rig, words: readonly string[] = [], more: Record<string, string> = {}) {
  const { code, stdout, stderr } = await rig.start([...words], { HOME: join(rig.root, 'home'), ...more })
    .ended;
  return { code, stdout, stderr };
}

t.test('§1.2 discovery: upwards from here, the first hit wins and its directory is the project', async t => {
  const rig = new Rig();
  rig.write('vagga.yaml', named('outer'));
  rig.write('sub/deep/file', '');
  const inner = new Rig({ root: join(rig.root, 'sub/deep') });
  t.match(inner.run(), { code: 127, stderr: /outer/ });
  t.same(inner.run('_base_dir'), { code: 0, stdout: `${rig.root}\n`, stderr: '' });
  t.equal(inner.run('_relative_work_dir').stdout, 'sub/deep\n');
  rig.write('sub/.vagga/vagga.yaml', named('hidden'));
  rig.write('sub/vagga.yaml', named('beside'));
  t.match(inner.run().stderr, /hidden/, 'the one in .vagga first');
  t.equal(inner.run('_base_dir').stdout, `${rig.root}/sub\n`, 'and the project is what .vagga is in');
  for (const mixin of ['vagga.local.yaml', '.vagga.local.yaml', '.vagga/local.yaml']) {
    rig.write(`sub/deep/${mixin}`, named('local'));
    const { code, stderr } = inner.run();
    t.match({ code, stderr }, { code: 127, stderr: /local/ }, `${mixin} alone makes a project`);
    t.notMatch(stderr, 'hidden');
    rmSync(join(inner.root, mixin));
  }
  rig.remove();
});

t.test('§1.2 typo-warning: a file with the other ending is not read, and that is said', async t => {
  const rig = new Rig();
  rig.write('vagga.yml', named('wrong'));
  t.match(rig.run(), { code: 126, stderr: `${rig.root}/vagga.yml is not read; did you mean vagga.yaml?` });
  rig.write('vagga.yaml', named('right'));
  for (const _ of [1, 2]) t.match(rig.run(), { code: 127, stderr: /vagga\.yml is not read[\s\S]*right/ });
  rmSync(join(rig.root, 'vagga.yml'));
  t.notMatch(rig.run().stderr, 'vagga.yml', 'gone with the file');
  rig.remove();
});

t.test('§1.2 not-found: the path, a hint and 126', async t => {
  const rig = new Rig();
  const { code, stderr } = rig.run('x');
  t.equal(code, 126);
  t.match(stderr, `Config not found in path "${rig.root}"\n`);
  t.match(stderr, /create vagga\.yaml/);
  rig.remove();
});

t.test('errors of the config: on stderr, 126, an empty line after them', async t => {
  const rig = new Rig();
  rig.write('vagga.yaml', 'commands:\n  a: !Command {run: x}\n');
  t.same(rig.run('a'), {
    code: 126,
    stdout: '',
    stderr:
      `${rig.root}/vagga.yaml:2:15: Validation Error: Field container is expected\n` +
      `${rig.root}/vagga.yaml:2:15: Decode error at .commands.a: missing field \`container\`\n\n`,
  });
  rig.remove();
});

t.test('§4.4 _dump_config, §4.10 dump: one line, or indented', async t => {
  const rig = new Rig();
  rig.write('vagga.yaml', `minimum-vagga: v0.8.0\n${named('x')}`);
  const { code, stdout, stderr } = rig.run('_dump_config');
  t.same([code, stderr, stdout.split('\n').length], [0, '', 2]);
  t.match(JSON.parse(stdout), { minimum_vagga: 'v0.8.0', commands: { x: { Command: { container: 'c' } } } });
  t.match(
    rig.run('_dump_config', '--pretty').stdout,
    /^\{\n {2}"minimum_vagga": "v0\.8\.0",\n {2}"mixins": \[\],\n/,
  );
  t.match(rig.run('_dump_config', '--nope'), { code: 2, stderr: 'Unknown option --nope' });
  t.match(rig.run('_dump_config', 'x'), { code: 2, stderr: 'Unexpected argument x' });
  rig.remove();
});

t.test('§4.8 files: of the user, of a variable, of the project, with the errors of each', async t => {
  const rig = new Rig();
  rig.write('vagga.yaml', named('x'));
  const bad = 'nonsense: 1\n';
  const files = [
    'home/.config/vagga/settings.yaml',
    'home/.vagga/settings.yaml',
    'home/.vagga.yaml',
    '.vagga.settings.yaml',
    '.vagga/settings.yaml',
  ];
  for (const file of files) rig.write(file, bad);
  const { code, stderr } = await listing(rig, [], { VAGGA_SETTINGS: bad });
  t.equal(code, 126);
  const places = stderr
    .split('\n')
    .filter(line => line.includes(':1:1: Validation Error: Keys {"nonsense"}'));
  t.same(
    places.map(line => line.split(':1:1:', 1)[0]),
    [
      ...files.slice(0, 3).map(file => join(rig.root, file)),
      '<env:VAGGA_SETTINGS>',
      ...files.slice(3).map(file => join(rig.root, file)),
    ],
    'in the order in which they apply',
  );
  for (const file of files) rmSync(join(rig.root, file));
  t.equal((await listing(rig)).code, 127);
  mkdirSync(join(rig.root, 'home/.vagga.yaml'));
  t.match(await listing(rig), { code: 126, stderr: /\.vagga\.yaml: Error reading file: / });
  rig.remove();
});

t.test('names that JavaScript has a meaning for are names like others', async t => {
  const rig = new Rig();
  rig.write('vagga.yaml', named('x'));
  for (const cached of [false, true]) {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      t.match(
        rig.run(name),
        { code: 121, stderr: `Command "${name}" not found and is not an alias` },
        `${cached}`,
      );
      for (const builtin of ['_build', '_version_hash'])
        t.match(rig.run(builtin, name), { code: 121, stderr: `Container "${name}" not found` });
      t.match(rig.run('_run', name, 'x'), { code: 121, stderr: `Container "${name}" not found` });
      t.match(rig.run('_help', name), { code: 121, stderr: `Command ${name} not found` });
    }
  }
  rig.write(
    'vagga.yaml',
    'containers: {__proto__: {setup: []}}\ncommands: {constructor: !Command {container: __proto__, run: x}}\n',
  );
  for (const _ of ['anew', 'cached']) {
    t.match(rig.run(), { code: 127, stderr: /constructor/ });
    t.match(rig.run('_version_hash', '-s', '__proto__'), { code: 0, stdout: /^[0-9a-f]{8}\n$/ });
  }
  t.match(rig.run('_dump_config').stdout, /"containers":\{"__proto__":\{/);
  rig.remove();
});

t.test('a pipe gets everything, however slow its reader, and a reader may go', async t => {
  const rig = new Rig();
  const commands = Array.from(
    { length: 400 },
    (_, index) => `  c${index}: !Command {container: c, run: x}\n`,
  );
  rig.write('vagga.yaml', `commands:\n${commands.join('')}`);
  const piped = (reader: string) => {
    const script = `${rig.commandLine(['_dump_config']).flat().join(' ')} | ${reader}; echo "$PIPESTATUS"`;
    return spawnSync('bash', ['-c', script], { cwd: rig.root, encoding: 'utf8' });
  };
  const whole = piped('{ read -rN 100 first; cat; }');
  t.ok(whole.stdout.length > 200_000);
  t.match(whole.stdout, /\}\n0\n$/, 'to its last byte');
  t.match(piped('head -c 1 >/dev/null'), { stdout: '0\n', stderr: '' });
  rig.remove();
});
