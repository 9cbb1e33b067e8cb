import { seededRandom } from '@suite/shared/sim/random.ts';
import t from 'tap';
import { parseDocopt } from '../../src/core/options/docopt/index.ts';
import { type Given, naiveMatch, TooMany, type Tree, written } from './docopt-naive.ts';

// 100,000 random patterns and command lines, half of which fit, against the written-out reading of docopt-naive.ts.

const ROUNDS = 100_000;
const SEED = Number(process.env.SEED ?? 1);

type Random = (below: number) => number;

function tree(random: Random, depth: number): Tree {
  const kind = random(depth > 2 ? 4 : 9);
  const of = () => Array.from({ length: 1 + random(3) }, () => tree(random, depth + 1));
  const letter = 'abc'[random(3)];
  switch (kind) {
    case 0:
      return { is: 'flag', text: `--${letter}` };
    case 1:
      return { is: 'name', text: `<${letter}>` };
    case 2:
      return { is: 'word', text: `w${letter}` };
    case 3:
      return { is: 'valued', text: `--v${letter}` };
    case 4:
      return { is: 'any', of: of() };
    case 5:
      return { is: 'all', of: of() };
    case 6:
    case 7:
      return { is: 'maybe', of: of() };
    default:
      return { is: 'many', of: tree(random, depth + 1) };
  }
}

/** One line that the pattern stands for, so that half of all cases fit. */
function fitting(pattern: Tree, random: Random): string[] {
  switch (pattern.is) {
    case 'any':
      return fitting(pattern.of[random(pattern.of.length)] as Tree, random);
    case 'all':
      return pattern.of.flatMap(item => fitting(item, random));
    case 'maybe':
      return pattern.of.flatMap(item => (random(2) === 0 ? [] : fitting(item, random)));
    case 'many':
      return Array.from({ length: 1 + random(2) }).flatMap(() => fitting(pattern.of, random));
    case 'name':
      return [['1', '2', 'wa'][random(3)] as string];
    default:
      return [pattern.text];
  }
}

function commandLine(pattern: Tree, random: Random): Given {
  const all = random(2) === 0 ? fitting(pattern, random) : [];
  if (all.length === 0 || random(4) === 0) {
    for (let more = random(3); more >= 0; more--) {
      all.splice(
        random(all.length + 1),
        0,
        ['--a', '--b', '--va', '1', '2', 'wa', 'wb'][random(7)] as string,
      );
    }
  }
  return {
    flags: all.filter(word => word.startsWith('--')).slice(0, 4),
    words: all.filter(word => !word.startsWith('--')).slice(0, 4),
  };
}

/** Options anywhere between the words, each value after its option or behind `=`. */
function mixed({ flags, words }: Given, random: Random): string[] {
  const mix = words.map(word => [word]);
  for (const flag of flags) {
    const form = !flag.startsWith('--v') ? [flag] : random(2) === 0 ? [flag, 'value'] : [`${flag}=value`];
    mix.splice(random(mix.length + 1), 0, form);
  }
  return mix.flat();
}

/** The real answer in the form of the slow one: what each argument and word got. */
function real(pattern: string, words: readonly string[]) {
  // The second usage declares every option of the alphabet, so that none is unknown; its word is never given.
  const all = '--a --b --c --va=<v> --vb=<v> --vc=<v>';
  const parsed = parseDocopt(`Usage:\n  prog ${pattern}\n  prog never ${all}\n`, words);
  if (parsed.kind === 'mismatch' && parsed.text.startsWith('Invalid arguments.')) return undefined;
  if (parsed.kind !== 'values') throw new Error(`${pattern}: ${JSON.stringify(parsed)}`);
  return parsed.values;
}

function difference(pattern: Tree, given: Given, words: readonly string[]): string | undefined {
  const wanted = naiveMatch(pattern, given, false);
  const found = real(written(pattern), words);
  const at = `prog ${written(pattern)} ← ${words.join(' ')}`;
  if ((wanted === undefined) !== (found === undefined)) return `${at}: wanted ${wanted ? 'a match' : 'none'}`;
  if ((naiveMatch(pattern, given, true) === undefined) !== (found === undefined))
    return `${at}: strictly otherwise`;
  if (wanted === undefined || found === undefined) return undefined;
  for (const [name, value] of found) {
    if (name.startsWith('--') || name === 'never') continue;
    const words = (wanted.get(name) ?? '').split(' ').filter(word => word !== '');
    const text =
      value.kind === 'list' ? value.items.join(' ') : value.kind === 'value' ? (value.text ?? '') : undefined;
    const count =
      value.kind === 'count' ? value.count : value.kind === 'flag' ? Number(value.set) : undefined;
    if (text !== undefined && text !== words.join(' '))
      return `${at}: ${name} is ${text}, not ${words.join(' ')}`;
    if (count !== undefined && count !== words.length)
      return `${at}: ${name} ${count} times, not ${words.length}`;
  }
  return undefined;
}

t.test(`§1.8 dialect: ${ROUNDS} random patterns agree with a second implementation`, async t => {
  const source = seededRandom(SEED);
  const random: Random = below => source.between(0, below);
  const wrong: string[] = [];
  let matched = 0;
  let compared = 0;
  while (compared < ROUNDS && wrong.length < 5) {
    const pattern: Tree = { is: 'all', of: Array.from({ length: 1 + random(3) }, () => tree(random, 1)) };
    const given = commandLine(pattern, random);
    const words = mixed(given, random);
    try {
      const found = difference(pattern, given, words);
      if (found !== undefined) wrong.push(found);
      compared++;
      if (naiveMatch(pattern, given, false) !== undefined) matched++;
    } catch (error) {
      if (!(error instanceof TooMany)) throw error;
    }
  }
  t.same(wrong, [], `seed ${SEED}`);
  t.ok(matched > ROUNDS / 5, `${matched} of ${compared} lines fit their pattern`);
});

const PIECES = [
  'Usage:',
  'usage: ',
  'vagga',
  'x',
  '[',
  ']',
  '(',
  ')',
  '|',
  '...',
  ' ...',
  '--a',
  '-b',
  '-',
  '--',
  '=',
  '<c>',
  'DIR',
];
const MORE = [
  '[options]',
  '\n',
  '\n\n',
  '  ',
  ' ',
  ',',
  '[default: 1]',
  'Options:',
  '-----',
  'ß',
  '\t',
  '<',
  '>',
];

t.test('§1.8 malformed: 20,000 random texts give an answer and never an exception', async t => {
  const source = seededRandom(SEED + 1);
  const random: Random = below => source.between(0, below);
  const pieces = [...PIECES, ...MORE];
  const kinds = new Map<string, number>();
  for (let round = 0; round < 20_000; round++) {
    const piece = () => pieces[random(pieces.length)] as string;
    const head = random(4) === 0 ? '' : 'Usage: vagga x ';
    const text = head + Array.from({ length: random(25) }, piece).join(random(2) === 0 ? ' ' : '');
    const words = Array.from({ length: random(5) }, () => (random(2) === 0 ? 'x' : piece()));
    const { kind } = parseDocopt(text, words);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  for (const kind of ['values', 'mismatch', 'malformed'])
    t.ok((kinds.get(kind) ?? 0) > 100, `${kind} occurs`);
});
