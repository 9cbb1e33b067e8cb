// Regular expressions for RegexLike: the usual syntax without look-around and back-references, as a syntax tree.

export type CharTest = (code: number) => boolean;

export type Node =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'at'; readonly place: 'start' | 'end' | 'word' | 'not-word' }
  | { readonly kind: 'all'; readonly parts: readonly Node[] }
  | { readonly kind: 'any'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly min: number; readonly max: number };

export class PatternError extends Error {}

const MAX_REPEAT = 1000;
const MAX_GROUPS = 50;

const between =
  (from: number, to: number): CharTest =>
  code =>
    code >= from && code <= to;
const digit = between(48, 57);
export const word: CharTest = code =>
  digit(code) || between(65, 90)(code) || between(97, 122)(code) || code === 95;
const space: CharTest = code => code === 32 || between(9, 13)(code) || code === 0xa0;
const not =
  (test: CharTest): CharTest =>
  code =>
    !test(code);

const CLASSES: Readonly<Record<string, CharTest>> = {
  d: digit,
  D: not(digit),
  w: word,
  W: not(word),
  s: space,
  S: not(space),
};
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, a: 7 };

/** Without regard to case, for ASCII letters. */
function caseless(test: CharTest): CharTest {
  return code => {
    if (test(code)) return true;
    const other = code ^ 32;
    return (between(65, 90)(code) || between(97, 122)(code)) && test(other);
  };
}

class Parser {
  readonly #text: string;
  #at = 0;
  #groups = 0;
  #caseless = false;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Node {
    if (this.#text.startsWith('(?i)')) {
      this.#caseless = true;
      this.#at = 4;
    }
    const node = this.#alternatives();
    if (this.#at < this.#text.length) throw new PatternError(`")" at ${this.#at + 1} closes nothing`);
    return node;
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  #take(): string {
    const char = this.#text[this.#at];
    if (char === undefined) throw new PatternError('the pattern ends too early');
    this.#at++;
    return char;
  }

  #skip(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #alternatives(): Node {
    const parts = [this.#sequence()];
    while (this.#skip('|')) parts.push(this.#sequence());
    return parts.length === 1 ? (parts[0] as Node) : { kind: 'any', parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#peek() !== '' && this.#peek() !== '|' && this.#peek() !== ')') parts.push(this.#repeated());
    return { kind: 'all', parts };
  }

  #repeated(): Node {
    let part = this.#atom();
    for (;;) {
      const range = this.#quantifier();
      if (range === undefined) return part;
      this.#skip('?');
      part = { kind: 'repeat', part, min: range[0], max: range[1] };
    }
  }

  #quantifier(): readonly [number, number] | undefined {
    if (this.#skip('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#skip('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#skip('?')) return [0, 1];
    const counted = /^\{(\d+)(,(\d*))?\}/.exec(this.#text.slice(this.#at, this.#at + 12));
    if (counted === null) return undefined;
    this.#at += counted[0].length;
    const min = Number(counted[1]);
    const max =
      counted[2] === undefined ? min : counted[3] === '' ? Number.POSITIVE_INFINITY : Number(counted[3]);
    if (min > MAX_REPEAT || (max !== Number.POSITIVE_INFINITY && max > MAX_REPEAT) || max < min) {
      throw new PatternError(`${counted[0]} is not a usable repetition`);
    }
    return [min, max];
  }

  #char(test: CharTest): Node {
    return { kind: 'char', test: this.#caseless ? caseless(test) : test };
  }

  #atom(): Node {
    const char = this.#take();
    switch (char) {
      case '.':
        return this.#char(code => code !== 10);
      case '^':
        return { kind: 'at', place: 'start' };
      case '$':
        return { kind: 'at', place: 'end' };
      case '(':
        return this.#group();
      case '[':
        return this.#char(this.#class());
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        throw new PatternError(`"${char}" at ${this.#at} repeats nothing`);
      default:
        return this.#char(between(char.charCodeAt(0), char.charCodeAt(0)));
    }
  }

  #group(): Node {
    if (++this.#groups > MAX_GROUPS) throw new PatternError(`more than ${MAX_GROUPS} groups`);
    if (this.#peek() === '?' && !this.#skip('?:')) {
      throw new PatternError('look-around and flags inside the pattern are not supported');
    }
    const node = this.#alternatives();
    if (!this.#skip(')')) throw new PatternError('a group is not closed');
    return node;
  }

  #escape(): Node {
    const char = this.#take();
    if (char === 'b') return { kind: 'at', place: 'word' };
    if (char === 'B') return { kind: 'at', place: 'not-word' };
    return this.#char(this.#escaped(char));
  }

  #escaped(char: string): CharTest {
    const known = CLASSES[char];
    if (known !== undefined) return known;
    const control = CONTROLS[char];
    if (control !== undefined) return between(control, control);
    if (/[A-Za-z1-9]/.test(char)) throw new PatternError(`"\\${char}" is not supported`);
    return between(char.charCodeAt(0), char.charCodeAt(0));
  }

  #class(): CharTest {
    const negated = this.#skip('^');
    const tests: CharTest[] = [];
    for (let first = true; first || this.#peek() !== ']'; first = false) tests.push(this.#classItem());
    this.#at++;
    const test: CharTest = code => tests.some(item => item(code));
    return negated ? not(test) : test;
  }

  #classItem(): CharTest {
    const char = this.#take();
    if (char === '\\') {
      const escaped = this.#take();
      if (!this.#startsRange() || CLASSES[escaped] !== undefined) return this.#escaped(escaped);
      return this.#range(CONTROLS[escaped] ?? escaped.charCodeAt(0));
    }
    return this.#startsRange()
      ? this.#range(char.charCodeAt(0))
      : between(char.charCodeAt(0), char.charCodeAt(0));
  }

  #startsRange(): boolean {
    const after = this.#text[this.#at + 1];
    return this.#peek() === '-' && after !== undefined && after !== ']';
  }

  #range(from: number): CharTest {
    this.#at++;
    let char = this.#take();
    if (char === '\\') char = this.#take();
    const to = char.charCodeAt(0);
    if (to < from) throw new PatternError('a range of a class runs backwards');
    return between(from, to);
  }
}

/** Throws PatternError with a sentence for the user. */
export function parsePattern(text: string): Node {
  return new Parser(text).parse();
}
