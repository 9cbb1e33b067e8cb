import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

/** Wall time of one whole process in ms; throws with its last words when it does not end with `code`: a failed run is no figure. */
export function timedRun(
  argv: readonly string[],
  { code = 0, ...options }: Pick<SpawnSyncOptions, 'cwd' | 'env' | 'uid' | 'gid'> & { code?: number } = {},
): number {
  const [program = '', ...args] = argv;
  const startedMs = performance.now();
  const done = spawnSync(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  const elapsedMs = performance.now() - startedMs;
  if (done.status === code) return elapsedMs;
  const why =
    done.error?.message ?? `ended with ${done.signal ?? done.status}: ${done.stderr.trim().slice(-500)}`;
  throw new Error(`${argv.join(' ')} ${why}`);
}
