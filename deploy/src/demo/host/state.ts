// One demo per checkout, and the note of what it makes: written before it is made, read by the next start.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Places } from '../places.ts';
import { DemoError } from '../run.ts';

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

/** Throws when another demo of this checkout runs. The lock of a demo that died does not count. */
export function takeLock(places: Places): void {
  mkdirSync(places.demo, { recursive: true });
  const own = `${process.pid} ${startTime(process.pid)}\n`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(places.lock, own, { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = lockHolder(places);
      if (holder !== undefined) {
        throw new DemoError(
          `the demo of this checkout already runs (process ${holder}); stop it with Ctrl-C first`,
        );
      }
      rmSync(places.lock, { force: true });
    }
  }
  throw new DemoError(`${places.lock}: another demo took the lock at the same moment`);
}

export function dropLock(places: Places): void {
  rmSync(places.lock, { force: true });
}

function lockHolder(places: Places): number | undefined {
  const [pid = '', started = ''] = tryRead(places.lock).trim().split(' ');
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
