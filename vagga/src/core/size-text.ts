// Sizes as §3.6 of the format shows them: thousands, one decimal below ten.

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** `12B`, `1.2KB`, `31MB`. */
export function sizeText(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000;
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)}${UNITS[unit]}`;
}
