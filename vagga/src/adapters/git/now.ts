// git of the host, at once: identities are computed without waiting.
import { spawnSync } from 'node:child_process';
import { ownGitEnvironment, SETTINGS } from './program.ts';

export interface GitQuestion {
  /** What git reads from its stdin. */
  readonly input?: string;
  /** More output than this is an error (code ENOBUFS). */
  readonly bytesMax?: number;
}

/** stdout, or what went wrong: the system's error, or what git said. */
export function gitNow(words: readonly string[], { input, bytesMax }: GitQuestion = {}): Buffer | Error {
  const { status, stdout, stderr, error } = spawnSync('git', [...SETTINGS, ...words], {
    env: { ...ownGitEnvironment(), LC_ALL: 'C' },
    ...(input !== undefined && { input }),
    ...(bytesMax !== undefined && { maxBuffer: bytesMax }),
  });
  if (error !== undefined) return error;
  return status === 0 ? stdout : new Error(stderr.toString('utf8').trim());
}
