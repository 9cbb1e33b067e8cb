// Paths inside an image, seen from outside: a symlink in the image must never lead out of it.
import { chmodSync, lstatSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { PARSED_FILE_BYTES_MAX } from '../../config/defaults.ts';

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

/**
 * Host path of a file, to be read or written. Throws for anything else that is there: an image from elsewhere may have a pipe in
 * its place, on which we would wait for ever, or a device that never ends.
 */
export function fileInRoot(root: string, path: string): string {
  const host = inRoot(root, path);
  const stat = lstatSync(host, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isFile()) throw new Error(`${path} of the image is not a file`);
  return host;
}

/** A small text. Throws when it is not there, or larger than we want to understand. */
export function textInRoot(root: string, path: string): string {
  const host = fileInRoot(root, path);
  if (lstatSync(host).size > PARSED_FILE_BYTES_MAX)
    throw new Error(`${path} of the image is larger than ${PARSED_FILE_BYTES_MAX} bytes`);
  return readFileSync(host, 'utf8');
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
