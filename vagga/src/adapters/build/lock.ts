// flock(2) of a file that is made for it and never removed. The lock goes when this process ends, however it ends; programs
// that we start do not inherit it.
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tryLock } from '@suite/shared/linux/flock.ts';
import { CACHE_LOCK_WAIT_S } from '../../config/defaults.ts';

export type Lock = { readonly release: () => Promise<void> };

/** The kernel can only make the whole process wait; nobody notices a wait that is longer by this. */
const LOOK_MS = 25;

async function waitFor(fd: number, waitS: number, signal: AbortSignal): Promise<boolean> {
  const endMs = performance.now() + waitS * 1000;
  while (!tryLock(fd)) {
    if (performance.now() >= endMs || signal.aborted) return false;
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return true;
}

/** `waitS` 0 = do not wait. `busy`: somebody else holds it, or `signal` ended the waiting. */
export async function takeLock(
  path: string,
  waitS: number,
  signal: AbortSignal,
): Promise<Lock | 'busy' | Error> {
  try {
    const fd = openSync(path, 'a');
    if (await waitFor(fd, waitS, signal)) return { release: async () => closeSync(fd) };
    closeSync(fd);
    return 'busy';
  } catch (error) {
    return error as Error;
  }
}

/** Runs `work`, which returns why it failed, while holding a lock of the build cache `directory`. */
export async function lockedCache(
  directory: string,
  name: string,
  signal: AbortSignal,
  work: () => Promise<string | undefined>,
): Promise<string | undefined> {
  const lock = await takeLock(join(directory, `.${name}.lock`), CACHE_LOCK_WAIT_S, signal);
  if (lock === 'busy' && signal.aborted) return 'was interrupted';
  if (lock === 'busy')
    return `the cache is in use by another build for more than ${CACHE_LOCK_WAIT_S} seconds`;
  if (lock instanceof Error) return lock.message;
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
