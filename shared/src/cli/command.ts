import { nearest } from '../schema/nearest.ts';
import { completionScript, type Shell } from './completion.ts';
import { optionNames, renderHelp, renderUsage } from './help.ts';

/** Where completion finds words: files, directories, or a command that prints one word per line. */
export type Complete = 'file' | 'directory' | { readonly run: string };

export interface OptionSpec {
  /** Without the dashes; also the key of its value. */
  readonly long: string;
  /** One letter. */
  readonly short?: string;
  /** Further long names of the same option. */
  readonly aliases?: readonly string[];
  /** Name of its value in help; absent: a flag. */
  readonly argument?: string;
  readonly summary: string;
  /** Values are collected in a list. */
  readonly repeat?: boolean;
  /** Environment variable that gives the value when the option is absent. */
  readonly env?: string;
  readonly hidden?: boolean;
  readonly choices?: readonly string[];
  readonly complete?: Complete;
}

export interface PositionalSpec {
  readonly name: string;
  readonly summary?: string;
  readonly optional?: boolean;
  /** Takes all remaining words; only for the last one. */
  readonly repeat?: boolean;
  readonly choices?: readonly string[];
  readonly complete?: Complete;
}

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** Replaces the generated line after `Usage:`. */
  readonly usage?: string;
  /** Command line and what it does; help starts with them. */
  readonly examples?: readonly (readonly [command: string, meaning: string])[];
  readonly options: readonly OptionSpec[];
  readonly positionals?: readonly PositionalSpec[];
  readonly commands?: readonly CommandSpec[];
  /** Last lines of help, e.g. where to read more. */
  readonly footer?: string;
  readonly hidden?: boolean;
  /** Everything from the first positional on is positional, `--` included. */
  readonly stopAtPositional?: boolean;
}

/** A bad command line in parts, for tools whose wording is fixed elsewhere. */
export interface Problem {
  readonly code:
    | 'unknown-option'
    | 'unknown-short-option'
    | 'value-not-accepted'
    | 'value-required'
    | 'bad-choice'
    | 'unexpected-argument'
    | 'argument-required'
    | 'unknown-command'
    | 'command-required';
  readonly message: string;
  /** The word, option or positional it is about; all names of an option. */
  readonly names: readonly string[];
}

export type OptionValue = string | boolean | readonly string[];

export interface ParsedRun {
  readonly kind: 'run';
  /** Names of the chosen subcommands; empty for the command itself. */
  readonly command: readonly string[];
  /** By long name; an option that was not given is absent, a flag is true. */
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly positionals: readonly string[];
}

export type CommandLine =
  | ParsedRun
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'usage-error'; readonly text: string; readonly problem: Problem };

export interface ParseOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Columns for help; 80 by default. */
  readonly width?: number;
}

/**
 * Long names are exact (`--opt V`, `--opt=V`), short ones bundle and take their value attached or next (`-CV`, `-C V`); the word after an
 * option that needs a value is its value whatever it looks like. A subcommand also takes its parents' options. `-h`, `--help`, `--version`,
 * `--completion SHELL` (a script on stdout) and (where there are subcommands) `help [COMMAND]` are built in.
 * @param argv without the program
 */
export function parseCommandLine(
  spec: CommandSpec,
  argv: readonly string[],
  options: ParseOptions = {},
): CommandLine {
  const parser = new Parser(spec, argv, options);
  try {
    return parser.parse();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { kind: 'usage-error', text: usageText(parser.path, error.problem), problem: error.problem };
  }
}

/** Leaves the parser from any depth; never leaves this file. */
class UsageError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
  }
}

function fail(code: Problem['code'], message: string, ...names: readonly string[]): never {
  throw new UsageError({ code, message, names });
}

function usageText(path: readonly CommandSpec[], problem: Problem): string {
  const name = path.map(command => command.name).join(' ');
  return `${renderUsage(path)}\n${name}: ${problem.message}\nTry \`${name} --help\`.\n`;
}

const HELP: OptionSpec = { long: 'help', short: 'h', summary: 'Show this help' };
const VERSION: OptionSpec = { long: 'version', summary: 'Show the version' };
const COMPLETION: OptionSpec = {
  long: 'completion',
  argument: 'SHELL',
  summary: 'Print a script that completes this command in a shell',
  choices: ['bash', 'zsh', 'fish'],
};

class Parser {
  readonly path: CommandSpec[];
  private readonly values = new Map<string, string | true | string[]>();
  private readonly positionals: string[] = [];
  private at = 0;
  private onlyPositionals = false;
  private answer: CommandLine | undefined;

  constructor(
    spec: CommandSpec,
    private readonly argv: readonly string[],
    private readonly settings: ParseOptions,
  ) {
    this.path = [spec];
  }

  parse(): CommandLine {
    while (this.at < this.argv.length && this.answer === undefined) this.word(this.argv[this.at++] ?? '');
    if (this.answer !== undefined) return this.answer;
    this.fromEnvironment();
    this.checkPositionals();
    const command = this.path.slice(1).map(({ name }) => name);
    return { kind: 'run', command, options: Object.fromEntries(this.values), positionals: this.positionals };
  }

  private get current(): CommandSpec {
    return this.path[this.path.length - 1] as CommandSpec;
  }

  private word(word: string): void {
    if (this.onlyPositionals) this.positionals.push(word);
    else if (word === '--') this.onlyPositionals = true;
    else if (word.startsWith('--')) this.long(word);
    else if (word.startsWith('-') && word !== '-') this.shorts(word);
    else this.positional(word);
  }

  private positional(word: string): void {
    const { commands, positionals, stopAtPositional } = this.current;
    if (commands !== undefined && this.positionals.length === 0) {
      const chosen = commands.find(({ name }) => name === word);
      if (chosen !== undefined) {
        this.path.push(chosen);
        return;
      }
      if (word === 'help') {
        this.helpCommand(this.argv.slice(this.at));
        return;
      }
      if (positionals === undefined) this.unknownCommand(word);
    }
    if (stopAtPositional) this.onlyPositionals = true;
    this.positionals.push(word);
  }

  private helpCommand(words: readonly string[]): void {
    for (const word of words) {
      const chosen = this.current.commands?.find(({ name }) => name === word);
      if (chosen === undefined) this.unknownCommand(word);
      else this.path.push(chosen);
    }
    this.help();
  }

  private help(): void {
    this.answer = {
      kind: 'help',
      text: renderHelp(this.current, this.settings.width, this.path.slice(0, -1)),
    };
  }

  private unknownCommand(word: string): never {
    const names = (this.current.commands ?? []).filter(({ hidden }) => !hidden).map(({ name }) => name);
    fail('unknown-command', `unknown command ${word}${didYouMean(nearest(word, names))}`, word);
  }

  private long(word: string): void {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const option = this.find(({ long, aliases }) => long === name || aliases?.includes(name) === true);
    if (option === undefined) {
      const known = this.known().filter(({ hidden }) => !hidden);
      const near = nearest(
        name,
        known.flatMap(({ long, aliases = [] }) => [long, ...aliases]),
      );
      fail('unknown-option', `unknown option ${word}${didYouMean(near && `--${near}`)}`, word);
    }
    this.take(option, equals < 0 ? undefined : word.slice(equals + 1), `--${name}`);
  }

  private shorts(word: string): void {
    for (let index = 1; index < word.length; index++) {
      const letter = word.charAt(index);
      const option = this.find(({ short }) => short === letter);
      if (option === undefined) fail('unknown-short-option', `unknown option -${letter}`, letter);
      const attached = word.slice(index + 1);
      const takesRest = option.argument !== undefined;
      this.take(option, takesRest && attached !== '' ? attached : undefined, `-${letter}`);
      if (takesRest) return;
    }
  }

  private take(option: OptionSpec, given: string | undefined, written: string): void {
    if (option.argument === undefined) {
      if (given !== undefined)
        fail('value-not-accepted', `option ${written} takes no value`, ...optionNames(option));
      if (option === HELP) this.help();
      else if (option === VERSION) this.answer = { kind: 'version' };
      else this.values.set(option.long, true);
      return;
    }
    const value = given ?? this.argv[this.at++];
    if (value === undefined)
      fail('value-required', `option ${written} needs a value ${option.argument}`, ...optionNames(option));
    this.store(option, value, written);
  }

  private store(option: OptionSpec, value: string, written: string): void {
    checkChoice(option.choices, value, `option ${written}`, optionNames(option));
    if (option === COMPLETION) {
      this.answer = { kind: 'help', text: completionScript(this.path[0] ?? this.current, value as Shell) };
      return;
    }
    const before = this.values.get(option.long);
    if (!option.repeat) this.values.set(option.long, value);
    else this.values.set(option.long, Array.isArray(before) ? [...before, value] : [value]);
  }

  /** Own options first, then those of the commands above. */
  private known(): OptionSpec[] {
    return [...this.path.toReversed().flatMap(({ options }) => options), HELP, VERSION, COMPLETION];
  }

  private find(matches: (option: OptionSpec) => boolean): OptionSpec | undefined {
    return this.known().find(matches);
  }

  private fromEnvironment(): void {
    for (const option of this.known()) {
      const value = option.env === undefined ? undefined : this.settings.env?.[option.env];
      if (value === undefined || value === '' || this.values.has(option.long)) continue;
      if (option.argument === undefined) this.values.set(option.long, true);
      else this.store(option, value, `--${option.long} (from ${option.env})`);
    }
  }

  private checkPositionals(): void {
    const { positionals = [], commands } = this.current;
    if (commands !== undefined && this.current.positionals === undefined)
      fail('command-required', 'a command is needed');
    for (const [index, spec] of positionals.entries()) {
      const words = spec.repeat ? this.positionals.slice(index) : this.positionals.slice(index, index + 1);
      if (words.length === 0 && !spec.optional)
        fail('argument-required', `argument ${spec.name} is missing`, spec.name);
      for (const word of words) checkChoice(spec.choices, word, `argument ${spec.name}`, [spec.name]);
    }
    const surplus = positionals.at(-1)?.repeat ? undefined : this.positionals[positionals.length];
    if (surplus !== undefined) fail('unexpected-argument', `unexpected argument ${surplus}`, surplus);
  }
}

function checkChoice(
  choices: readonly string[] | undefined,
  value: string,
  what: string,
  names: readonly string[],
): void {
  if (choices === undefined || choices.includes(value)) return;
  const near = didYouMean(nearest(value, choices));
  fail('bad-choice', `${what}: ${value} is not one of ${choices.join(', ')}${near}`, ...names);
}

function didYouMean(word: string | undefined): string {
  return word === undefined ? '' : ` (did you mean ${word}?)`;
}
