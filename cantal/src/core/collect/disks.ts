// /proc/diskstats: one line per block device, partitions included; ram and loop devices are left out.
import { integer, lines, type Reading, type Sample, words } from './sample.ts';

/** Bytes: the kernel counts sectors of 512 bytes whatever the device has. */
const SECTOR_BYTES = 512;

const FIELDS: readonly (readonly [metric: string, kind: 'Counter' | 'Integer', factor: number])[] = [
  ['disk.read.ops', 'Counter', 1],
  ['disk.read.merges', 'Counter', 1],
  ['disk.read.bytes', 'Counter', SECTOR_BYTES],
  ['disk.read.time', 'Counter', 1],
  ['disk.write.ops', 'Counter', 1],
  ['disk.write.merges', 'Counter', 1],
  ['disk.write.bytes', 'Counter', SECTOR_BYTES],
  ['disk.write.time', 'Counter', 1],
  ['disk.in_progress', 'Integer', 1],
  ['disk.time', 'Counter', 1],
  ['disk.weighted_time', 'Counter', 1],
];

export function parseDiskstats(text: string): Sample[] {
  return lines(text).flatMap(line => {
    const [, , device = '', ...values] = words(line);
    if (device === '' || device.startsWith('ram') || device.startsWith('loop')) return [];
    const readings = FIELDS.map(
      ([metric, kind, factor], index): Reading => [metric, kind, integer(values[index]) * factor],
    );
    return [{ labels: { device }, readings }];
  });
}
