// Paths inside an image, seen from outside: a symlink in the image must never lead out of it.
import { chmodSync, lstatSync, mkdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** As the kernel: more links than this is a loop. */
const LINKS_MAX = 40;

/** Host path of `path`, symlinks followed as the image would; the last component is followed only if `followLast`. */
export function inRoot(root: string, path: string, followLast = true): string {
  let todo = path.split('/').filter(part => part !== '' && part !== '.');
  const done: string[] = [];
  let links = 0;
  while (todo.length > 0) {
    const [part = '', ...rest] = todo;
    todo = rest;
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = join(root, ...done, part);
    const isLink = lstatSync(here, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    if (!isLink || (todo.length === 0 && !followLast)) {
      done.push(part);
      continue;
    }
    if (++links > LINKS_MAX) throw new Error(`too many symbolic links in ${path}`);
    const target = readlinkSync(here);
    if (target.startsWith('/')) done.length = 0;
    todo = [...target.split('/').filter(item => item !== '' && item !== '.'), ...todo];
  }
  return join(root, ...done);
}

/** mkdir -p inside the image; throws with the words of the format when something is in the way. */
export function makeDirectories(root: string, path: string, mode: number): void {
  const parts = path.split('/').filter(part => part !== '');
  for (let depth = 1; depth <= parts.length; depth++) {
    const here = inRoot(root, parts.slice(0, depth).join('/'));
    const stat = lstatSync(here, { throwIfNoEntry: false });
    if (stat?.isDirectory()) continue;
    if (stat !== undefined) {
      const what = depth === parts.length ? 'Path' : 'Some intermediate path for';
      throw new Error(`${what} "${path}" exists but not a directory`);
    }
    mkdirSync(here);
    // mkdir's own mode would be cut by our umask.
    chmodSync(here, depth === parts.length ? mode : 0o755);
  }
}
