// One demo per checkout, and the note of what it makes: written before it is made, read by the next start.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { LIMITS_MS } from '../defaults.ts';
import type { Places } from '../places.ts';
import { DemoError } from '../run.ts';
import { waitFor } from '../wait.ts';

export interface DemoState {
  readonly schemaVersion: 1;
  readonly bridge: string;
  readonly links: readonly string[];
  /** Absolute directories, one per hierarchy. */
  readonly cgroups: readonly string[];
}

export function writeState(places: Places, state: DemoState): void {
  replaceFile(places.state, JSON.stringify(state, undefined, 2));
}

/** Undefined when no demo left anything. */
export function readState(places: Places): DemoState | undefined {
  try {
    const state = JSON.parse(readFileSync(places.state, 'utf8')) as DemoState;
    return state.schemaVersion === 1 ? state : undefined;
  } catch {
    return undefined;
  }
}

/** What every demo on this machine may do only one at a time. The kernel ends the claim with the process. */
const CLAIM = '\0suite-demo';

export async function alone<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const claim = await waitFor(tryClaim, {
    what: 'another demo chooses its network',
    deadlineMs: LIMITS_MS.claim,
    signal,
  });
  try {
    return await work();
  } finally {
    claim.close();
  }
}

function tryClaim(): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy());
    server.once('error', error =>
      (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(CLAIM, () => resolve(server));
  });
}

/** Throws when another demo of this checkout runs. The lock of a demo that died does not count. */
export function takeLock(places: Places): void {
  mkdirSync(places.demo, { recursive: true });
  // Linked into place, so that nobody ever reads a lock without its holder.
  const draft = `${places.lock}.${process.pid}`;
  writeFileSync(draft, `${process.pid} ${startTime(process.pid)}\n`);
  try {
    for (let attempt = 0; attempt < 2; attempt++) {
      if (tryLink(draft, places.lock)) return;
      const holder = lockHolder(places.lock);
      if (holder !== undefined) {
        throw new DemoError(
          `the demo of this checkout already runs (process ${holder}); stop it with Ctrl-C first`,
        );
      }
      removeStale(places.lock);
    }
    throw new DemoError(`${places.lock}: another demo took the lock at the same moment`);
  } finally {
    rmSync(draft, { force: true });
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Of two that find a dead demo's lock, the slower one may take away the lock the faster one has just made: it is put back. */
function removeStale(lock: string): void {
  const taken = `${lock}.stale.${process.pid}`;
  try {
    renameSync(lock, taken);
  } catch {
    return;
  }
  if (lockHolder(taken) !== undefined) tryLink(taken, lock);
  rmSync(taken, { force: true });
}

export function dropLock(places: Places): void {
  rmSync(places.lock, { force: true });
}

function lockHolder(lock: string): number | undefined {
  const [pid = '', started = ''] = tryRead(lock).trim().split(' ');
  return started !== '' && startTime(Number(pid)) === started ? Number(pid) : undefined;
}

/** Field 22 of /proc/PID/stat: with the pid it names one process for good, pids are used again. '' when gone or a zombie. */
function startTime(pid: number): string {
  const stat = tryRead(`/proc/${pid}/stat`);
  const [state = 'Z', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 'ZX'.includes(state) ? '' : (fields[18] ?? '');
}

function tryRead(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Readers see the old or the new text, never half of it. */
export function replaceFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
}
