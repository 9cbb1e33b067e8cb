// /proc/stat: processor time of all cores together, in clock ticks, and the boot time.
import { integer, type Reading, type Sample, words } from './sample.ts';

const CPU_FIELDS = [
  'user',
  'nice',
  'system',
  'idle',
  'iowait',
  'irq',
  'softirq',
  'steal',
  'guest',
  'guest_nice',
];

export function parseStat(text: string): Sample[] {
  const line = text.slice(0, text.indexOf('\n'));
  const [name, ...values] = words(line);
  if (name !== 'cpu') throw new Error('the first line is not "cpu"');
  const present = CPU_FIELDS.slice(0, values.length);
  return [
    {
      labels: {},
      readings: present.map((field, index): Reading => [`cpu.${field}`, 'Counter', integer(values[index])]),
    },
  ];
}

/** Unix seconds, undefined when the line is missing. */
export function parseBootTime(text: string): number | undefined {
  const found = /^btime (\d+)$/m.exec(text);
  return found === null ? undefined : Number(found[1]);
}
