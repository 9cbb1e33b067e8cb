// Removes whole trees without ever crossing into a mount.
import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { runChild } from '../build/child.ts';
import { bytes, fromBytes } from '../layers/copy-file.ts';

/** Quicker than Node. BusyBox's rm does not know the option and refuses. */
const argvOf = (path: string) => ['rm', '-rf', '--one-file-system', path] as const;

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // As `rm -f`: what cannot be removed stays, and the directories it is in.
  }
}

function removeBelow(path: string, device: number): void {
  const stat = lstatSync(bytes(path));
  if (stat.dev !== device) return;
  if (!stat.isDirectory()) unlinkSync(bytes(path));
  else {
    for (const name of readdirSync(bytes(path), { encoding: 'latin1' }))
      attempt(() => removeBelow(`${path}/${name}`, device));
    rmdirSync(bytes(path));
  }
}

/** Without the help of a program. */
function removeOurselves(path: string): void {
  const place = fromBytes(path);
  attempt(() => removeBelow(place, lstatSync(bytes(place)).dev));
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

export function removeTreeSync(path: string): void {
  const [program, ...rest] = argvOf(path);
  spawnSync(program, rest, { stdio: 'ignore' });
  if (isThere(path)) removeOurselves(path);
}

export async function removeTree(path: string): Promise<void> {
  const log = { write: () => {} };
  await runChild(argvOf(path), { log, signal: new AbortController().signal });
  if (isThere(path)) removeOurselves(path);
}
