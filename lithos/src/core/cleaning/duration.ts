// Durations as people write them for `--keep-recent`: `30s`, `15m`, `1h`, `2days`, and sums such as `1h 30m`.

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^(ms|msecs?|millis|milliseconds?)$/, 'ms'],
  [/^(s|secs?|seconds?)$/, 's'],
  [/^(m|mins?|minutes?)$/, 'm'],
  [/^(h|hrs?|hours?)$/, 'h'],
  [/^(d|days?)$/, 'd'],
  [/^(w|weeks?)$/, 'w'],
];
const WHOLE = /^(\s*\d+\s*[a-z]+)+\s*$/;
const PART = /(\d+)\s*([a-z]+)/g;

/** Milliseconds; undefined when it is no duration. */
export function parseDurationMs(text: string): number | undefined {
  if (!WHOLE.test(text)) return undefined;
  let totalMs = 0;
  for (const [, number, word = ''] of text.matchAll(PART)) {
    const unit = NAMES.find(([pattern]) => pattern.test(word))?.[1];
    if (unit === undefined) return undefined;
    totalMs += Number(number) * (UNITS[unit] as number);
  }
  return Number.isSafeInteger(totalMs) ? totalMs : undefined;
}
