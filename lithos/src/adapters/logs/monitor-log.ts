// The log file of a monitor (conmon): it is told to go on in a new one by a line in the FIFO `ctl` of its bundle. It then
// opens FILE.tmp, renames that to FILE, and ends itself when it cannot, so the file is made before it is asked. It does not
// open it for appending, which is put right from here: lines of ours would be overwritten.
import { closeSync, constants, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeAppending } from '@suite/shared/linux/fd-flags.ts';
import { pidfdGetFd, pidfdOpen } from '@suite/shared/linux/pidfd.ts';
import type { Clock } from '@suite/shared/ports/index.ts';
import { LOGS } from '../../config/defaults.ts';
import { makeNext } from './rotation.ts';

/** conmon's number for "open the log again"; the others are the size of a terminal. */
const REOPEN = '2 0 0\n';

interface Monitored {
  readonly bundle: string;
  readonly monitorPid: number;
  readonly path: string;
}

/** Throws ENXIO when nobody reads there any more. */
function tell(bundle: string): void {
  const fd = openSync(join(bundle, 'ctl'), constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    writeSync(fd, REOPEN);
  } finally {
    closeSync(fd);
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}

/** The monitor's own descriptor of that file. */
function descriptorOf(pid: number, inode: number): number | undefined {
  const directory = `/proc/${pid}/fd`;
  const found = readdirSync(directory).find(fd => inodeOf(join(directory, fd)) === inode);
  return found === undefined ? undefined : Number(found);
}

/** Flags of an open file belong to all who hold it: ours is a copy of the monitor's. True: it writes into that file. */
export function appendsTo(monitorPid: number, inode: number): boolean {
  const fd = descriptorOf(monitorPid, inode);
  if (fd === undefined) return false;
  const pidfd = pidfdOpen(monitorPid);
  try {
    const copy = pidfdGetFd(pidfd, fd);
    try {
      makeAppending(copy);
    } finally {
      closeSync(copy);
    }
  } finally {
    closeSync(pidfd);
  }
  return true;
}

/** Resolves to the inode of the new file. Rejects when the monitor does not get there; its log is the old one then, or it is gone. */
export async function reopenLog({ bundle, monitorPid, path }: Monitored, clock: Clock): Promise<number> {
  const next = makeNext(path);
  tell(bundle);
  // It flushes the old file first, which takes a slow disk a while.
  const giveUpMs = clock.monotonicMs() + LOGS.reopenMs;
  while (inodeOf(path) !== next.inode) {
    if (inodeOf(`/proc/${monitorPid}`) === undefined) throw new Error('its monitor is gone');
    if (clock.monotonicMs() > giveUpMs) throw new Error('its monitor does not open its log again');
    await new Promise<void>(resolve => clock.after(LOGS.reopenPollMs, resolve));
  }
  appendsTo(monitorPid, next.inode);
  rmSync(`${path}.next`, { force: true });
  return next.inode;
}
