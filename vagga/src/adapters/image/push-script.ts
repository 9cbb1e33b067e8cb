// The script of the settings that stores a packed image somewhere: on the host, as whoever called.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { IdMap } from '../../core/ids/maps.ts';
import { sessionMaps } from '../../core/ids/session.ts';
import { currentIds } from '../namespace/current.ts';

/** In a user namespace we are root of it; ssh and others look at home for who they are, so the script is the caller again. */
function asCaller(argv: readonly string[]): readonly string[] {
  const maps = sessionMaps(currentIds().ids);
  if (maps === undefined) return argv;
  const outside = (map: IdMap) => map.find(({ inside }) => inside === 0)?.outside;
  return ['unshare', `--map-user=${outside(maps.uids)}`, `--map-group=${outside(maps.gids)}`, '--', ...argv];
}

/** Its exit code, 128 + signal number when a signal ended it. Rejects when `signal` is aborted, after ending it. */
export function runPushScript(
  script: string,
  directory: string,
  variables: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<number> {
  const [program = '', ...words] = asCaller(['/bin/sh', '-exc', script]);
  const child = spawn(program, words, {
    cwd: directory,
    env: { ...process.env, ...variables },
    stdio: 'inherit',
    signal,
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, by) => resolve(code ?? 128 + (by === null ? 0 : constants.signals[by])));
  });
}
