// PID 1 of a whole machine (not of a namespace): the kernel panics when it ends, so it never does. It switches the
// machine off, or starts it anew, after everything of it has stopped.
//
//   all containers stopped ──▶ TERM to the rest ──▶ KILL ──▶ disks read-only ──▶ reboot(2)
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Logger } from '@suite/shared/cli/log.ts';
import { mount } from '@suite/shared/linux/mount.ts';
import { endMachine, type PowerAction, syncDisks } from '@suite/shared/linux/power.ts';
import { parseProcStat } from '@suite/shared/linux/proc.ts';
import { TIMES } from '../config/defaults.ts';

/** Inode of the first pid namespace of every kernel (PROC_PID_INIT_INO in linux/proc_ns.h). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';
/** All kernel threads are its children. */
const KTHREADD = 2;
const POLL_MS = 20;

export function isMachine(): boolean {
  try {
    return process.pid === 1 && readlinkSync('/proc/self/ns/pid') === FIRST_PID_NAMESPACE;
  } catch {
    // Without /proc this is an init that was started too early: its end would be the machine's end all the same.
    return process.pid === 1;
  }
}

function isOther(pid: number): boolean {
  try {
    const stat = parseProcStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    return (
      pid !== 1 && pid !== KTHREADD && stat !== undefined && stat.ppid !== KTHREADD && stat.state !== 'Z'
    );
  } catch {
    return false;
  }
}

function others(): number {
  return readdirSync('/proc').map(Number).filter(Number.isInteger).filter(isOther).length;
}

/** Everything but us and the kernel; whoever has ended in between is no error. */
function signalAll(signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-1, signal);
  } catch {
    // Nobody is left.
  }
}

async function endOthers(): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    signalAll(signal);
    const giveUpMs = performance.now() + TIMES.lastProcessesMs;
    while (others() > 0 && performance.now() < giveUpMs)
      await new Promise(resolve => setTimeout(resolve, POLL_MS));
  }
}

/** Blank, tab, newline and backslash are written in octal (proc(5)). */
function unescaped(path: string): string {
  return path.replaceAll(/\\(\d{3})/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}

/** The last mounted first: one may lie on the other. */
function diskMounts(): string[] {
  const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const targets = lines.map(line => line.split(' ')).filter(([source]) => source?.startsWith('/dev/'));
  return targets.map(([, target = '']) => unescaped(target)).reverse();
}

/** Sentences about those that could not be made read-only: somebody writes to a file there. */
export function makeReadOnly(targets: readonly string[]): string[] {
  return targets.flatMap(target => {
    try {
      mount({ source: 'none', target, flags: ['remount', 'readonly'] });
      return [];
    } catch (error) {
      return [`${target} stays writable: ${(error as Error).message}`];
    }
  });
}

function closeDisks(log: Logger, closeLog: () => void): void {
  syncDisks();
  // Its disk cannot become read-only while we have it open; what is said from here on is for the console.
  closeLog();
  for (const words of makeReadOnly(diskMounts())) log.warn(words);
  syncDisks();
}

/** Never resolves: the kernel ends us. `closeLog`: lets go of the files `log` writes to. */
export async function leaveMachine(action: PowerAction, log: Logger, closeLog: () => void): Promise<never> {
  log.warn(`${action}: everything has stopped`);
  await endOthers();
  closeDisks(log, closeLog);
  for (;;) {
    try {
      endMachine(action);
    } catch (error) {
      log.error(`${action}: ${(error as Error).message}`);
    }
    await new Promise(resolve => setTimeout(resolve, TIMES.lastProcessesMs));
  }
}
