// Pieces of the model that containers and commands share.
import { DEFAULT_IDS } from './defaults.ts';
import type { IdRange, Json, Place, Step, Volume } from './model.ts';

export interface Located<T> {
  readonly value: T;
  readonly node: Place;
}

export const place = ({ file, line, column }: Place): Place => ({ file, line, column });

/** A step or a volume, at its tag. */
export function tagged(item: Located<{ readonly tag: string; readonly value: unknown }>): Step & Volume {
  return { tag: item.value.tag, value: (item.value.value ?? null) as Json, ...place(item.node) };
}

/** The keys that are there; absent ones leave no property, so that the cache says the same. */
export function present<T extends object, K extends keyof T>(value: T, ...keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(
    keys.filter(key => value[key] !== undefined).map(key => [key, value[key]]),
  ) as Pick<T, K>;
}

/** `N` or `A-B`, both inclusive in the file. */
function idRange(text: string): IdRange {
  const [first, last] = text.split('-');
  return { start: Number(first), end: Number(last ?? first) + 1 };
}

/** None at all means those of an ordinary system. */
export function idRanges(texts: readonly string[]): readonly IdRange[] {
  return texts.length === 0 ? DEFAULT_IDS : texts.map(idRange);
}
