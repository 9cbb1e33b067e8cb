import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseDocopt } from '../../src/core/options/docopt/index.ts';
import { optionVariables, shellWord } from '../../src/core/options/docopt/values.ts';

const HELP = '\nCommon options:\n  -h, --help   Show this help\n';

function variables(text: string, ...words: string[]): Record<string, string> {
  const parsed = parseDocopt(`About\n\n${text}\n${HELP}`, words);
  if (parsed.kind !== 'values') throw new Error(`${parsed.kind}: ${JSON.stringify(parsed)}`);
  return optionVariables(parsed.values);
}

/** Only what is not empty, `OPT value | CLI value`. */
function shown(text: string, ...words: string[]): Record<string, string> {
  const all = variables(text, ...words);
  const names = Object.keys(all).filter(name => name.startsWith('VAGGAOPT_') && all[name] !== '');
  return Object.fromEntries(
    names.map(name => [name.slice(9), `${all[name]} | ${all[`VAGGACLI_${name.slice(9)}`]}`]),
  );
}

function refused(text: string, ...words: string[]): string {
  const parsed = parseDocopt(`About\n\n${text}\n${HELP}`, words);
  return parsed.kind === 'mismatch' ? (parsed.text.split('\n')[0] as string) : parsed.kind;
}

function malformed(text: string): string {
  const parsed = parseDocopt(text, []);
  return parsed.kind === 'malformed' ? parsed.message : `not malformed: ${parsed.kind}`;
}

const ARGS = `Usage: vagga args [options]

Options:
  -F, --first <x>      First value
  --second X           Second one [default: two]
  -v, --verbose ...    More words
  --flag               A flag
  -I, --include <dir> ...  Directories [default: a b]`;

t.test('§1.8 values: of options', async t => {
  t.same(shown(ARGS, 'args', '-Fhello', '--second', 'world'), {
    ARGS: 'true | args',
    FIRST: 'hello | --first hello',
    SECOND: 'world | --second world',
    INCLUDE: 'a b | --include a b',
  });
  t.equal(variables(ARGS, 'args', '--first=xxx').VAGGAOPT_FIRST, 'xxx');
  t.equal(variables(ARGS, 'args', '-vvvv', '--verbose').VAGGAOPT_VERBOSE, '5');
  t.equal(
    variables(ARGS, 'args', '-vv', '--verbose').VAGGACLI_VERBOSE,
    '--verbose --verbose --verbose',
    'a long name is repeated',
  );
  t.equal(variables(ARGS, 'args', '--flag').VAGGACLI_FLAG, '--flag');
  t.equal(variables(ARGS, 'args', '--include=x y', '-Iz').VAGGAOPT_INCLUDE, 'x y z');
  t.equal(variables(ARGS, 'args', '--include=x y', '-Iz').VAGGACLI_INCLUDE, "--include 'x y' z");
  const bare = variables(ARGS, 'args');
  t.equal(bare.VAGGAOPT_FIRST, '', 'absent');
  t.equal(bare.VAGGACLI_FIRST, '');
  t.equal(bare.VAGGAOPT_VERBOSE, '', 'counted 0');
  t.equal(bare.VAGGAOPT_SECOND, 'two', 'a default is a value');
  t.equal(bare.VAGGACLI_SECOND, '--second two');
  t.equal(bare.VAGGAOPT_HELP, '', 'the built-in ones are exported too');
});

t.test('§1.8 values, §1.8 escaping: of positionals', async t => {
  const copy = 'usage: vagga copy <source-file>... DEST';
  t.same(shown(copy, 'copy', 'a', 'b c', "it's"), {
    COPY: 'true | copy',
    SOURCE_FILE: "a b c |  a 'b c'",
    DEST: `it's | 'it'"'"'s'`,
  });
  t.equal(shellWord('a_b'), "'a_b'", 'an underscore is quoted');
  t.equal(shellWord(''), "''");
  t.equal(shellWord('ä/@%+=:,.-9'), 'ä/@%+=:,.-9');
  t.same(shown('Usage: vagga x -v...', 'x', '-vvv').V, '3 | -vvv', 'short: letters repeated');
  t.same(shown('Usage: vagga x <a> <a>', 'x', '1', '2').A, '1 2 |  1 2', 'twice in one usage is a list');
  t.same(shown('Usage: vagga x (<a> | <a>)', 'x', '1').A, '1 | 1', 'alternatives are not twice');
});

t.test('§1.8 dialect: words, groups, dots, separators', async t => {
  const several = 'Usage:\n  vagga x add <name> [--force]\n  vagga x (list|ls) [<pattern>]\n  x -';
  t.same(shown(several, 'x', 'add', 'me', '--force'), {
    X: 'true | x',
    ADD: 'true | add',
    FORCE: 'true | --force',
    NAME: 'me | me',
  });
  t.same(Object.keys(shown(several, 'x', 'ls')), ['X', 'LS']);
  t.equal(refused(several, 'x', 'rm'), 'Invalid arguments.');
  t.same(Object.keys(shown(several, 'x', '-')), ['X'], 'a lone dash is a word');
  t.equal(
    shown('Usage: vagga x [<a>...]', 'x', '--', '-y', '--z').A,
    '-y --z |  -y --z',
    'after the separator',
  );
  t.equal(refused('Usage: vagga x -- <a>', 'x', 'y'), 'Invalid arguments.', 'the separator is asked for');
  t.equal(shown('Usage: vagga x -- <a>', 'x', '--', '-y').A, '-y | -y');
  t.same(
    Object.keys(shown('Usage: vagga x [-abc]', 'x', '-ca')),
    ['X', 'A', 'C'],
    'bundled in the usage and on the line',
  );
  t.equal(shown('Usage: vagga x [-o FILE]\n\n-o FILE  out', 'x', '-oz').O, 'z | -o z');
  t.same(
    shown('Usage: vagga x -o FILE', 'x', '-o', 'z'),
    {
      X: 'true | x',
      FILE: 'z | z',
      O: 'true | -o',
    },
    'not described: a flag and an argument',
  );
  t.equal(
    shown('Usage: vagga x [options]\n\nOptions: --a A', 'x', '--a', 'z').A,
    'z | --a z',
    'on the heading line',
  );
  t.equal(shown('Usage: vagga x [--a=<b c>]', 'x', '--a=1').A, '1 | --a 1', 'blanks in a name');
  t.equal(
    shown('Usage: vagga x --a [options]\n\n --a  flag', 'x', '--a').A,
    'true | --a',
    'named and described',
  );
  t.equal(refused('Usage: vagga x --a [options]\n\n --a  flag', 'x', '--a', '--a'), 'Invalid arguments.');
  t.equal(shown('Usage: vagga x [<a> <b>]', 'x', '1').A, '1 | 1', 'each is optional on its own');
  t.equal(refused('Usage: vagga x [(<a> <b>)]', 'x', '1'), 'Invalid arguments.');
  t.same(
    shown('Usage: vagga x (<a> | <b> <c>)...', 'x', '1', '2').A,
    '1 2 |  1 2',
    'more rounds are preferred',
  );
});

t.test('§1.8 dialect: forms of descriptions', async t => {
  const given = (line: string, ...words: string[]) =>
    shown(`Usage: vagga x [options]\n\n${line}`, 'x', ...words);
  t.equal(given('  -o FILE, --output=FILE  Where', '-oz').OUTPUT, 'z | --output z');
  t.equal(given('  -o <file name>  Where', '-o', 'z').O, 'z | -o z');
  t.equal(
    given('  --output <file name> ...  Where', '--output=a', '--output=b').OUTPUT,
    'a b | --output a b',
  );
  t.equal(given('  -v, --verbose\n      More words [and brackets]', '-v').VERBOSE, 'true | --verbose');
  t.equal(given('  --level N\n      How much\n      [Default: 7]').LEVEL, '7 | --level 7', 'on a later line');
  t.equal(given('  --a-b-c=X\twith a tab', '--a-b-c', '1').A_B_C, '1 | --a-b-c 1');
  t.equal(given('  -1 --one  Digits', '-1').ONE, 'true | --one');
  t.equal(refused('Usage: vagga x [options]\n\n  -long  ignored', 'x', '-l'), "Unknown flag: '-l'");
});

t.test('§1.8 failure, §1.8 suggestions: messages of bad command lines', async t => {
  t.equal(refused('Usage: vagga args [options]', 'args', '--bad-arg'), "Unknown flag: '--bad-arg'");
  t.equal(refused(ARGS, 'args', '--frst=1'), "Unknown flag: '--frst'. Did you mean '--first'?");
  t.equal(refused(ARGS, 'args', '-q'), "Unknown flag: '-q'");
  t.equal(
    refused(ARGS, 'args', '--fla'),
    "Unknown flag: '--fla'. Did you mean '--flag'?",
    'no abbreviations',
  );
  t.equal(refused(ARGS, 'args', '--flag=v'), "Flag '--flag' cannot have an argument, but found 'v'.");
  t.equal(refused(ARGS, 'args', '-F'), "Expected argument for flag '-F' but reached end of arguments.");
  t.equal(refused(ARGS, 'args', 'more'), 'Invalid arguments.');
  t.equal(refused(ARGS, 'args', '--flag', '--flag'), 'Invalid arguments.', 'not repeatable');
  const parsed = parseDocopt(`About\n\nUsage: vagga args [options]\n${HELP}`, ['args', '--bad-arg']);
  t.equal(
    parsed.kind === 'mismatch' && parsed.text,
    "Unknown flag: '--bad-arg'\n\nUsage: vagga args [options]\n",
  );
});

t.test('§1.8 help: only where the rest fits', async t => {
  const text = `About\n\nUsage: vagga x [options] <file>\n${HELP}`;
  const help = parseDocopt(text, ['x', '-h', 'a']);
  t.equal(help.kind === 'help' && help.text, `${text.trim()}\n`);
  const missing = parseDocopt(text, ['x', '--help']);
  t.match(missing, { kind: 'mismatch', text: /^Invalid arguments\./ });
});

t.test('the example of the manual', async t => {
  const page = readFileSync(join(process.env.SUITE_ROOT ?? '', 'vagga/docs/command-line.md'), 'utf8');
  const [, text = ''] = /options: \|\n([\s\S]*?)\n {4}run:/.exec(page) ?? [];
  t.same(shown(text, 'test', '-k', 'a b', '-vv', 'x', 'y'), {
    TEST: 'true | test',
    ONLY: "a b | --only 'a b'",
    VERBOSE: '2 | --verbose --verbose',
    LEVEL: '1 | --level 1',
    FILE: 'x y |  x y',
  });
});

t.test('§1.8 malformed: a text says what is wrong', async t => {
  t.equal(malformed('nothing here'), 'there is no line that starts with "usage:"');
  t.equal(malformed('Usage: vagga x [a'), "']' is missing");
  t.equal(malformed('Usage: vagga x (a|)'), "nothing stands after '|'");
  t.equal(malformed('Usage: vagga x | b |'), "nothing stands after '|'");
  t.equal(malformed('Usage: vagga x b)'), "unexpected ')'");
  t.equal(malformed('Usage: vagga ... x'), "'...' must follow a group, an argument, an option or a word");
  t.equal(malformed('Usage: vagga x --a\n\n--a foo  Text'), "argument 'foo' is not of the form ARG or <arg>");
  t.equal(
    malformed('Usage: vagga x\n\n--a  Text [default: 1]'),
    "default value '1' for '--a', which has no argument",
  );
  t.equal(malformed('Usage: vagga x\n\n[default: 1]'), "default value '1' before any option");
  t.equal(
    malformed('Usage: vagga x\n\n-a, --b, --c  Text'),
    "only one long name is allowed in a description, but found '--b' and '--c'",
  );
  t.equal(malformed(`Usage: vagga x ${'['.repeat(60)}`), 'brackets are nested too deeply');
  t.equal(
    malformed('Usage: vagga x --a=<b>\n\n-----\n--a  Text'),
    "'--a' cannot have an argument, but found '<b>'",
  );
});
