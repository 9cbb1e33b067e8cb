// `expect-inotify-limit`: how many files the kernel lets a user watch (§1.9). Never a reason not to run.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { INOTIFY_LIMIT_APPLIED_MAX } from '../../config/defaults.ts';

const FILE = '/proc/sys/fs/inotify/max_user_watches';

/** Root writes it, everybody else asks sudo, without a remembered password. */
function raise(limit: number): string | undefined {
  if (process.getuid?.() === 0) {
    try {
      writeFileSync(FILE, `${limit}\n`);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }
  const words = ['-k', 'sysctl', `fs.inotify.max_user_watches=${limit}`];
  const { status, error } = spawnSync('sudo', words, { stdio: ['inherit', 'ignore', 'inherit'] });
  return error?.message ?? (status === 0 ? undefined : `sudo ended with ${status}`);
}

/** Raises the limit where the settings allow it. A warning, or undefined. */
export function inotifyWarning(expected: number | undefined, autoApply: boolean): string | undefined {
  if (expected === undefined) return undefined;
  let limit: number;
  try {
    limit = Number(readFileSync(FILE, 'utf8'));
  } catch (error) {
    return `the inotify limit cannot be read: ${(error as Error).message}`;
  }
  if (limit >= expected) return undefined;
  if (autoApply && expected <= INOTIFY_LIMIT_APPLIED_MAX) {
    const problem = raise(expected);
    return problem && `the inotify limit ${limit} could not be raised to ${expected}: ${problem}`;
  }
  return `the inotify limit ${limit} is too low, run: sudo sysctl fs.inotify.max_user_watches=${expected}`;
}
