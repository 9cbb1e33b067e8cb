// Parsing a command line by its table. Long names exactly as spelled; short ones bundle and may carry their value.
import { helpText, usageText } from './help.ts';
import { type CommandLineSpec, HELP_OPTION, type OptionSpec } from './spec.ts';

export interface Given {
  readonly key: string;
  /** Values of the option; none for a flag. */
  readonly values: readonly string[];
}

export type CommandLine =
  | { readonly kind: 'parsed'; readonly given: readonly Given[]; readonly words: readonly string[] }
  | { readonly kind: 'help'; readonly text: string }
  /** An option that ends parsing, by its key. */
  | { readonly kind: 'immediate'; readonly key: string }
  /** For stderr: usage and message. */
  | { readonly kind: 'wrong'; readonly text: string };

/** Leaves the parser from any depth; never leaves this file. */
class Wrong extends Error {}
class Immediate extends Error {
  constructor(readonly option: OptionSpec) {
    super();
  }
}

const list = (words: readonly string[]) => `[${words.map(word => JSON.stringify(word)).join(', ')}]`;

class Parser {
  readonly given: Given[] = [];
  readonly words: string[] = [];
  readonly #options: readonly OptionSpec[];
  readonly #argv: readonly string[];
  readonly #spec: CommandLineSpec;
  #at = 0;

  constructor(spec: CommandLineSpec, argv: readonly string[]) {
    this.#spec = spec;
    this.#options = [HELP_OPTION, ...spec.options];
    this.#argv = argv;
  }

  run(): void {
    while (this.#at < this.#argv.length) {
      const word = this.#argv[this.#at++] as string;
      if (word === '--') this.#rest();
      else if (word.startsWith('--')) this.#long(word);
      else if (word.startsWith('-') && word !== '-') this.#shorts(Array.from(word).slice(1));
      else {
        this.#word(word);
        if (this.#spec.stopsAtWord) this.#rest();
      }
    }
    this.#required();
  }

  #rest(): void {
    for (const word of this.#argv.slice(this.#at)) this.#word(word);
    this.#at = this.#argv.length;
  }

  #word(word: string): void {
    const { positionals } = this.#spec;
    const takesMore = positionals.some(({ takes }) => takes.startsWith('list'));
    if (!takesMore && this.words.length >= positionals.length) throw new Wrong(`Unexpected argument ${word}`);
    this.words.push(word);
  }

  #required(): void {
    const missing = this.#spec.positionals.find(
      ({ takes }, index) => takes === 'required' && index >= this.words.length,
    );
    if (missing !== undefined) throw new Wrong(`Argument ${missing.name.toUpperCase()} is required`);
  }

  #find(name: string): OptionSpec | undefined {
    return this.#options.find(({ names }) => names.includes(name));
  }

  #long(word: string): void {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const option = this.#find(name);
    if (option === undefined) throw new Wrong(`Unknown option ${word}`);
    if (option.takes === 'nothing' && equals >= 0)
      throw new Wrong(`Option ${name} does not accept an argument`);
    this.#take(option, equals < 0 ? undefined : word.slice(equals + 1));
  }

  #shorts(letters: readonly string[]): void {
    for (const [index, letter] of letters.entries()) {
      const option = this.#find(`-${letter}`);
      if (option === undefined) throw new Wrong(`Unknown short option ${JSON.stringify(letter)}`);
      const attached = letters.slice(index + 1).join('');
      this.#take(option, option.takes === 'nothing' || attached === '' ? undefined : attached);
      if (option.takes !== 'nothing') return;
    }
  }

  #take(option: OptionSpec, attached: string | undefined): void {
    if (option.immediate) throw new Immediate(option);
    this.given.push({ key: option.key, values: this.#values(option, attached) });
  }

  #values({ takes, names }: OptionSpec, attached: string | undefined): string[] {
    if (takes === 'nothing') return [];
    if (attached !== undefined) return [attached];
    if (takes === 'one') {
      const next = this.#argv[this.#at++];
      if (next === undefined) throw new Wrong(`Option ${list(names)} requires an argument`);
      return [next];
    }
    const from = this.#at;
    while (this.#at < this.#argv.length && !this.#argv[this.#at]?.startsWith('-')) this.#at++;
    return this.#argv.slice(from, this.#at);
  }
}

/** Usage and message, as an error of the command line is shown; with its end. */
export function wrongText(spec: CommandLineSpec, message: string): string {
  return `${usageText(spec)}${spec.name}: ${message}\n`;
}

/** @param argv without the program and without the command's name */
export function parseCommandLine(spec: CommandLineSpec, argv: readonly string[]): CommandLine {
  const parser = new Parser(spec, argv);
  try {
    parser.run();
    return { kind: 'parsed', given: parser.given, words: parser.words };
  } catch (error) {
    if (error instanceof Wrong) return { kind: 'wrong', text: wrongText(spec, error.message) };
    if (!(error instanceof Immediate)) throw error;
    return error.option === HELP_OPTION
      ? { kind: 'help', text: helpText(spec) }
      : { kind: 'immediate', key: error.option.key };
  }
}

export function has(given: readonly Given[], key: string): boolean {
  return given.some(option => option.key === key);
}

/** All values of the option, in the order given. */
export function valuesOf(given: readonly Given[], key: string): string[] {
  return given.filter(option => option.key === key).flatMap(option => option.values);
}
