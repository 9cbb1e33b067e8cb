import { readdirSync, readFileSync } from 'node:fs';
import { checked, libc } from './native.ts';
import { parseProcStat } from './proc.ts';

const P_ALL = 0;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
/** sizeof(siginfo_t) and where si_pid is in it, on 64-bit Linux. */
const SIGINFO_BYTES = 128;
const SI_PID_OFFSET = 16;
/** More in one go would keep the event loop waiting; the caller comes again. */
const MAX_PER_CALL = 1000;

const PR_SET_CHILD_SUBREAPER = 36;

const prctl = libc(
  'int prctl(int option, unsigned long value, unsigned long a, unsigned long b, unsigned long c)',
);
const waitid = libc('int waitid(int type, int id, void *info, int options)');
const waitpid = libc('int waitpid(int pid, void *status, int options)');

interface Reaped {
  readonly pid: number;
  /** Exit code, or 128 + N when signal N ended it (the convention of shells and conmon). */
  readonly status: number;
}

/** The first of our children that has ended, left as it is; 0 when there is none. */
function peek(): number {
  const info = Buffer.alloc(SIGINFO_BYTES);
  return waitid(P_ALL, 0, info, WNOHANG | WEXITED | WNOWAIT) === 0 ? info.readInt32LE(SI_PID_OFFSET) : 0;
}

/** wait(2): the low 7 bits are the signal, the next byte the exit code. */
function decode(status: number): number {
  const signal = status & 0x7f;
  return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
}

/** A child that Node did not start, when it has ended. */
export function reap(pid: number): Reaped | undefined {
  const status = Buffer.alloc(4);
  return waitpid(pid, status, WNOHANG) === pid ? { pid, status: decode(status.readInt32LE(0)) } : undefined;
}

/** All of them, ended or not; undefined from a kernel without that file. */
function children(): number[] | undefined {
  try {
    const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1');
    // Never 0, which means every child to waitpid.
    return text
      .split(' ')
      .map(Number)
      .filter(pid => pid > 0);
  } catch {
    return undefined;
  }
}

/** Our ended children by /proc, which costs a millisecond per few hundred processes. */
function zombies(): number[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name));
  return pids.map(Number).filter(pid => {
    try {
      const stat = parseProcStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
      return stat?.ppid === process.pid && stat.state === 'Z';
    } catch {
      return false;
    }
  });
}

/** What our descendants leave behind becomes our child instead of that of PID 1. Stays so over exec. */
export function becomeSubreaper(): void {
  checked('prctl', prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

/**
 * Reaps ended children that Node did not start (PID 1 and sub-reapers inherit them). `known`: pids of Node's own
 * children, which must be left to libuv. Call it on SIGCHLD: costs two system calls when there is nothing to do.
 */
export function reapOrphans(known: ReadonlySet<number>): Reaped[] {
  const reaped: Reaped[] = [];
  for (let pid = peek(); pid > 0 && reaped.length < MAX_PER_CALL; pid = peek()) {
    // The kernel shows one of Node's own again and again until libuv takes it: look behind it.
    const isOurs = known.has(pid);
    for (const each of isOurs ? (children() ?? zombies()) : [pid]) {
      const result = known.has(each) ? undefined : reap(each);
      if (result !== undefined) reaped.push(result);
    }
    if (isOurs) break;
  }
  return reaped;
}
