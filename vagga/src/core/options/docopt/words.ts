// A command line as options and positional words, before any usage is looked at.
import { DocoptError, nameOf, type Option, type OptionTable } from './model.ts';

export interface Words {
  readonly positionals: readonly string[];
  /** By name of the option, in the order given; a flag has '' for each time. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** The separator was there: what follows it is positional. */
  readonly separated: boolean;
}

function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = (row[j - 1] as number) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[right.length] as number;
}

/** Further away than this, a name is another name. */
const DISTANCE_MAX = 2;
/** The distance takes time in the square of the length; nobody types such an option. */
const COMPARED_LENGTH_MAX = 100;

function unknownFlag(name: string, options: OptionTable): DocoptError {
  const longs = options.names().filter(known => known.startsWith('--') && name.startsWith('--'));
  const near = name.length > COMPARED_LENGTH_MAX ? [] : longs;
  const ranked = near
    .map(known => ({ known, far: distance(name, known) }))
    .filter(({ far }) => far <= DISTANCE_MAX)
    .sort((a, b) => a.far - b.far);
  const hint = ranked[0] === undefined ? '' : `. Did you mean '${ranked[0].known}'?`;
  return new DocoptError(`Unknown flag: '${name}'${hint}`);
}

class WordReader {
  readonly positionals: string[] = [];
  readonly given = new Map<string, string[]>();
  separated = false;
  readonly #words: readonly string[];
  readonly #options: OptionTable;
  #at = 0;

  constructor(words: readonly string[], options: OptionTable) {
    this.#words = words;
    this.#options = options;
  }

  read(): Words {
    while (this.#at < this.#words.length) this.#word(this.#words[this.#at++] as string);
    return { positionals: this.positionals, given: this.given, separated: this.separated };
  }

  #word(word: string): void {
    if (this.separated || word === '-' || !word.startsWith('-')) this.positionals.push(word);
    else if (word === '--') this.separated = true;
    else if (word.startsWith('--')) this.#long(word);
    else this.#shorts(Array.from(word).slice(1));
  }

  #find(name: string): Option {
    const option = this.#options.find(name);
    if (option === undefined) throw unknownFlag(name, this.#options);
    return option;
  }

  #add(option: Option, value: string): void {
    const name = nameOf(option);
    this.given.set(name, [...(this.given.get(name) ?? []), value]);
  }

  #long(word: string): void {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    const option = this.#find(name);
    if (option.takesValue) this.#add(option, equals < 0 ? this.#value(name) : word.slice(equals + 1));
    else if (equals < 0) this.#add(option, '');
    else {
      const value = word.slice(equals + 1);
      throw new DocoptError(`Flag '${name}' cannot have an argument, but found '${value}'.`);
    }
  }

  #shorts(letters: readonly string[]): void {
    for (const [index, letter] of letters.entries()) {
      const option = this.#find(`-${letter}`);
      if (!option.takesValue) this.#add(option, '');
      else {
        const attached = letters.slice(index + 1).join('');
        this.#add(option, attached === '' ? this.#value(`-${letter}`) : attached);
        return;
      }
    }
  }

  #value(name: string): string {
    const value = this.#words[this.#at++];
    if (value !== undefined) return value;
    throw new DocoptError(`Expected argument for flag '${name}' but reached end of arguments.`);
  }
}

/** Throws DocoptError in the words of the format. */
export function readWords(words: readonly string[], options: OptionTable): Words {
  return new WordReader(words, options).read();
}
