// The marks of directories that may not be on the disk yet; see core/storage/flushed.ts. A mark is a symlink because its text is
// in the inode itself: file systems with a journal bring it to the disk before what is renamed after it was made.
import { lstatSync, readFileSync, readlinkSync, rmSync, statfsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FLUSH_OVERDUE_MS } from '../../config/defaults.ts';
import { type Flushed, flushedState, flushMark } from '../../core/storage/flushed.ts';

const MARK = 'unflushed';
const QUIET = { throwIfNoEntry: false } as const;

export const markOf = (directory: string): string => join(directory, MARK);

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** uapi/linux/magic.h */
const OVERLAYFS = 0x794c7630;

/**
 * To be called before `directory` gets the name by which it is found. What is on an overlay belongs to a container: when it ends, so
 * does the process that would flush, and an image of it that starts after the next boot would be taken for lost.
 */
export function markUnflushed(directory: string): void {
  if (statfsSync(directory).type === OVERLAYFS) return;
  rmSync(markOf(directory), { force: true });
  symlinkSync(flushMark(bootId(), lstatSync(directory).ino), markOf(directory));
}

/** A directory that is not there, or that another program has made, has no mark. */
export function flushedOf(directory: string): Flushed {
  if (lstatSync(markOf(directory), QUIET) === undefined) return 'on-disk';
  try {
    return flushedState(readlinkSync(markOf(directory)), bootId(), lstatSync(directory).ino);
  } catch {
    // Flushed, or removed, just now.
    return 'on-disk';
  }
}

/** Whoever should have flushed it was killed. */
export function isFlushOverdue(directory: string): boolean {
  const mark = lstatSync(markOf(directory), QUIET);
  return mark !== undefined && Date.now() - mark.mtimeMs > FLUSH_OVERDUE_MS;
}
