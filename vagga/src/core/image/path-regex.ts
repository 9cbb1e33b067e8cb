// Regular expressions of `ignore-regex` and `include-regex`: written for the library of upstream, which is stricter about
// characters (letters of all scripts are letters) and freer about escapes (`\-`, `(?i)`, `\z`, `[[:alpha:]]`) than JavaScript.

const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';
/** Whole escapes with another meaning here. As classes they can stand inside of classes too. */
const ESCAPES: Readonly<Record<string, string>> = {
  d: '\\p{Nd}',
  D: '\\P{Nd}',
  w: `[${WORD}]`,
  W: `[^${WORD}]`,
  s: '\\p{White_Space}',
  S: '\\P{White_Space}',
  A: '(?<![^])',
  z: '(?![^])',
  a: '\\x07',
};
const SAME_IN_BOTH = /^[bBtnrfvdDwWsSpPxu]$/;

/** Scripts are named without saying so over there. */
function property(name: string): string {
  try {
    new RegExp(`\\p{${name}}`, 'v');
    return name;
  } catch {
    return `Script=${name}`;
  }
}

/** The escape at `at`, and where it ends. */
function escaped(source: string, at: number): { readonly text: string; readonly end: number } {
  const letter = String.fromCodePoint(source.codePointAt(at + 1) ?? 0x5c);
  const end = at + 1 + letter.length;
  const known = ESCAPES[letter];
  if (known !== undefined) return { text: known, end };
  if (letter === 'p' || letter === 'P') {
    const [name = ''] = /^(\{[^}]*\}|.)/u.exec(source.slice(end)) ?? [];
    return { text: `\\${letter}{${property(name.replace(/[{}]/g, ''))}}`, end: end + name.length };
  }
  if (letter === 'x' || letter === 'u' || letter === 'U') {
    const found = /^(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))/.exec(source.slice(end));
    if (found !== null) return { text: `\\u{${found[1] ?? found[2]}}`, end: end + found[0].length };
  }
  if (SAME_IN_BOTH.test(letter)) return { text: `\\${letter}`, end };
  return { text: literal(letter), end };
}

/** Any character that may mean something is written by its number. */
function literal(character: string): string {
  return /^[0-9A-Za-z]$/.test(character) ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** A class from its `[` on. */
function characterClass(source: string, start: number): { readonly text: string; readonly end: number } {
  let text = '[';
  let at = start + 1;
  if (source[at] === '^') text += source[at++];
  // A bracket that comes first is one of the characters.
  if (source[at] === ']') {
    text += literal(']');
    at++;
  }
  while (at < source.length && source[at] !== ']') {
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(source.slice(at));
    const part =
      posix !== null && POSIX[posix[2] ?? ''] !== undefined
        ? { text: `[${posix[1]}${POSIX[posix[2] ?? '']}]`, end: at + posix[0].length }
        : classPart(source, at);
    text += part.text;
    at = part.end;
  }
  if (at >= source.length) throw new SyntaxError(`unclosed character class in ${source}`);
  return { text: `${text}]`, end: at + 1 };
}

function classPart(source: string, at: number): { readonly text: string; readonly end: number } {
  const character = String.fromCodePoint(source.codePointAt(at) as number);
  if (character === '\\') return escaped(source, at);
  if (character === '[') return characterClass(source, at);
  // `&&`, `--` and `~~` are operations in both; `a-z` is a range in both.
  const operation = /^(&&|--)/.exec(source.slice(at))?.[0];
  if (operation !== undefined) return { text: operation, end: at + 2 };
  const end = at + character.length;
  const isRange =
    character === '-' &&
    !/^\[\^?$/.test(source.slice(Math.max(0, at - 2), at).replace(/^[^[]/, '')) &&
    source[end] !== ']';
  return { text: isRange ? '-' : literal(character), end };
}

/** Flags in front of the whole expression; inside of it there is nothing like them here. */
function leadingFlags(source: string): { readonly flags: string; readonly rest: string } {
  const found = /^\(\?([ims]+)\)/.exec(source);
  return { flags: found?.[1] ?? '', rest: source.slice(found?.[0].length ?? 0) };
}

/** What stands outside of classes and is no escape, and what it becomes. */
function plain(rest: string, dot: string): readonly [found?: string, replacement?: string] {
  const quantifier = /^\{\d+(,\d*)?\}/.exec(rest)?.[0];
  if (quantifier !== undefined) return [quantifier];
  if (rest.startsWith('(?P<')) return ['(?P<', '(?<'];
  if (rest.startsWith('.')) return ['.', dot];
  const [first = ''] = rest;
  return /^[\]{}]/.test(first) ? [first, literal(first)] : [];
}

/** Throws SyntaxError when it is none. */
export function pathRegex(source: string): RegExp {
  const { flags, rest } = leadingFlags(source);
  const dot = flags.includes('s') ? '[^]' : '[^\\n]';
  let text = '';
  for (let at = 0; at < rest.length; ) {
    const character = rest[at] as string;
    if (character === '\\') {
      const part = escaped(rest, at);
      text += part.text;
      at = part.end;
    } else if (character === '[') {
      const part = characterClass(rest, at);
      text += part.text;
      at = part.end;
    } else {
      const [found = character, replacement = found] = plain(rest.slice(at), dot);
      text += replacement;
      at += found.length;
    }
  }
  return new RegExp(text, `v${[...new Set(flags.replace('s', ''))].join('')}`);
}
