import { readdirSync, readFileSync } from 'node:fs';
import { libc } from './native.ts';

const P_ALL = 0;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
/** sizeof(siginfo_t) and where si_pid is in it, on 64-bit Linux. */
const SIGINFO_BYTES = 128;
const SI_PID_OFFSET = 16;
/** More in one go would keep the event loop waiting; the caller comes again. */
const MAX_PER_CALL = 1000;

const waitid = libc('int waitid(int type, int id, void *info, int options)');
const waitpid = libc('int waitpid(int pid, void *status, int options)');

export interface Reaped {
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

function reap(pid: number): Reaped | undefined {
  const status = Buffer.alloc(4);
  return waitpid(pid, status, WNOHANG) === pid ? { pid, status: decode(status.readInt32LE(0)) } : undefined;
}

/** Children of every thread; adopted ones belong to the main thread. Needs CONFIG_PROC_CHILDREN, as Debian has. */
function children(): number[] {
  const text = readdirSync('/proc/self/task').map(thread => {
    try {
      return readFileSync(`/proc/self/task/${thread}/children`, 'utf8');
    } catch {
      return '';
    }
  });
  return text
    .join(' ')
    .split(' ')
    .filter(word => word !== '')
    .map(Number);
}

/**
 * Reaps ended children that Node did not start (PID 1 and sub-reapers inherit them). `known`: pids of Node's own
 * children, which must be left to libuv. Call it on SIGCHLD: costs two system calls when there is nothing to do.
 */
export function reapOrphans(known: ReadonlySet<number>): Reaped[] {
  const reaped: Reaped[] = [];
  for (let pid = peek(); pid > 0 && reaped.length < MAX_PER_CALL; pid = peek()) {
    // The kernel shows the same one again until libuv takes it: look behind it by name.
    const pids = known.has(pid) ? children().filter(child => !known.has(child)) : [pid];
    for (const each of pids) reaped.push(...[reap(each) ?? []].flat());
    if (known.has(pid)) break;
  }
  return reaped;
}
