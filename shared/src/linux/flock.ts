import { checked, libc } from './native.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;

const flock = libc('int flock(int fd, int operation)');

/** True when the open file is locked by us now; the lock goes with its last descriptor, so also with our death. */
export function tryLock(fd: number): boolean {
  try {
    checked('flock', flock(fd, LOCK_EX | LOCK_NB));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
    throw error;
  }
}
