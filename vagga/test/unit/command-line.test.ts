import { seededRandom } from '@suite/shared/sim/random.ts';
import t from 'tap';
import { DEFAULT_SETTINGS } from '../../src/config/settings-model.ts';
import { parseGlobal } from '../../src/core/options/global.ts';
import { parseCommandLine } from '../../src/core/options/parse.ts';
import { type CommandLineSpec, flag } from '../../src/core/options/spec.ts';
import { argvOf } from '../../src/core/run/arguments.ts';
import { assignedVariables } from '../../src/core/run/assigned.ts';
import { commandLine } from '../../src/core/run/command-line.ts';
import { commandEnvironment, parseEnvironmentFile } from '../../src/core/run/environment.ts';
import { selectChildren } from '../../src/core/supervise/select.ts';
import { project } from './helpers.ts';

const SPEC: CommandLineSpec = {
  name: 'vagga _try',
  description: `${'Makes trial words that are long enough to be wrapped twice, '.repeat(2)}and says so.`,
  options: [
    flag('all', ['-a', '--all'], 'Take everything'),
    { names: ['-l', '--log-level'], key: 'level', takes: 'one', help: 'How much' },
    { names: ['--only'], key: 'only', takes: 'many', metavar: 'NAME', help: 'Only these' },
    flag('long', ['--a-name-that-is-much-too-long'], `${'many words '.repeat(8)}end`),
  ],
  positionals: [
    { name: 'name', takes: 'required', help: 'What it is called' },
    { name: 'rest', takes: 'list' },
  ],
};

const parsed = (...argv: string[]) => parseCommandLine(SPEC, argv);

function message(spec: CommandLineSpec, ...argv: string[]): string {
  const line = parseCommandLine(spec, argv);
  return line.kind === 'wrong' ? (line.text.split('\n').at(-2) as string) : line.kind;
}

t.test('§4.1 parsing: exact long names, values, bundles, lists', async t => {
  t.match(parsed('x', '--log-level', '-1', 'y'), {
    given: [{ key: 'level', values: ['-1'] }],
    words: ['x', 'y'],
  });
  t.match(parsed('--log-level=a=b', 'x'), { given: [{ key: 'level', values: ['a=b'] }] });
  t.match(parsed('-al5', 'x'), { given: [{ key: 'all' }, { key: 'level', values: ['5'] }] });
  t.match(parsed('x', '--only', 'a', 'b', '-a', 'c'), {
    given: [{ key: 'only', values: ['a', 'b'] }, { key: 'all' }],
    words: ['x', 'c'],
  });
  t.match(parsed('x', '--', '-a', '--'), { given: [], words: ['x', '-a', '--'] });
  t.match(parsed('-'), { words: ['-'] });
  const stops = parseCommandLine({ ...SPEC, stopsAtWord: true }, ['-a', 'x', '-q', '--', '--all']);
  t.match(stops, { given: [{ key: 'all' }], words: ['x', '-q', '--', '--all'] }, 'the rest is the command’s');
});

t.test('§4.1 parsing: 20,000 random command lines have an answer, and words are never lost', async t => {
  const source = seededRandom(Number(process.env.SEED ?? 1));
  const alphabet = [
    '-',
    '--',
    '-a',
    '-l',
    '-al',
    '-al5',
    '-h',
    '--all',
    '--all=1',
    '--log-level',
    '--log-level=',
    '--only',
    'x',
    'ü',
    '',
    '-ü',
    '--ü=1',
  ];
  const counts = new Map<string, number>();
  for (let round = 0; round < 20_000; round++) {
    const argv = Array.from(
      { length: source.between(0, 7) },
      () => alphabet[source.between(0, alphabet.length)] as string,
    );
    const line = parseCommandLine(SPEC, argv);
    counts.set(line.kind, (counts.get(line.kind) ?? 0) + 1);
    if (line.kind !== 'parsed') continue;
    const taken = [...line.words, ...line.given.flatMap(({ values }) => values)];
    const plain = argv.filter(word => word !== '' && !word.startsWith('-'));
    if (!plain.every(word => taken.includes(word))) t.fail(`a word is lost: ${JSON.stringify(argv)}`);
  }
  for (const kind of ['parsed', 'help', 'wrong']) t.ok((counts.get(kind) ?? 0) > 500, `${kind} occurs`);
});

t.test('§4.1 messages: usage, then what is wrong', async t => {
  t.match(parsed('--al'), {
    text: 'Usage:\n  vagga _try [OPTIONS] NAME [REST ...]\nvagga _try: Unknown option --al\n',
  });
  t.equal(message(SPEC, '--alles=3'), 'vagga _try: Unknown option --alles=3');
  t.equal(message(SPEC, '-aq'), 'vagga _try: Unknown short option "q"');
  t.equal(message(SPEC, '--all=1'), 'vagga _try: Option --all does not accept an argument');
  t.equal(message(SPEC, 'x', '-l'), 'vagga _try: Option ["-l", "--log-level"] requires an argument');
  t.equal(message(SPEC), 'vagga _try: Argument NAME is required');
  t.equal(message({ ...SPEC, positionals: [] }, 'x'), 'vagga _try: Unexpected argument x');
});

t.test('§4.1 help-layout: blocks, columns and wrapping', async t => {
  const help = parsed('x', '-h');
  t.equal(
    help.kind === 'help' && help.text,
    `Usage:
  vagga _try [OPTIONS] NAME [REST ...]

Makes trial words that are long enough to be wrapped twice, Makes trial words
that are long enough to be wrapped twice, and says so.

Positional arguments:
  name                  What it is called

Optional arguments:
  -h,--help             Show this help message and exit
  -a,--all              Take everything
  -l,--log-level LOG_LEVEL
                        How much
  --only NAME           Only these
  --a-name-that-is-much-too-long
                        many words many words many words many words many words
                        many words many words many words end
`,
  );
  const bare = parseCommandLine(
    { name: 'vagga x', options: [], positionals: [{ name: 'a', takes: 'list!' }] },
    ['-h'],
  );
  t.match(bare, { text: /^Usage:\n {2}vagga x A \[\.\.\.\]\n\nOptional/ }, 'no [OPTIONS] for help alone');
});

t.test('§4.2 global options, §4.2 --no-build: the last build mode wins', async t => {
  const build = (...argv: string[]) => {
    const line = parseGlobal(argv);
    return line.kind === 'run' ? line.options.build : line.kind;
  };
  t.equal(build('x'), 'normal');
  t.equal(build('--no-build', '--no-image-download', 'x'), 'no-image-download');
  t.equal(build('--no-version-check', '--no-build', 'x', '--no-version-check'), 'never');
  t.match(parseGlobal(['-j', '0', 'x']), { kind: 'wrong', text: /Bad value "0" for --jobs/ });
  t.match(parseGlobal(['--progress=x']), { kind: 'wrong' });
  t.match(parseGlobal(['-j3', '--net']), { kind: 'wrong' }, 'no abbreviations');
  t.match(parseGlobal(['--no-net', 'x', '--version']), { words: ['x', '--version'] });
  t.match(parseGlobal(['--no-net', '-V', '--bad']), { kind: 'version' });
  t.match(parseGlobal(['--bad', '-V']), { kind: 'wrong' }, 'the first that decides');
});

const CONFIG = project(`
containers:
  a: {environ: {W: container, X: container, Y: container}}
  b: {default-shell: [/bin/bash, -e, $cmdline, -x, $cmdline]}
commands:
  s: !Command {container: a, run: 'echo "$@"', accepts-arguments: true}
  l: !Command {container: a, run: [ls, -l]}
  n: !Command {container: a, run: ls, description: Lists all files}
  none: !Command {container: a, run: [ls], accepts-arguments: false}
  d: !Command {container: a, run: ls, options: "Usage: vagga d [options] <x>"}
  bad: !Command {container: a, run: ls, options: "Usage: vagga bad ["}
  c: !CapsuleCommand {run: [x], accepts-arguments: false}
  o: !Supervise
    options: "Usage: vagga o [options]"
    children:
      one: !Command {container: a, run: x}
  v: !Supervise
    children:
      web: !Command {container: a, run: x, tags: [front]}
      db: !Command {container: a, run: x}
      api: !Command {container: a, run: x, tags: [front]}
`);

function line(name: string, ...words: string[]) {
  const command = CONFIG.commands[name];
  if (command === undefined) throw new Error(name);
  return commandLine(name, command, words, 'normal');
}

t.test('§1.6 accepts-arguments, §4.9 exit 122: words of a command', async t => {
  t.match(line('s', '--help', '-x'), { kind: 'run', words: ['--help', '-x'] });
  t.match(line('l', '1'), { kind: 'run', words: ['1'] }, 'a list takes them by itself');
  t.match(line('n', '1'), { code: 122, text: 'Usage:\n  vagga n\nvagga n: Unexpected argument 1\n' });
  t.match(line('n', '--x=1'), { code: 122, text: /vagga n: Unknown option --x=1/ });
  t.match(line('none', 'y'), { code: 122 });
  t.match(line('c', 'y'), { code: 122, text: /vagga c: Unexpected argument y/ });
  t.equal(
    (line('n', '--help') as { text: string }).text,
    'Usage:\n  vagga n\n\nLists all files\n\nOptional arguments:\n  -h,--help             Show this help message and exit\n',
  );
});

t.test('§1.8 assembled, §1.8 failure, §1.8 malformed, §4.9 exit 121: commands with options', async t => {
  t.match(line('d', '1'), { kind: 'run', words: [], variables: { VAGGAOPT_X: '1', VAGGACLI_D: 'd' } });
  t.match(line('d'), { code: 121, text: 'Invalid arguments.\n\nUsage: vagga d [options] <x>\n' });
  t.match(line('d', '-h', '1'), {
    kind: 'help',
    text: /^vagga d\n\nUsage: .*\n\nCommon options:\n {2}-h, --help /,
  });
  t.match(line('bad'), { code: 121, text: 'Error parsing `options` in command "bad": \']\' is missing\n' });
  t.match(line('o', '--only', 'a', '--only', 'b'), {
    variables: { VAGGAOPT_ONLY: 'a b', VAGGAOPT_EXCLUDE: '', VAGGACLI_ONLY: '--only a b' },
    selection: { only: ['a', 'b'] },
  });
  t.match(line('o', '--no-build'), { code: 121 }, 'build modes are not part of such a text');
});

t.test('§1.6 tags, §4.1 parsing: children are chosen by name or tag', async t => {
  const command = CONFIG.commands.v;
  if (command?.kind !== 'supervise') return t.fail('config');
  const chosen = (...words: string[]) => {
    const found = line('v', ...words);
    return found.kind === 'run' ? selectChildren(command.children, found.selection) : found;
  };
  t.same(chosen(), ['api', 'db', 'web']);
  t.same(chosen('--only', 'front', 'db'), ['api', 'db', 'web']);
  t.same(chosen('--only', 'db'), ['db']);
  t.same(chosen('--exclude', 'front'), ['db']);
  t.same(chosen('--only', 'nobody'), []);
  t.match(chosen('x'), { code: 122, text: /vagga v: Unexpected argument x/ });
  t.match(chosen('--nope'), { code: 122, text: /vagga v: Unknown option --nope/ });
  t.match(line('v', '--no-build'), { build: 'never' });
});

t.test('§1.4 default-shell, §1.6 run: the argv of a script', async t => {
  const { s } = CONFIG.commands;
  const shell = CONFIG.containers.a?.defaultShell ?? [];
  const own = CONFIG.containers.b?.defaultShell ?? [];
  if (s?.kind !== 'command') return t.fail('config');
  t.same(argvOf(s, shell, ['1']), ['/bin/sh', '-c', 'echo "$@"', '--', '1']);
  t.same(argvOf(s, own, ['1']), ['/bin/bash', '-e', 'echo "$@"', '-x', 'echo "$@"', '1']);
  t.same(argvOf({ run: ['ls', '$cmdline'] }, shell, ['1']), ['ls', '$cmdline', '1']);
});

const CALLER = {
  TERM: 'xterm',
  VAGGAENV_Z: 'literal',
  P_A: '1',
  HOME: '/h',
  VAGGAENV_P_A: '2',
  VAGGAENV_GONE: 'x',
  P_B: '3',
};

t.test(
  '§4.7 environment, §1.6 environ, §4.8 propagate-environ, §4.8 environ, §1.4 environ-file: layers',
  async t => {
    const env = commandEnvironment({
      caller: CALLER,
      proxies: { http_proxy: 'p' },
      file: { W: 'file', X: 'file', F: 'file', PATH: '/file' },
      container: CONFIG.containers.a?.environ ?? {},
      command: { X: 'command', Y: 'command' },
      settings: { ...DEFAULT_SETTINGS, environ: { Y: 'settings' }, propagateEnviron: ['P_*'] },
      options: { GONE: undefined, E: 'e', VAGGAOPT_X: 'no' },
      own: { VAGGAOPT_X: 'yes' },
    });
    t.same(env, {
      TERM: 'xterm',
      http_proxy: 'p',
      PATH: '/file',
      W: 'container',
      X: 'command',
      Y: 'settings',
      F: 'file',
      Z: 'literal',
      P_A: '2',
      P_B: '3',
      E: 'e',
      VAGGAOPT_X: 'yes',
    });
    t.same(parseEnvironmentFile('A=1\nB="x"\n'), { ok: true, variables: { A: '1', B: 'x' } });
    t.same(parseEnvironmentFile('A=1\n\n'), { ok: false, line: 2 });
  },
);

t.test('§4.2 --environ, §4.2 --use-env, §4.9 exit 126: variables of the command line', async t => {
  const assign = (more: object) =>
    assignedVariables({ caller: CALLER, files: [], copied: [], assigned: [], ...more });
  t.same(assign({ copied: ['HOME', 'NOT_SET'], assigned: ['A=b=c', 'GONE', 'HOME=x'] }), {
    ok: true,
    variables: { HOME: 'x', NOT_SET: '', A: 'b=c', GONE: undefined },
  });
  t.match(assign({ copied: ['A=b'] }), {
    message:
      /^Error propagating environment: Environment variable name \(for option `-e`\/`--use-env`\) can't contain equals/,
  });
  const files = [{ name: 'f.env', text: '# comment\n\nA=1\r\nB=" x "\n' }];
  t.same(assign({ files, assigned: ['A=2'] }), { ok: true, variables: { A: '2', B: '" x "' } });
  t.match(assign({ files: [{ name: 'f.env', text: 'A=1\nB\n' }] }), { message: /^f\.env:2: error: / });
});
