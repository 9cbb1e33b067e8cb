import type { CommandSpec, Complete, OptionSpec } from './command.ts';
import { optionNames } from './help.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

/** One command of the tree with everything that may be typed there. */
interface Place {
  /** `` for the command itself, `/run` for a subcommand. */
  readonly path: string;
  readonly spec: CommandSpec;
  readonly options: readonly OptionSpec[];
}

/** What may follow an option or stand as a positional. */
interface Source {
  readonly choices?: readonly string[];
  readonly complete?: Complete;
}

const HELP: OptionSpec = { long: 'help', short: 'h', summary: 'Show this help' };

/**
 * A script to `source` (bash), to put into a directory of `fpath` as `_NAME` (zsh), or into fish's completions directory. It knows subcommands,
 * options and their values; `{run}` sources are run at each request, so they must answer fast.
 */
export function completionScript(spec: CommandSpec, shell: Shell): string {
  const all = places(spec, '', []);
  return shell === 'fish' ? fishScript(spec.name, all) : shellScript(spec.name, all, shell);
}

function places(spec: CommandSpec, path: string, above: readonly OptionSpec[]): Place[] {
  const options = [...spec.options.filter(({ hidden }) => !hidden), ...above];
  const below = visibleCommands(spec).flatMap(child => places(child, `${path}/${child.name}`, options));
  return [{ path, spec, options: [...options, HELP] }, ...below];
}

function visibleCommands(spec: CommandSpec): CommandSpec[] {
  return (spec.commands ?? []).filter(({ hidden }) => !hidden);
}

/** Single quotes: nothing inside is special in bash and zsh. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A shell function's name for a command. */
function identifier(name: string): string {
  return `_${name.replace(/\W/g, '_')}_complete`;
}

/** How the two shells, otherwise written alike, read the line and offer words. */
const DIALECT = {
  bash: {
    // bash splits words at `=`; the value's option is then two words back.
    start: [
      `  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} place= skip= count=0 i word`,
      '  COMPREPLY=()',
      `  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi`,
      '  for ((i = 1; i < COMP_CWORD; i++)); do',
      `    word=\${COMP_WORDS[i]}`,
      '    if [[ $word == = ]]; then continue; fi',
    ],
    words: (words: readonly (readonly [string, string])[]) =>
      `for word in ${words.map(([word]) => quote(word)).join(' ')}; do [[ $word == "$cur"* ]] && COMPREPLY+=("$word"); done`,
    // Not `compgen -W`: it would run `$(…)` found in the words.
    run: (command: string) =>
      `while IFS= read -r word; do [[ $word == "$cur"* ]] && COMPREPLY+=("$word"); done < <(${command} 2>/dev/null)`,
    files: (only: string) =>
      `compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -${only === 'directory' ? 'd' : 'f'} -- "$cur")`,
  },
  zsh: {
    start: [
      `  local cur=\${words[CURRENT]} prev=\${words[CURRENT-1]} place= skip= count=0 i word`,
      '  local -a found',
      `  if [[ $cur == --*=* ]]; then prev=\${cur%%=*}; cur=\${cur#*=}; compset -P "*="; fi`,
      '  for ((i = 2; i < CURRENT; i++)); do',
      `    word=\${words[i]}`,
    ],
    words: (words: readonly (readonly [string, string])[]) => {
      const described = words.map(([word, text]) =>
        quote(`${word.replaceAll(':', '\\:')}${text === '' ? '' : `:${text}`}`),
      );
      return `found=(${described.join(' ')}); _describe word found`;
    },
    run: (command: string) => `found=("\${(@f)$(${command} 2>/dev/null)}"); compadd -a found`,
    files: (only: string) => (only === 'directory' ? '_files -/' : '_files'),
  },
} as const;

function shellScript(name: string, all: readonly Place[], shell: 'bash' | 'zsh'): string {
  const dialect = DIALECT[shell];
  const offer = (source: Source): string | undefined => {
    if (source.choices !== undefined) return dialect.words(source.choices.map(word => [word, '']));
    if (typeof source.complete === 'object') return dialect.run(source.complete.run);
    return source.complete === undefined ? undefined : dialect.files(source.complete);
  };
  const branch = (patterns: readonly string[], action: string) => `    ${patterns.join('|')}) ${action} ;;`;
  return [
    ...(shell === 'zsh' ? [`#compdef ${name}`] : []),
    `${identifier(name)}() {`,
    ...dialect.start,
    '    if [[ -n $skip ]]; then skip=; continue; fi',
    '    case "$place:$word" in',
    ...all.flatMap(place => walkBranches(place).map(line => `  ${line}`)),
    '      *:-*) ;;',
    '      *) count=$((count + 1)) ;;',
    '    esac',
    '  done',
    '  case "$place:$prev" in',
    ...all.flatMap(({ path, options }) =>
      valued(options).map(option => branch(patterns(path, option), `${offer(option) ?? ':'}; return 0`)),
    ),
    '  esac',
    '  if [[ $cur == -* ]]; then case "$place" in',
    ...all.map(({ path, options }) => branch([quote(path)], dialect.words(optionWords(options)))),
    '  esac; else case "$place:$count" in',
    ...all.flatMap(place => positionalBranches(place, offer, dialect.words)),
    '  esac; fi',
    '  return 0',
    '}',
    shell === 'bash'
      ? `complete -F ${identifier(name)} ${name}`
      : // As a file of fpath the whole script is the function `_NAME` and is called for the first completion.
        `if [[ $funcstack[1] == _${name} ]]; then ${identifier(name)}; else compdef ${identifier(name)} ${name}; fi`,
    '',
  ].join('\n');
}

function valued(options: readonly OptionSpec[]): OptionSpec[] {
  return options.filter(({ argument }) => argument !== undefined);
}

function patterns(path: string, option: OptionSpec): string[] {
  return optionNames(option).map(word => quote(`${path}:${word}`));
}

function optionWords(options: readonly OptionSpec[]): [string, string][] {
  return options.flatMap(option =>
    optionNames(option).map((word): [string, string] => [word, option.summary]),
  );
}

/** How a word before the cursor moves the walk: into a subcommand, or over the value of an option. */
function walkBranches({ path, spec, options }: Place): string[] {
  const skips = valued(options).flatMap(option => patterns(path, option));
  const commands = visibleCommands(spec).map(
    ({ name }) => `    ${quote(`${path}:${name}`)}) place=${quote(`${path}/${name}`)}; count=0 ;;`,
  );
  return [...commands, ...(skips.length === 0 ? [] : [`    ${skips.join('|')}) skip=1 ;;`])];
}

function positionalBranches(
  { path, spec }: Place,
  offer: (source: Source) => string | undefined,
  words: (words: readonly (readonly [string, string])[]) => string,
): string[] {
  const commands = visibleCommands(spec).map(({ name, summary }): [string, string] => [name, summary]);
  const lines = (spec.positionals ?? []).map((positional, index) => {
    const pattern = positional.repeat ? `${quote(`${path}:`)}*` : quote(`${path}:${index}`);
    const first = index === 0 && commands.length > 0 ? [words(commands)] : [];
    return `    ${pattern}) ${[...first, offer(positional) ?? ':'].join('; ')} ;;`;
  });
  return lines.length === 0 && commands.length > 0
    ? [`    ${quote(`${path}:0`)}) ${words(commands)} ;;`]
    : lines;
}

/** In fish's single quotes only `\` and `'` are special. */
function fishQuote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function fishScript(name: string, all: readonly Place[]): string {
  const place = `_${identifier(name)}_place`;
  const cases = all.flatMap(({ path, spec, options }) => [
    ...visibleCommands(spec).map(
      child => [[`${path}:${child.name}`], `set place ${fishQuote(`${path}/${child.name}`)}`] as const,
    ),
    ...valued(options).map(
      option => [optionNames(option).map(word => `${path}:${word}`), 'set skip 1'] as const,
    ),
  ]);
  return [
    `function ${place}`,
    '  set -l place ""',
    '  set -l skip ""',
    '  for word in (commandline -opc)[2..-1]',
    '    if test -n "$skip"; set skip ""; continue; end',
    '    switch "$place:$word"',
    ...cases.map(([words, action]) => `      case ${words.map(fishQuote).join(' ')}; ${action}`),
    '    end',
    '  end',
    '  echo "$place"',
    'end',
    `complete -c ${name} -f`,
    ...all.flatMap(item =>
      fishLines(`complete -c ${name} -n ${fishQuote(`test "$(${place})" = "${item.path}"`)}`, item),
    ),
    '',
  ].join('\n');
}

function fishLines(start: string, { spec, options }: Place): string[] {
  const commands = visibleCommands(spec).map(
    child => `${start} -a ${fishQuote(child.name)} -d ${fishQuote(child.summary)}`,
  );
  const positionals = (spec.positionals ?? []).map(fishSource).filter(words => words !== '');
  return [
    ...commands,
    ...options.map(option => fishOption(start, option)),
    ...positionals.map(words => `${start}${words}`),
  ];
}

function fishOption(start: string, option: OptionSpec): string {
  const longs = [option.long, ...(option.aliases ?? [])].map(long => ` -l ${long}`).join('');
  const short = option.short === undefined ? '' : ` -s ${option.short}`;
  // -x: a value and no file names, -r: a value.
  const value =
    option.argument === undefined ? '' : ` ${option.complete === 'file' ? '-r' : '-x'}${fishSource(option)}`;
  return `${start}${short}${longs}${value} -d ${fishQuote(option.summary)}`;
}

function fishSource({ choices, complete }: Source): string {
  if (choices !== undefined) return ` -a ${fishQuote(choices.join(' '))}`;
  if (typeof complete === 'object') return ` -a ${fishQuote(`(${complete.run} 2>/dev/null)`)}`;
  if (complete === 'directory') return " -a '(__fish_complete_directories)'";
  return complete === 'file' ? ' -F' : '';
}
