// A second, slow reading of option patterns for comparison: every pattern is written out as the list of all flat lines
// it stands for, the preferred first, and a command line fits when it is one of them. Nothing is shared with the real one.

export type Tree =
  | { readonly is: 'any'; readonly of: readonly Tree[] }
  | { readonly is: 'all'; readonly of: readonly Tree[] }
  | { readonly is: 'maybe'; readonly of: readonly Tree[] }
  | { readonly is: 'many'; readonly of: Tree }
  | { readonly is: 'flag' | 'valued' | 'name' | 'word'; readonly text: string };

interface Item {
  readonly is: 'flag' | 'valued' | 'name' | 'word';
  readonly text: string;
  /** Times it may be left out, or come, freely; absent: it must be there. */
  readonly free?: number;
}
type Line = readonly Item[];

export function written(tree: Tree): string {
  switch (tree.is) {
    case 'any':
      return `(${tree.of.map(written).join(' | ')})`;
    case 'all':
      return `(${tree.of.map(written).join(' ')})`;
    case 'maybe':
      return `[${tree.of.map(written).join(' ')}]`;
    case 'many':
      return tree.of.is === 'many' ? `(${written(tree.of)})...` : `${written(tree.of)}...`;
    case 'valued':
      return `${tree.text}=<v>`;
    default:
      return tree.text;
  }
}

/** Too many lines: the caller takes another pattern. */
export class TooMany extends Error {}
const LINES_MAX = 20_000;

const size = (line: Line) => line.filter(item => item.free === undefined).length;

function joined(lefts: readonly Line[], rights: readonly Line[], longest: number): Line[] {
  if (lefts.length * rights.length > LINES_MAX) throw new TooMany();
  const lines: Line[] = [];
  for (const left of lefts) {
    for (const right of rights) if (size(left) + size(right) <= longest) lines.push([...left, ...right]);
  }
  return lines;
}

/**
 * `strict`: an optional option is there or not, like everything else. Otherwise it is one item that may be left out:
 * options have no place of their own, so they shall not decide which word goes where.
 */
interface Reading {
  readonly strict: boolean;
  readonly longest: number;
}

const isFlag = ({ is }: Tree) => is === 'flag' || is === 'valued';

function maybe(item: Tree, reading: Reading, under: boolean): readonly Line[] {
  const inner = item.is === 'many' ? item.of : item;
  if (!reading.strict && isFlag(inner)) {
    const free = under || item.is === 'many' ? reading.longest : 1;
    return [[{ ...(inner as Item), free }]];
  }
  return [...linesOf(item, reading, under), []];
}

function rounds(tree: Tree, reading: Reading): readonly Line[] {
  const once = linesOf(tree, reading, true);
  // Only the first round may take nothing: an empty one after it changes nothing.
  const again = once.filter(line => size(line) > 0);
  const all: (readonly Line[])[] = [once];
  for (let count = 1; count < reading.longest; count++) {
    all.push(joined(all.at(-1) as readonly Line[], again, reading.longest));
  }
  return all.reverse().flat();
}

function linesOf(tree: Tree, reading: Reading, under: boolean): readonly Line[] {
  const product = (of: readonly Tree[], lines: (item: Tree) => readonly Line[]) =>
    of.reduce<readonly Line[]>((before, item) => joined(before, lines(item), reading.longest), [[]]);
  switch (tree.is) {
    case 'any':
      return tree.of.flatMap(item => linesOf(item, reading, under));
    case 'all':
      return product(tree.of, item => linesOf(item, reading, under));
    case 'maybe':
      return product(tree.of, item => maybe(item, reading, under));
    case 'many':
      return rounds(tree.of, reading);
    default:
      return [[tree]];
  }
}

export interface Given {
  readonly flags: readonly string[];
  readonly words: readonly string[];
}

function flagsFit(line: Line, flags: readonly string[]): boolean {
  const names = new Set([...flags, ...line.filter(isFlag).map(item => item.text)]);
  return [...names].every(name => {
    const own = line.filter(item => isFlag(item) && item.text === name);
    const needed = own.filter(item => item.free === undefined).length;
    const free = own.reduce((sum, item) => sum + (item.free ?? 0), 0);
    const given = flags.filter(flag => flag === name).length;
    return needed <= given && given <= needed + free;
  });
}

/** Argument name → words, for the first line that fits; undefined: none. */
export function naiveMatch(
  tree: Tree,
  given: Given,
  strict: boolean,
): ReadonlyMap<string, string> | undefined {
  const longest = given.flags.length + given.words.length;
  for (const line of linesOf(tree, { strict, longest }, false)) {
    if (!flagsFit(line, given.flags)) continue;
    const places = line.filter(item => !isFlag(item));
    if (places.length !== given.words.length) continue;
    if (!places.every((item, index) => item.is === 'name' || item.text === given.words[index])) continue;
    const found = new Map<string, string>();
    for (const [index, item] of places.entries()) {
      const word = given.words[index] as string;
      const before = found.get(item.text);
      found.set(item.text, before === undefined ? word : `${before} ${word}`);
    }
    return found;
  }
  return undefined;
}
