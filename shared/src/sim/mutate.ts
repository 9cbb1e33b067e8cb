// Seeded damage to config files: what editors, disks, templates and attackers make of a valid one.
import type { Random } from '../ports/random.ts';
import { chance, pick } from './random.ts';

const latin = (text: string) => Buffer.from(text, 'latin1');

/** A piece of `bytes` of at most `longest`. */
function piece(random: Random, bytes: Buffer, longest = 40): [from: number, to: number] {
  const from = random.between(0, bytes.length + 1);
  return [from, Math.min(bytes.length, from + random.between(0, longest))];
}

function replaced(bytes: Buffer, from: number, to: number, middle: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)]);
}

/** Where a value begins: behind `: `, `- ` or `[`. */
function valueAt(random: Random, bytes: Buffer): [from: number, to: number] {
  const text = bytes.toString('latin1');
  const places = [...text.matchAll(/[:[{,-] +([^\n,\]}]*)/g)];
  if (places.length === 0) return [bytes.length, bytes.length];
  const found = pick(random, places);
  const value = found[1] ?? '';
  const from = found.index + found[0].length - value.length;
  return [from, from + value.length];
}

const VALUES = [
  '',
  '~',
  'null',
  'true',
  '-1',
  '99999999999999999999',
  '0x',
  '1e9',
  '.inf',
  '[]',
  '{}',
  '[[[[]]]]',
  '{a: {b: c}}',
  '"\\0"',
  '"\\ud800"',
  '!Tmpfs',
  '!Nope x',
  '!!str x',
  '!*Include /etc/passwd',
  '!*Unpack [[a]]',
  '*missing',
  '&a *a',
  '@{x}',
  '@{',
  '/../../etc',
  '__proto__',
  'constructor',
  'yes',
  '0o777',
  '100 Mi',
  'a/../b',
  '!*IncludeMap x',
  '|\n  text',
  '>-\n  text',
  "'it''s'",
  '"unclosed',
  '10.0.0.1',
  '::1/64',
  '% directive',
  '? key',
  '\u{1f600}',
];

const LINES = [
  '---',
  '...',
  '%YAML 1.1',
  '<<: {a: b}',
  '<<: *a',
  '\tkey: value',
  '? [a]',
  '- item',
  '__proto__: {x: 1}',
  'constructor: 5',
  '_note: *a',
  '{',
  ']',
  '#',
];

/** A few lines that mean millions of nodes. */
function aliasBomb(): Buffer {
  const levels = Array.from(
    { length: 9 },
    (_, level) =>
      `_b${level}: &b${level} [${
        level === 0
          ? '1'
          : Array(9)
              .fill(`*b${level - 1}`)
              .join(', ')
      }]`,
  );
  return latin(`${levels.join('\n')}\n`);
}

function nested(random: Random): Buffer {
  // Deep ones are slow to make and to read, and all alike.
  const depth = chance(random, 0.05) ? random.between(60, 3_000) : random.between(2, 80);
  const [open, close] = pick(random, [
    ['[', ']'],
    ['{a: ', '}'],
    ['- ', ''],
    ['? ', ''],
  ] as const);
  return latin(`_n: ${open.repeat(depth)}${chance(random, 0.5) ? close.repeat(depth) : ''}\n`);
}

type Mutation = (random: Random, bytes: Buffer, others: readonly Buffer[]) => Buffer;

function insertLine(random: Random, bytes: Buffer, line: Buffer): Buffer {
  const starts = [0, ...[...bytes.keys()].filter(index => bytes[index] === 10).map(index => index + 1)];
  const at = pick(random, starts);
  return replaced(bytes, at, at, line);
}

const MUTATIONS: readonly Mutation[] = [
  // One byte becomes any other, NUL and broken UTF-8 among them.
  (random, bytes) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[random.between(0, copy.length)] = random.between(0, 256);
    return copy;
  },
  (random, bytes) => replaced(bytes, ...piece(random, bytes), Buffer.alloc(0)),
  (random, bytes) => {
    const [from, to] = piece(random, bytes);
    return replaced(bytes, to, to, bytes.subarray(from, to));
  },
  (random, bytes) => bytes.subarray(0, random.between(0, bytes.length + 1)),
  // A piece of another valid file.
  (random, bytes, others) => {
    const other = pick(random, others);
    const [from, to] = piece(random, other, 400);
    return replaced(bytes, ...piece(random, bytes), other.subarray(from, to));
  },
  // Two lines change places, or two values do.
  (random, bytes) => {
    const lines = bytes.toString('latin1').split('\n');
    const [a, b] = [random.between(0, lines.length), random.between(0, lines.length)];
    [lines[a], lines[b]] = [lines[b] as string, lines[a] as string];
    return latin(lines.join('\n'));
  },
  (random, bytes) => {
    const [from, to] = valueAt(random, bytes);
    return replaced(bytes, from, to, Buffer.from(pick(random, VALUES)));
  },
  (random, bytes) => {
    const [from, to] = valueAt(random, bytes);
    const [other, end] = valueAt(random, bytes);
    return replaced(bytes, from, to, bytes.subarray(other, end));
  },
  (random, bytes) => insertLine(random, bytes, latin(`${pick(random, LINES)}\n`)),
  (random, bytes) => insertLine(random, bytes, latin(' '.repeat(random.between(1, 5)))),
  (random, bytes) => insertLine(random, bytes, random.next() < 0.5 ? aliasBomb() : nested(random)),
  (_random, bytes) => latin(bytes.toString('latin1').replaceAll('\n', '\r\n')),
  (_random, bytes) => latin(bytes.toString('latin1').replaceAll('\n', '\r')),
  (random, bytes) =>
    Buffer.concat([
      pick(
        random,
        [[0xef, 0xbb, 0xbf], [0xff, 0xfe], [0]].map(mark => Buffer.from(mark)),
      ),
      bytes,
    ]),
  (random, bytes) => {
    const at = random.between(0, bytes.length + 1);
    return replaced(bytes, at, at, Buffer.from(random.bytes(random.between(1, 8))));
  },
];

/** One to four of them, one after the other. */
export function mutate(random: Random, bytes: Buffer, others: readonly Buffer[]): Buffer {
  let result = bytes;
  const times = random.between(1, 5);
  for (let time = 0; time < times; time++) result = pick(random, MUTATIONS)(random, result, others);
  return result;
}
