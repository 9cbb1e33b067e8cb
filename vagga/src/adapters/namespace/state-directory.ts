// Where the engine keeps its notes about running containers. They mean nothing after a reboot.
import { accessSync, constants, lstatSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { currentIds } from './current.ts';

const OF_ROOT = '/run/vagga';

/** Our number outside of the namespace we may be in: the same name before and after entering it. */
function ownUid(): number {
  const { ids } = currentIds();
  if (ids.kind === 'real') return 0;
  return ids.kind === 'mapped' ? ids.uids.own : ids.uid;
}

/** Ours alone: whoever can write there says which processes belong to a container. */
function own(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const stat = lstatSync(path);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o022) !== 0)
    throw new Error(`${path} is not a directory of ours alone: remove it`);
  return path;
}

/** Root of a container that was started by a user does not own /run where that is the host's. */
function isWritable(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function choose(): string {
  const uid = ownUid();
  if (uid === 0 && isWritable(OF_ROOT)) return OF_ROOT;
  const runtime = process.env.XDG_RUNTIME_DIR ?? '';
  const stat = runtime.startsWith('/') ? statSync(runtime, { throwIfNoEntry: false }) : undefined;
  const usable = stat?.isDirectory() === true && stat.uid === process.getuid?.();
  return own(usable ? join(runtime, 'vagga') : `/tmp/vagga-${uid}`);
}

let chosen: string | undefined;

/** Absolute, on a tmpfs where there is one. */
export function stateDirectory(): string {
  chosen ??= choose();
  return chosen;
}
