import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { colours } from '@suite/shared/cli/colours.ts';
import { type CommandLine, type CommandSpec, parseCommandLine } from '@suite/shared/cli/command.ts';
import { completionScript } from '@suite/shared/cli/completion.ts';
import { EXIT } from '@suite/shared/cli/exit.ts';
import { renderHelp } from '@suite/shared/cli/help.ts';
import { jsonOut } from '@suite/shared/cli/json-out.ts';
import { createLogger, parseLogLevel } from '@suite/shared/cli/log.ts';
import { createProgress, type ProgressMode } from '@suite/shared/cli/progress.ts';
import { printTable } from '@suite/shared/cli/table.ts';
import t from 'tap';

const TREE: CommandSpec = {
  name: 'tree',
  summary: 'Supervise sandboxes',
  examples: [['tree -C /etc/m.yaml', 'run in the foreground']],
  options: [
    {
      long: 'config',
      short: 'C',
      argument: 'FILE',
      summary: 'Main config',
      env: 'TREE_CONFIG',
      complete: 'file',
    },
    { long: 'log-stderr', summary: 'Log to stderr too' },
    { long: 'log-level', argument: 'LEVEL', summary: 'How chatty', choices: ['error', 'warn'] },
    { long: 'verbose', short: 'v', aliases: ['chatty'], summary: 'Say more' },
    { long: 'environ', short: 'E', argument: 'NAME=VALUE', summary: 'Set a variable', repeat: true },
    { long: 'secret', summary: 'Not shown', hidden: true },
  ],
  footer: 'More: docs/tree.md',
};
const CMD: CommandSpec = {
  name: 'cmd',
  summary: 'Run a command',
  options: [{ long: 'master', argument: 'FILE', summary: 'Main config' }],
  positionals: [{ name: 'SANDBOX' }, { name: 'NAME' }, { name: 'ARG', repeat: true, optional: true }],
  stopAtPositional: true,
};
const MANY: CommandSpec = {
  name: 'many',
  summary: 'Many commands',
  options: [{ long: 'json', summary: 'JSON' }],
  commands: [
    {
      name: 'status',
      summary: 'What runs',
      options: [],
      positionals: [{ name: 'NODE', optional: true, complete: { run: 'nodes' } }],
    },
    {
      name: 'image',
      summary: 'Images',
      options: [],
      commands: [
        {
          name: 'list',
          summary: "List: 'all' of them",
          options: [
            { long: 'sort', short: 's', argument: 'BY', summary: 'Order', choices: ['name', 'size'] },
          ],
        },
        {
          name: 'load',
          summary: 'Load',
          options: [],
          positionals: [
            { name: 'FILE', complete: 'file' },
            { name: 'MODE', choices: ['fast', 'safe'] },
          ],
        },
      ],
    },
  ],
};

function parse(spec: CommandSpec, ...argv: string[]): CommandLine {
  return parseCommandLine(spec, argv);
}

function problem(line: CommandLine): string {
  return line.kind === 'usage-error' ? `${line.problem.code}: ${line.problem.message}` : line.kind;
}

t.test('options', async t => {
  const run = { kind: 'run', command: [], positionals: [] };
  for (const argv of [['--config', 'x'], ['--config=x'], ['-C', 'x'], ['-Cx']]) {
    t.same(parse(TREE, ...argv), { ...run, options: { config: 'x' } }, argv.join(' '));
  }
  t.same(parse(TREE, '-vCx', '--log-stderr'), {
    ...run,
    options: { verbose: true, config: 'x', 'log-stderr': true },
  });
  t.same(
    parse(TREE, '-C', '--log-stderr'),
    { ...run, options: { config: '--log-stderr' } },
    'the next word is the value',
  );
  t.same(parse(TREE, '-EA=1', '--environ=B', '--chatty'), {
    ...run,
    options: { environ: ['A=1', 'B'], verbose: true },
  });
  t.same(parse(TREE, '--config='), { ...run, options: { config: '' } });
  t.same(parseCommandLine(TREE, [], { env: { TREE_CONFIG: 'e' } }), { ...run, options: { config: 'e' } });
  t.same(parseCommandLine(TREE, ['-Cx'], { env: { TREE_CONFIG: 'e' } }), {
    ...run,
    options: { config: 'x' },
  });
});

t.test('bad command lines', async t => {
  const cases: [CommandSpec, string, string][] = [
    [TREE, '--confg x', 'unknown-option: unknown option --confg (did you mean --config?)'],
    [TREE, '--conf x', 'unknown-option: unknown option --conf (did you mean --config?)'],
    [TREE, '-vx', 'unknown-short-option: unknown option -x'],
    [TREE, '--verbose=1', 'value-not-accepted: option --verbose takes no value'],
    [TREE, '-C', 'value-required: option -C needs a value FILE'],
    [
      TREE,
      '--log-level wran',
      'bad-choice: option --log-level: wran is not one of error, warn (did you mean warn?)',
    ],
    [TREE, 'x', 'unexpected-argument: unexpected argument x'],
    [CMD, 'a', 'argument-required: argument NAME is missing'],
    [MANY, '', 'command-required: a command is needed'],
    [MANY, 'image', 'command-required: a command is needed'],
    [MANY, 'statsu', 'unknown-command: unknown command statsu (did you mean status?)'],
    [MANY, 'status a b', 'unexpected-argument: unexpected argument b'],
    [MANY, 'image load f slow', 'bad-choice: argument MODE: slow is not one of fast, safe'],
  ];
  for (const [spec, line, expected] of cases)
    t.equal(problem(parse(spec, ...line.split(' ').filter(Boolean))), expected, line);
  t.match(parse(MANY, 'image', 'list', '-z'), {
    text: 'Usage: many image list [OPTIONS]\nmany image list: unknown option -z\nTry `many image list --help`.\n',
  });
});

t.test('positionals', async t => {
  t.match(parse(CMD, '--master', 'm', 'sb', '--master', '--', '-x', '--help'), {
    options: { master: 'm' },
    positionals: ['sb', '--master', '--', '-x', '--help'],
  });
  t.match(parse(MANY, 'status', '--', '-n'), { command: ['status'], positionals: ['-n'] });
  t.match(parse(MANY, 'status', '-'), { positionals: ['-'] });
  t.match(
    parse(MANY, 'status', 'n', '--json'),
    { options: { json: true }, positionals: ['n'] },
    'options may follow',
  );
});

t.test('subcommands, help and version', async t => {
  t.match(parse(MANY, '--json', 'image', 'list', '-ssize'), {
    command: ['image', 'list'],
    options: { json: true, sort: 'size' },
  });
  t.same(parse(TREE, '--version'), { kind: 'version' });
  t.equal(parse(TREE, '--nope', '--help').kind, 'usage-error');
  const help = parse(MANY, 'help', 'image', 'list');
  t.same(help, parse(MANY, 'image', 'list', '--help'));
  t.match(help, {
    kind: 'help',
    text: /^List.*\n\nUsage: many image list \[OPTIONS\]\n\nOptions:\n {2}-s, --sort BY {2}Order \(one of name, size\)\n/,
  });
  t.equal(problem(parse(MANY, 'help', 'nope')), 'unknown-command: unknown command nope');
  t.equal(
    renderHelp(TREE, 72),
    `Supervise sandboxes

Examples:
  tree -C /etc/m.yaml   # run in the foreground

Usage: tree [OPTIONS]

Options:
  -C, --config FILE         Main config (environment: TREE_CONFIG)
      --log-stderr          Log to stderr too
      --log-level LEVEL     How chatty (one of error, warn)
  -v, --verbose, --chatty   Say more
  -E, --environ NAME=VALUE  Set a variable (may be repeated)
  -h, --help                Show this help

More: docs/tree.md
`,
  );
  const widest = Math.max(
    ...renderHelp(TREE, 50)
      .split('\n')
      .map(line => line.length),
  );
  t.ok(widest <= 50, `lines are wrapped to the terminal: ${widest}`);
});

/** Asks a real bash what it would offer for `line`, whose last word is the one being typed. */
function offers(spec: CommandSpec, line: string, cwd: string): string[] {
  const words = line
    .split(' ')
    .flatMap(word => word.split(/(=)/))
    .filter((word, index, all) => word !== '' || index === all.length - 1);
  const quoted = words.map(word => `'${word}'`).join(' ');
  const script = `${completionScript(spec, 'bash')}
nodes() { printf '%s\\n' mars '$(touch pwned)' pluto; }
COMP_WORDS=(${quoted}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
complete -p ${spec.name} >/dev/null || exit 9
_${spec.name}_complete || exit 8
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const run = spawnSync('bash', ['--norc', '-c', script], { cwd, encoding: 'utf8' });
  if (run.status !== 0 || run.stderr !== '') throw new Error(`bash ended with ${run.status}: ${run.stderr}`);
  return run.stdout.split('\n').filter(Boolean);
}

t.test('bash completion, asked of a real bash', async t => {
  const cwd = mkdtempSync(join(tmpdir(), 'completion-'));
  t.teardown(() => rmSync(cwd, { recursive: true }));
  writeFileSync(join(cwd, 'fine.yaml'), '');
  mkdirSync(join(cwd, 'folder'));
  const cases: [CommandSpec, string, string[]][] = [
    [MANY, 'many ', ['status', 'image']],
    [MANY, 'many st', ['status']],
    [MANY, 'many --', ['--json', '--help']],
    [MANY, 'many image ', ['list', 'load']],
    [MANY, 'many --json image list --', ['--sort', '--json', '--help']],
    [MANY, 'many image list --sort ', ['name', 'size']],
    [MANY, 'many image list --sort=s', ['size']],
    [MANY, 'many image list -s size ', []],
    [MANY, 'many image load f', ['fine.yaml', 'folder']],
    [MANY, 'many image load x ', ['fast', 'safe']],
    [MANY, 'many status ', ['mars', '$(touch pwned)', 'pluto']],
    [MANY, 'many status m', ['mars']],
    [TREE, 'tree --sec', []],
    [TREE, 'tree --log-level=', ['error', 'warn']],
    [TREE, 'tree -C fi', ['fine.yaml']],
    [TREE, 'tree -C image --c', ['--config', '--chatty']],
  ];
  for (const [spec, line, expected] of cases)
    t.same(offers(spec, line, cwd).sort(), [...expected].sort(), line);
  t.same(offers(MANY, 'many image load p', cwd), [], 'nothing offered was ever run');
});

t.test('every command prints its completion', async t => {
  const asked = parseCommandLine(MANY, ['--completion', 'bash']);
  t.same(asked, { kind: 'help', text: completionScript(MANY, 'bash') });
  t.match(parseCommandLine(MANY, ['--completion=tcsh']), {
    kind: 'usage-error',
    text: /not one of bash, zsh, fish/,
  });
});

t.test('completion for zsh and fish', async t => {
  const zsh = completionScript(MANY, 'zsh');
  t.match(zsh, /^#compdef many\n_many_complete\(\) \{/);
  t.match(zsh, `'list:List: '\\''all'\\'' of them'`);
  // The two shells share their grammar as far as this script uses it.
  t.equal(
    spawnSync('bash', ['-n'], { input: zsh.replaceAll(/\$\{\(@f\)/g, '${'), encoding: 'utf8' }).stderr,
    '',
  );
  const fish = completionScript(MANY, 'fish').split('\n');
  const at = (path: string) => `complete -c many -n 'test "$(__many_complete_place)" = "${path}"'`;
  for (const line of [
    `${at('')} -a 'status' -d 'What runs'`,
    `${at('/image')} -a 'list' -d 'List: \\'all\\' of them'`,
    `${at('/image/list')} -s s -l sort -x -a 'name size' -d 'Order'`,
    `${at('/status')} -a '(nodes 2>/dev/null)'`,
    `      case ':image'; set place '/image'`,
    `      case '/image/list:-s' '/image/list:--sort'; set skip 1`,
  ]) {
    t.ok(fish.includes(line), line);
  }
});

t.test('colours', async t => {
  const tty = { isTTY: true };
  t.equal(colours(tty, {}).red('x'), '\x1b[31mx\x1b[39m');
  t.equal(colours({}, {}).red('x'), 'x');
  const cases: [boolean, Record<string, string>, boolean][] = [
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [false, { FORCE_COLOR: '1', NO_COLOR: '1', TERM: 'dumb' }, true],
  ];
  for (const [isTTY, env, expected] of cases)
    t.equal(colours({ isTTY }, env).enabled, expected, JSON.stringify({ isTTY, env }));
  t.equal(colours({}, { NO_COLOR: '1' }, 'always').enabled, true);
  t.equal(colours(tty, {}, 'never').enabled, false);
});

/** Runs the same little story in one mode; time moves by itself, 100 ms per look. */
function story(mode: ProgressMode, isTTY: boolean, env = {}): string {
  const parts: string[] = [];
  let nowMs = 0;
  const stream = { isTTY, columns: 30, write: (part: string) => parts.push(part) };
  const progress = createProgress(stream, mode, {
    env: { NO_COLOR: '1', ...env },
    monotonicMs: () => {
      nowMs += 100;
      return nowMs;
    },
  });
  const build = progress.start('build');
  build.update('step with a very long description', 0.5);
  progress.note('a note');
  const other = progress.start('pull');
  build.done();
  other.failed('no network');
  return parts.join('');
}

t.test('progress', async t => {
  const plain = 'build …\na note\npull …\nbuild: done (0.2 s)\npull: failed: no network (0.2 s)\n';
  t.equal(story('plain', true), plain);
  t.equal(story('auto', false), plain, 'off a terminal nothing moves');
  t.equal(story('auto', true, { TERM: 'dumb' }), plain);
  t.equal(story('quiet', true), 'pull: failed: no network (0.2 s)\n');
  const events = story('json', true)
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
  t.same(
    events.map(({ event, id }) => [event, id]),
    [
      ['start', 1],
      ['update', 1],
      ['note', undefined],
      ['start', 2],
      ['done', 1],
      ['failed', 2],
    ],
  );
  const screen = play(story('auto', true));
  t.match(screen, [/^a note$/, /^✔ build \d\.\d s$/, /^✘ pull: no network \d\.\d s$/]);
  t.equal(screen.length, 3, 'the moving lines are gone');
});

/** A terminal that knows the two codes progress uses: up N lines, clear to the end. */
function play(text: string): string[] {
  let lines: string[] = [''];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal codes are control characters
  for (const part of text.split(/(\x1b\[\d+A\r\x1b\[J|\n)/)) {
    if (part === '\n') lines.push('');
    else if (part.startsWith('\x1b'))
      lines = [...lines.slice(0, lines.length - 1 - Number.parseInt(part.slice(2), 10)), ''];
    else lines[lines.length - 1] += part;
    if (Math.max(...lines.map(line => [...line].length)) > 40) throw new Error(`a line would wrap: ${part}`);
  }
  return lines.filter(line => line !== '');
}

t.test('tables', async t => {
  const rows = [
    ['mars', '\x1b[32m12\x1b[39m', 'ok'],
    ['jupyter', '5', ''],
  ];
  t.equal(
    printTable(rows, { header: ['HOST', 'N', 'STATE'], right: [1] }),
    'HOST      N  STATE\nmars     \x1b[32m12\x1b[39m  ok\njupyter   5\n',
  );
  t.equal(printTable([['abcdefgh', 'x']], { width: 6 }), 'abcde…\n');
  t.equal(printTable([]), '');
});

t.test('JSON output and exit codes', async t => {
  const parts: string[] = [];
  const stream = { write: (part: string) => parts.push(part) };
  jsonOut({ a: 1 }, stream);
  jsonOut([1], stream, { schemaVersion: 2 });
  t.equal(parts.join(''), '{"schemaVersion":1,"a":1}\n{"schemaVersion":2,"items":[1]}\n');
  t.same(EXIT, { ok: 0, failed: 1, usage: 2, notRunning: 3, badConfig: 100, system: 111, timeout: 124 });
});

t.test('log', async t => {
  const lines: string[] = [];
  const base = { write: (line: string) => lines.push(line), wallMs: () => 0 };
  const plain = createLogger({ ...base, level: 'info', unit: 'tree' });
  plain.info('started\nfine', { pid: 7, password: 'x' });
  plain.debug('not shown');
  plain.child('sb').error('bad', { error: new Error('why') });
  createLogger({ ...base, format: 'json' }).warn('w', { size: 5n, nested: { apiToken: 'x' } });
  t.same(lines, [
    '1970-01-01T00:00:00.000Z INFO  tree: started\\nfine pid=7 password="***"\n',
    '1970-01-01T00:00:00.000Z ERROR sb: bad error="why"\n',
    '{"time":"1970-01-01T00:00:00.000Z","level":"warn","message":"w","size":"5","nested":{"apiToken":"***"}}\n',
  ]);
  t.equal(parseLogLevel('DEBUG'), 'debug');
  t.equal(parseLogLevel('loud'), undefined);
});
