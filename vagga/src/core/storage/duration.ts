// Durations as people write them: `10days`, `1h 30m`, `2weeks 1day`.

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;
/** Of the Gregorian calendar on average. */
const YEAR_MS = 365.25 * DAY_MS;

const UNITS: readonly (readonly [readonly string[], number])[] = [
  [['nsec', 'ns'], 1e-6],
  [['usec', 'us'], 1e-3],
  [['msec', 'ms'], 1],
  [['seconds', 'second', 'sec', 's'], SECOND_MS],
  [['minutes', 'minute', 'min', 'm'], 60 * SECOND_MS],
  [['hours', 'hour', 'hrs', 'hr', 'h'], HOUR_MS],
  [['days', 'day', 'd'], DAY_MS],
  [['weeks', 'week', 'w'], 7 * DAY_MS],
  [['months', 'month', 'M'], YEAR_MS / 12],
  [['years', 'year', 'y'], YEAR_MS],
];

const PART = /\s*(\d+)\s*([a-zA-Z]+)\s*/y;

/** Milliseconds; undefined when it is no duration. */
export function durationMs(text: string): number | undefined {
  let total: number | undefined;
  PART.lastIndex = 0;
  for (let at = 0; at < text.length; at = PART.lastIndex) {
    const [, count, unit = ''] = PART.exec(text) ?? [];
    const factor = UNITS.find(([names]) => names.includes(unit))?.[1];
    if (count === undefined || factor === undefined) return undefined;
    total = (total ?? 0) + Number(count) * factor;
  }
  return total;
}
