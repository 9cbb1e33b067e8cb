/**
 * Canonical JSON: no blanks, keys in the order of their UTF-8 bytes, non-ASCII unescaped, numbers as JavaScript prints them
 * (so 1.0 is `1` on every node and under both Lua engines). Equal data gives equal text, hence equal hashes.
 * Throws on what JSON cannot hold: NaN, infinities, undefined items, functions.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`not a JSON number: ${value}`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object') throw new TypeError(`not a JSON value: ${typeof value}`);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([one], [two]) => compareKeys(one, two));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}

/** UTF-8 order is code point order; JavaScript's own comparison would put U+E000-U+FFFF after the astral characters. */
function compareKeys(one: string, two: string): number {
  const length = Math.min(one.length, two.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [one.charCodeAt(at), two.charCodeAt(at)];
    if (left !== right) return rank(left) - rank(right);
  }
  return one.length - two.length;
}

/** Surrogates (astral characters) after everything else. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
