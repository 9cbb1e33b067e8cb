import { checked, libc } from './native.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

const flock = libc('int flock(int fd, int operation)');

/**
 * True when the open file is locked by us now; the lock goes with its last descriptor, so also with our death. Any number
 * may hold it `shared`.
 */
export function tryLock(fd: number, shared = false): boolean {
  try {
    checked('flock', flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
    throw error;
  }
}

/** Waits, and everything else in this process with it: only for locks that are held for moments. */
export function waitLock(fd: number, shared = false): void {
  checked('flock', flock(fd, shared ? LOCK_SH : LOCK_EX));
}
