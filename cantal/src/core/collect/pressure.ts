// /proc/pressure/{cpu,memory,io}: share of time in which tasks waited (percent, averages) and its total (microseconds).
import { lines, type Reading, type Sample, words } from './sample.ts';

export function parsePressure(text: string, resource: string): Sample[] {
  const readings = lines(text).flatMap(line => {
    const [who = '', ...pairs] = words(line);
    return pairs.map((pair): Reading => {
      const [name = '', value] = pair.split('=');
      return [`pressure.${resource}.${who}.${name}`, name === 'total' ? 'Counter' : 'Float', Number(value)];
    });
  });
  return [{ labels: {}, readings }];
}
