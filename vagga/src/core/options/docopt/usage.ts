// One line of the usage section as a pattern.
import { DocoptError, isArgument, type OptionTable, type Pattern } from './model.ts';

const TOKEN = /--[^\s=[\]()|]+=<[^>]*>|<[^>]*>|\.\.\.|[[\]()|]|[^\s[\]()|]+?(?=\.\.\.|[\s[\]()|]|$)/g;

/** Deeper brackets are a mistake, and would be deep recursion for us. */
const DEPTH_MAX = 50;

const UNDESCRIBED = { repeats: false, described: false, unlimited: false };

class UsageParser {
  readonly #tokens: readonly string[];
  readonly #options: OptionTable;
  #at = 0;

  constructor(line: string, options: OptionTable) {
    this.#tokens = line.match(TOKEN) ?? [];
    this.#options = options;
  }

  whole(): Pattern {
    return this.#alternatives(undefined, 0);
  }

  get #token(): string | undefined {
    return this.#tokens[this.#at];
  }

  /** Up to `close`, or to the end of the line. */
  #alternatives(close: string | undefined, depth: number): Pattern {
    if (depth > DEPTH_MAX) throw new DocoptError('brackets are nested too deeply');
    const alternatives: Pattern[][] = [[]];
    for (; this.#token !== undefined && this.#token !== close; ) {
      const items = alternatives.at(-1) as Pattern[];
      if (this.#token !== '|') items.push(...this.#elements(depth));
      else {
        if (items.length === 0) throw new DocoptError("nothing stands before '|'");
        alternatives.push([]);
        this.#at++;
      }
    }
    if (close !== undefined && this.#token !== close) throw new DocoptError(`'${close}' is missing`);
    if (alternatives.length > 1 && alternatives.at(-1)?.length === 0)
      throw new DocoptError("nothing stands after '|'");
    const sequences = alternatives.map((items): Pattern => ({ kind: 'sequence', items }));
    return sequences.length === 1 ? (sequences[0] as Pattern) : { kind: 'alternatives', items: sequences };
  }

  /** One element, or several for bundled short options; dots belong to the last. */
  #elements(depth: number): Pattern[] {
    const elements = this.#element(depth);
    if (this.#token !== '...') return elements;
    this.#at++;
    const last = elements.pop() as Pattern;
    return [...elements, { kind: 'repeat', item: last }];
  }

  #element(depth: number): Pattern[] {
    const token = this.#tokens[this.#at++] as string;
    if (token === '...') throw new DocoptError("'...' must follow a group, an argument, an option or a word");
    if (token === '[') return [this.#optional(depth)];
    if (token === '(') return [this.#group(')', depth)];
    if (token === ']' || token === ')') throw new DocoptError(`unexpected '${token}'`);
    if (token === '-' || token === '--') return [{ kind: 'word', name: token }];
    if (token.startsWith('--')) return [this.#long(token)];
    if (token.startsWith('-')) return this.#shorts(token);
    return [{ kind: isArgument(token) ? 'argument' : 'word', name: token }];
  }

  #group(close: string, depth: number): Pattern {
    const pattern = this.#alternatives(close, depth + 1);
    this.#at++;
    return pattern;
  }

  #optional(depth: number): Pattern {
    if (this.#token === 'options' && this.#tokens[this.#at + 1] === ']') {
      this.#at += 2;
      return { kind: 'options' };
    }
    const inner = this.#group(']', depth);
    return { kind: 'optional', items: inner.kind === 'sequence' ? inner.items : [inner] };
  }

  #long(token: string): Pattern {
    const equals = token.indexOf('=');
    const name = equals < 0 ? token : token.slice(0, equals);
    const argument = equals < 0 ? undefined : token.slice(equals + 1);
    if (argument !== undefined) this.#checkArgument(argument);
    const known = this.#options.find(name);
    if (known === undefined) {
      this.#options.add({ ...UNDESCRIBED, long: name, takesValue: argument !== undefined });
    } else if (argument !== undefined && !known.takesValue) {
      throw new DocoptError(`'${name}' cannot have an argument, but found '${argument}'`);
    } else if (argument === undefined && known.takesValue) this.#nextArgument(name);
    return { kind: 'option', name };
  }

  /** `-abc`; only a described one can have an argument, attached or next. */
  #shorts(token: string): Pattern[] {
    const patterns: Pattern[] = [];
    const letters = Array.from(token).slice(1);
    for (const [index, letter] of letters.entries()) {
      const name = `-${letter}`;
      patterns.push({ kind: 'option', name });
      const known = this.#options.find(name);
      if (known === undefined) {
        this.#options.add({ ...UNDESCRIBED, short: name, takesValue: false });
      } else if (known.takesValue) {
        const attached = letters.slice(index + 1).join('');
        if (attached === '') this.#nextArgument(name);
        else this.#checkArgument(attached.replace(/^=/, ''));
        break;
      }
    }
    return patterns;
  }

  #nextArgument(name: string): void {
    if (this.#token === undefined) throw new DocoptError(`the argument of '${name}' is missing in the usage`);
    this.#checkArgument(this.#token);
    this.#at++;
  }

  #checkArgument(word: string): void {
    if (!isArgument(word)) throw new DocoptError(`argument '${word}' is not of the form ARG or <arg>`);
  }
}

/** Options that the line names for the first time are added to the table. */
export function parseUsage(line: string, options: OptionTable): Pattern {
  return new UsageParser(line, options).whole();
}
