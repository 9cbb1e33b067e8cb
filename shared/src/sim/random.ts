import type { Random } from '../ports/random.ts';

const TWO_32 = 2 ** 32;

/**
 * Repeatable numbers: sfc32 (Chris Doty-Humphrey's PractRand), 128 bits of state, four integer additions per number.
 * Not for secrets.
 */
export function seededRandom(seed: number): Random {
  let a = 0x9e3779b9;
  let b = seed | 0;
  let c = Math.floor(seed / TWO_32) | 0;
  let counter = 1;
  function next32(): number {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    return result >>> 0;
  }
  // Neighbouring seeds begin alike; the author's own number of rounds makes them differ.
  for (let round = 0; round < 12; round++) next32();
  return {
    next: () => next32() / TWO_32,
    between: (minInclusive, maxExclusive) =>
      minInclusive + Math.floor((next32() / TWO_32) * (maxExclusive - minInclusive)),
    bytes: count => Uint8Array.from({ length: count }, () => next32() & 0xff),
  };
}

/** A waiting time of a memoryless process: mostly short, sometimes many times the mean. */
export function exponential(random: Random, mean: number): number {
  return -Math.log(1 - random.next()) * mean;
}

export function chance(random: Random, probability: number): boolean {
  return probability > 0 && random.next() < probability;
}

export function pick<T>(random: Random, list: readonly [T, ...T[]] | readonly T[]): T {
  if (list.length === 0) throw new RangeError('nothing to pick from');
  return list[random.between(0, list.length)] as T;
}

/** Fisher-Yates on a copy. */
export function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const result = [...list];
  for (let last = result.length - 1; last > 0; last--) {
    const other = random.between(0, last + 1);
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}
