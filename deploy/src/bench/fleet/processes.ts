import { readdirSync, readFileSync } from 'node:fs';
import { parseProcStat } from '@suite/shared/linux/proc.ts';

const MIB_KIB = 1024;

function text(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

export function pids(): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number);
}

export function command(pid: number): string[] {
  return text(`/proc/${pid}/cmdline`).split('\0');
}

export function parent(pid: number): number {
  return parseProcStat(text(`/proc/${pid}/stat`))?.ppid ?? 0;
}

/** The sleeping programs of a contender: it gives them its name in the environment, which a container does not hide. */
export function sleepers(tag: string): number[] {
  return pids().filter(
    pid => command(pid)[1] === 'sleep' && text(`/proc/${pid}/environ`).split('\0').includes(`BENCH=${tag}`),
  );
}

/** Asks again at once until it is answered: for what is true in a moment. */
export async function until<T>(what: string, look: () => T | undefined, deadlineMs = 30_000): Promise<T> {
  const giveUpMs = performance.now() + deadlineMs;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > giveUpMs) throw new Error(`waited in vain until ${what}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

function rollup(pid: number, field: string): number {
  return Number(
    new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0,
  );
}

/** As `ps` and `top` say it. */
export function residentMiB(pid: number): number {
  return rollup(pid, 'Rss') / MIB_KIB;
}

/** What is shared is counted in parts, so that it may be added up. */
export function proportionalMiB(pid: number): number {
  return rollup(pid, 'Pss') / MIB_KIB;
}

/** Time on a CPU of all threads together: the kernel's own clock, where the ticks of `stat` would miss or overrate short turns. */
export function cpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const each = threads.map(thread => Number(text(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]));
  return each.reduce((sum, ns) => sum + ns, 0) / 1e6;
}
