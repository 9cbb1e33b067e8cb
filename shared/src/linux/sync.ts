import { closeSync, openSync } from 'node:fs';
import { checked, libc } from './native.ts';

const syncfs = libc('int syncfs(int fd)');

/**
 * Waits until everything that was written to the file system of `path`, by whomever, is on its disk. With much of it that takes
 * seconds, and everything else in this process waits too.
 */
export function flushFileSystem(path: string): void {
  const fd = openSync(path, 'r');
  try {
    checked('syncfs', syncfs(fd));
  } finally {
    closeSync(fd);
  }
}
