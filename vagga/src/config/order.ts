// The order of names: that of their UTF-8 bytes, which is the order of code points.

const codePoints = (text: string) => Array.from(text, character => character.codePointAt(0) as number);

/** Negative when `left` comes first. JavaScript's own order differs for characters beyond the first 65,536. */
export function byCodePoint(left: string, right: string): number {
  if (left === right) return 0;
  if (!/[\ud800-\udfff]/.test(left + right)) return left < right ? -1 : 1;
  const [a, b] = [codePoints(left), codePoints(right)];
  const at = a.findIndex((code, index) => code !== b[index]);
  return at < 0 ? -1 : (a[at] as number) - (b[at] ?? -1);
}
