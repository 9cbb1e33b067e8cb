// Numbers for people: SI for counts, IEC for bytes, ages in the largest fitting unit.

const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const SI = ['', 'k', 'M', 'G', 'T'];

function scaled(value: number, base: number, units: readonly string[]): string {
  let step = 0;
  let rest = Math.abs(value);
  while (rest >= base && step < units.length - 1) {
    rest /= base;
    step++;
  }
  const digits = rest >= 100 || (step === 0 && Number.isInteger(rest)) ? 0 : rest >= 10 ? 1 : 2;
  return `${value < 0 ? '−' : ''}${rest.toFixed(digits)} ${units[step] ?? ''}`.trim();
}

export const bytes = (value: number): string => scaled(value, 1024, IEC);
export const count = (value: number): string => scaled(value, 1000, SI);
export const percent = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} %`;

/** `ms` of elapsed time as `340 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`, `3 d`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d`;
}

export const clockTime = (unixMs: number): string => new Date(unixMs).toLocaleTimeString();
