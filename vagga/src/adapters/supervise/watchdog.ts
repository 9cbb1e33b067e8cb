// Ends the containers of a supervisor that was killed: a shell that does nothing but notice it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stateDirectory } from '../namespace/state-directory.ts';
import { abandoned, sweepAbandoned } from '../oci/running.ts';
import type { CachedRuntime } from '../project/cache.ts';

/** First word of our own command line for the process that cleans. */
export const SWEEP = '__sweep__';
/** Until then a container that listens to TERM has ended, which it got when its supervisor was killed. */
const GRACE_MS = 2000;
const POLL_MS = 50;

/** Reads a word when all is well, and the end of its input when its owner has gone without one. */
const SCRIPT = 'read -r _ && exit 0; exec "$@"';

export interface Watchdog {
  /** All has ended as it should. */
  dismiss(): void;
}

/** `running`: the directory of the bundles. */
export function startWatchdog(running: string, engine: CachedRuntime): Watchdog {
  const again = [process.execPath, process.argv[1] ?? '', SWEEP, running, JSON.stringify(engine)];
  const child = spawn('sh', ['-c', SCRIPT, 'sh', ...again], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  return { dismiss: () => child.stdin.end('done\n') };
}

/** What the process that cleans does. */
export async function sweepAfterGrace(running: string, engine: CachedRuntime): Promise<void> {
  const endMs = performance.now() + GRACE_MS;
  const isThere = (id: string) => existsSync(join(stateDirectory(), id));
  while (performance.now() < endMs && abandoned(running).some(isThere)) await sleep(POLL_MS);
  sweepAbandoned(running, engine);
}
