/**
 * Lua values → canonical JSON text: sorted keys, one number format, so that equal schedules give equal bytes under every
 * engine. Pure; the engines deliver `RawValue`s.
 */

/** A Lua table as its pairs, in any order. `markedList`: made by `verwalter.list`, so that an empty one is `[]`. */
export interface RawTable {
  readonly entries: readonly (readonly [RawValue, RawValue])[];
  readonly markedList: boolean;
}

/** `{unsupported}` names a type JSON does not have, e.g. `function`. `{invalidText}`: a string that is not UTF-8. */
export type RawValue =
  | null
  | boolean
  | number
  | string
  | RawTable
  | { readonly unsupported: string }
  | { readonly invalidText: true };

/** Numbers above are not exact in every JSON reader, and only one of the two engines could hold them. */
const MAX_NUMBER = Number.MAX_SAFE_INTEGER;

class EncodeError extends Error {}

function fail(path: readonly string[], problem: string): never {
  throw new EncodeError(`${path.join('.')}: ${problem}`);
}

function numberText(value: number, path: readonly string[]): string {
  if (!Number.isFinite(value))
    fail(path, `${Number.isNaN(value) ? 'nan' : 'infinity'} cannot be written as JSON`);
  if (Math.abs(value) > MAX_NUMBER) fail(path, 'a number above 2^53-1 cannot be written to a schedule');
  return JSON.stringify(value);
}

/** 1…n without holes and nothing else: a list. */
function asList(table: RawTable): RawValue[] | undefined {
  const size = table.entries.length;
  if (size === 0) return table.markedList ? [] : undefined;
  const items = new Array<RawValue>(size);
  for (const [key, value] of table.entries) {
    if (typeof key !== 'number' || !Number.isInteger(key) || key < 1 || key > size) return undefined;
    items[key - 1] = value;
  }
  return items;
}

function keyText(key: RawValue, path: readonly string[]): string {
  if (typeof key === 'string') return key;
  if (typeof key === 'number') return numberText(key, path);
  if (typeof key === 'boolean') return String(key);
  if (key !== null && 'invalidText' in key) return fail(path, 'a key is not valid UTF-8');
  return fail(path, 'a key must be a string, a number or a boolean');
}

function objectText(table: RawTable, path: readonly string[]): string {
  const pairs = table.entries.map(([key, value]) => [keyText(key, path), value] as const);
  pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const parts = pairs.map(([key, value], index) => {
    if (index > 0 && pairs[index - 1]?.[0] === key)
      fail(path, `the key ${key} is there both as a number and as a string`);
    return `${JSON.stringify(key)}:${valueText(value, [...path, key])}`;
  });
  return `{${parts.join(',')}}`;
}

function valueText(value: RawValue, path: readonly string[]): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return numberText(value, path);
  if ('unsupported' in value) return fail(path, `a ${value.unsupported} cannot be written as JSON`);
  if ('invalidText' in value) return fail(path, 'a string is not valid UTF-8');
  const items = asList(value);
  if (items === undefined) return objectText(value, path);
  return `[${items.map((item, index) => valueText(item, [...path, String(index + 1)])).join(',')}]`;
}

/** `root` names the value in errors. Throws an `Error` that names the place, e.g. `schedule.nodes.mars: a function cannot be written as JSON`. */
export function encodeLua(value: RawValue, root: string): string {
  return valueText(value, [root]);
}
