// Copies changed files into a running container. Every name is looked up inside of it, whatever links there are.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { O_PATH, openAt, openPlace } from '@suite/shared/linux/openat2.ts';

function openInside(root: number, path: string): number {
  return openAt(root, path, { flags: O_PATH | constants.O_DIRECTORY, resolve: ['inRoot', 'noMagicLinks'] });
}

/** The directory with those above it that are missing. */
function makeInside(root: number, path: string): number {
  try {
    return openInside(root, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || path === '/') throw error;
  }
  const parent = makeInside(root, dirname(path));
  try {
    mkdirSync(`/proc/self/fd/${parent}/${basename(path)}`);
  } finally {
    closeSync(parent);
  }
  return openInside(root, path);
}

function put(source: string, directory: number, name: string): void {
  const place = `/proc/self/fd/${directory}`;
  const stat = lstatSync(source, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) {
    if (stat === undefined) rmSync(`${place}/${name}`, { recursive: true, force: true });
    return;
  }
  const temporary = `${place}/.${name}.vagga-sync`;
  writeFileSync(temporary, readFileSync(source), { mode: stat.mode & 0o777 });
  renameSync(temporary, `${place}/${name}`);
}

/** A container's first process begins in the root of the machine. */
function isOurRoot(fd: number): boolean {
  const [its, ours] = [fstatSync(fd), statSync('/')];
  return its.ino === ours.ino && its.dev === ours.dev;
}

/** `pid`: of a process in the container. `target`: absolute in it. A source that is gone is removed there. Throws what the kernel says. */
export function syncFile(pid: number, source: string, target: string): void {
  const root = openPlace(`/proc/${pid}/root`);
  try {
    if (isOurRoot(root)) throw new Error('its container is only being made');
    const directory = makeInside(root, dirname(join('/', target)));
    try {
      put(source, directory, basename(target));
    } finally {
      closeSync(directory);
    }
  } finally {
    closeSync(root);
  }
}
