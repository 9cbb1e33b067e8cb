// /proc/loadavg, /proc/uptime, /proc/sys/fs/file-nr: one line each.
import { integer, type Sample, words } from './sample.ts';

function decimal(text: string | undefined): number {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

/** `0.20 0.18 0.12 1/80 11206`: load over 1, 5, 15 minutes, runnable/total tasks, last pid. */
export function parseLoadavg(text: string): Sample[] {
  const [one, five, fifteen, tasks = '', lastPid] = words(text);
  const [runnable, total] = tasks.split('/');
  return [
    {
      labels: {},
      readings: [
        ['load_avg_1min', 'Float', decimal(one)],
        ['load_avg_5min', 'Float', decimal(five)],
        ['load_avg_15min', 'Float', decimal(fifteen)],
        ['proc_runnable', 'Integer', integer(runnable)],
        ['proc_total', 'Integer', integer(total)],
        ['last_pid', 'Float', integer(lastPid)],
      ],
    },
  ];
}

/** Seconds since boot, seconds idle summed over cpus. */
export function parseUptime(text: string): Sample[] {
  const [uptime, idle] = words(text);
  return [
    {
      labels: {},
      readings: [
        ['uptime', 'Float', decimal(uptime)],
        ['idle_time', 'Float', decimal(idle)],
      ],
    },
  ];
}

export function parseFileNr(text: string): Sample[] {
  return [{ labels: {}, readings: [['open_files', 'Integer', integer(words(text)[0])]] }];
}
