// master.pid: one supervisor per runtime directory. The file holds only the pid (others read it); which process that
// is, its start time tells, kept beside it: a recycled pid does not block a start.

import { processStartTime } from '@suite/shared/linux/proc.ts';
import type { Disk } from '@suite/shared/ports/index.ts';
import { LIMITS } from '../config/defaults.ts';

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

/** Undefined when the file is ours now, else the pid of the other supervisor. Our own pid (after a re-exec) is fine. */
export async function claimPidFile(disk: Disk, path: string, ownPid: number): Promise<number | undefined> {
  const other = await runningSupervisor(disk, path);
  if (other !== undefined && other !== ownPid) return other;
  await disk.writeAtomic(path + START_SUFFIX, `${processStartTime(ownPid) ?? ''}\n`);
  await disk.writeAtomic(path, `${ownPid}\n`);
  return undefined;
}
