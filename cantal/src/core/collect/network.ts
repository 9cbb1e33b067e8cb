// /proc/net/dev: the second line names the columns, so they follow the kernel. /proc/net/netstat: pairs of lines.
import { integer, lines, type Reading, type Sample, words } from './sample.ts';

export function parseNetDev(text: string): Sample[] {
  const [, header = '', ...rest] = lines(text);
  const [, receive, transmit] = header.split('|');
  if (receive === undefined || transmit === undefined) throw new Error('no column names in the second line');
  const metrics = [
    ...words(receive).map(column => `net.interface.rx.${column}`),
    ...words(transmit).map(column => `net.interface.tx.${column}`),
  ];
  return rest.flatMap(line => {
    const colon = line.lastIndexOf(':');
    if (colon < 0) return [];
    const values = words(line.slice(colon + 1));
    const readings = metrics.map((metric, index): Reading => [metric, 'Counter', integer(values[index])]);
    return [{ labels: { interface: line.slice(0, colon).trim() }, readings }];
  });
}

/** Negative values are no counters and are dropped; a pair with two prefixes ends the reading. */
export function parseNetstat(text: string): Sample[] {
  const all = lines(text);
  const readings: Reading[] = [];
  for (let index = 0; index + 1 < all.length; index += 2) {
    const [prefix = '', ...names] = words(all[index] as string);
    const [samePrefix, ...values] = words(all[index + 1] as string);
    if (prefix !== samePrefix) break;
    names.forEach((name, column) => {
      const value = integer(values[column]);
      readings.push([`net.${prefix.slice(0, -1)}.${name}`, 'Counter', value < 0 ? Number.NaN : value]);
    });
  }
  return [{ labels: {}, readings }];
}
