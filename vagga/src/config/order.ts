// The order of names: that of their UTF-8 bytes, which is the order of code points.

/** Half of a character beyond the first 65,536: those come after all others. */
const isHalf = (unit: number): boolean => unit >= 0xd800 && unit < 0xe000;

/** Negative when `left` comes first. JavaScript's own order differs for characters beyond the first 65,536. */
export function byCodePoint(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a === b) continue;
    if (isHalf(a) === isHalf(b)) return a - b;
    return isHalf(a) ? 1 : -1;
  }
  return left.length - right.length;
}
