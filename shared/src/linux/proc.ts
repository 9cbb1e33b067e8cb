import { readFileSync } from 'node:fs';

const PF_EXITING = 0x4;
/** proc(5) counts from 1; behind the name comes the third. */
const FLAGS_FIELD = 9;
const FIRST_FIELD = 3;

/** Fields of /proc/PID/stat that the suite uses (proc(5)); times in clock ticks, memory in pages. */
interface ProcStat {
  readonly pid: number;
  /** At most 15 bytes of the program's name, any characters. */
  readonly name: string;
  /** One letter: R S D Z T t X I. */
  readonly state: string;
  readonly ppid: number;
  readonly processGroup: number;
  readonly session: number;
  readonly utime: number;
  readonly stime: number;
  readonly threads: number;
  /** Ticks after boot; with the pid it names a process for good. */
  readonly starttime: number;
  readonly virtualBytes: number;
  readonly residentPages: number;
}

interface ProcStatus {
  readonly name: string;
  readonly state: string;
  readonly ppid: number;
  /** Real, effective, saved, file system. */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly residentKiB: number | undefined;
  readonly threads: number;
  /** The pid in each nested pid namespace, outermost first. */
  readonly namespacePids: readonly number[];
}

/** The name may hold spaces and brackets, so the fields begin after the last `)`. Undefined: not a stat line. */
export function parseProcStat(text: string): ProcStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const rest = text
    .slice(close + 2)
    .trim()
    .split(' ');
  // Field 3 of proc(5) is rest[0].
  const field = (number: number) => Number(rest[number - 3]);
  if (rest.length < 22) return undefined;
  return {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    state: rest[0] as string,
    ppid: field(4),
    processGroup: field(5),
    session: field(6),
    utime: field(14),
    stime: field(15),
    threads: field(20),
    starttime: field(22),
    virtualBytes: field(23),
    residentPages: field(24),
  };
}

/** `text` of /proc/PID/status. */
export function parseStatus(text: string): ProcStatus {
  const lines = text.split('\n').map(line => line.split(/:\s*/, 2) as [string, string | undefined]);
  const fields = new Map(lines);
  const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter(word => word !== '');
  const resident = words('VmRSS')[0];
  return {
    name: fields.get('Name') ?? '',
    state: words('State')[0] ?? '',
    ppid: Number(words('PPid')[0]),
    uids: words('Uid').map(Number),
    gids: words('Gid').map(Number),
    residentKiB: resident === undefined ? undefined : Number(resident),
    threads: Number(words('Threads')[0]),
    namespacePids: words('NSpid').map(Number),
  };
}

/** Seconds since 1970 when the machine started; `text` of /proc/stat. */
export function bootTime(text: string): number | undefined {
  const found = /^btime (\d+)$/m.exec(text);
  return found === null ? undefined : Number(found[1]);
}

/**
 * When a process started, as ticks after boot: a pid is used again, pid and start time together are not. Undefined:
 * no such process, or only its zombie is left.
 */
export function processStartTime(pid: number): string | undefined {
  try {
    const stat = parseProcStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    return stat === undefined || stat.state === 'Z' || stat.state === 'X'
      ? undefined
      : String(stat.starttime);
  } catch {
    return undefined;
  }
}

/** False for a zombie too: it only waits for its parent. */
export function isAlive(pid: number): boolean {
  return processStartTime(pid) !== undefined;
}

/** Its task is being taken down (PF_EXITING of linux/sched.h), or is gone already. */
export function isEnding(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const flags = Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[FLAGS_FIELD - FIRST_FIELD]);
    return (flags & PF_EXITING) !== 0;
  } catch {
    return true;
  }
}
