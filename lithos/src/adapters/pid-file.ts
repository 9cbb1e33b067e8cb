// master.pid: one supervisor per runtime directory. The file holds only the pid (others read it); which process that
// is, its start time tells, kept beside it: a recycled pid does not block a start.

import { link } from 'node:fs/promises';
import { processStartTime } from '@suite/shared/linux/proc.ts';
import type { Disk } from '@suite/shared/ports/index.ts';
import { realClock } from '@suite/shared/ports/real.ts';
import { LIMITS, TIMES } from '../config/defaults.ts';

const START_SUFFIX = '.start';

async function read(disk: Disk, path: string): Promise<string> {
  return ((await disk.readText(path, LIMITS.stateFileBytes).catch(() => undefined)) ?? '').trim();
}

/** Pid of the living supervisor of this runtime directory, undefined when none runs. */
export async function runningSupervisor(disk: Disk, path: string): Promise<number | undefined> {
  const pid = Number(await read(disk, path));
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const start = processStartTime(pid);
  if (start === undefined) return undefined;
  const recorded = await read(disk, path + START_SUFFIX);
  return recorded === '' || recorded === start ? pid : undefined;
}

const LOCK_SUFFIX = '.lock';

/** Pid of the living process that holds the lock file: its content is `PID START`. */
async function holder(disk: Disk, lock: string): Promise<number | undefined> {
  const [pid, start] = (await read(disk, lock)).split(' ');
  return start !== undefined && processStartTime(Number(pid)) === start ? Number(pid) : undefined;
}

/** False when there is such a file already. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Looking and writing must be one step, or two trees that start together both find nobody. Held for milliseconds. */
async function locked<T>(disk: Disk, lock: string, ownPid: number, work: () => Promise<T>): Promise<T> {
  const own = `${lock}.${ownPid}`;
  const giveUpMs = realClock.monotonicMs() + TIMES.pidLockMs;
  await disk.writeAtomic(own, `${ownPid} ${processStartTime(ownPid) ?? ''}`);
  try {
    // A link is made whole or not at all, and by one only.
    while (!(await linked(own, lock))) {
      if ((await holder(disk, lock)) === undefined) await disk.remove(lock);
      else if (realClock.monotonicMs() > giveUpMs) throw new Error(`${lock} is held by another lithos_tree`);
      await new Promise<void>(resolve => realClock.after(TIMES.killPollMs, resolve));
    }
    return await work().finally(() => disk.remove(lock));
  } finally {
    await disk.remove(own);
  }
}

/** Undefined when the file is ours now, else the pid of the other supervisor. Our own pid (after a re-exec) is fine. */
export async function claimPidFile(disk: Disk, path: string, ownPid: number): Promise<number | undefined> {
  return await locked(disk, path + LOCK_SUFFIX, ownPid, async () => {
    const other = await runningSupervisor(disk, path);
    if (other !== undefined && other !== ownPid) return other;
    await disk.writeAtomic(path + START_SUFFIX, `${processStartTime(ownPid) ?? ''}\n`);
    await disk.writeAtomic(path, `${ownPid}\n`);
    return undefined;
  });
}
