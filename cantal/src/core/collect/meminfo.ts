// /proc/meminfo: bytes; lines without a unit are counts and stay as they are, other units are left out.
import { integer, lines, type Reading, type Sample, words } from './sample.ts';

function reading(line: string): Reading | undefined {
  const [label = '', value, unit] = words(line);
  if (!label.endsWith(':') || (unit !== undefined && unit !== 'kB')) return undefined;
  return [`memory.${label.slice(0, -1)}`, 'Integer', integer(value) * (unit === 'kB' ? 1024 : 1)];
}

export function parseMeminfo(text: string): Sample[] {
  const readings = lines(text).flatMap(line => {
    const found = reading(line);
    return found === undefined ? [] : [found];
  });
  if (readings.length === 0) throw new Error('no line "Name: value"');
  return [{ labels: {}, readings }];
}
