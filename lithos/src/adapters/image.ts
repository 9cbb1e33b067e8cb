// Looking things up inside an image as a container would see them: a symbolic link never leads out of the image.
import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../config/defaults.ts';
import { isBelow, pathBelow } from '../core/desired/paths.ts';
import type { DesiredInstance } from '../core/desired/types.ts';

export type ImageFile =
  | { readonly kind: 'file' | 'directory' | 'other'; readonly hostPath: string }
  | { readonly kind: 'absent' }
  /** Below something that only exists in the running container. */
  | { readonly kind: 'unknown' };

/** Where a path of the container is on the host; undefined: it cannot be seen from here. */
export type Backing = (virtual: string) => string | undefined;

/** No file can have such a name: too long for the file system, or with a NUL in it. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE']);

async function statOrUndefined(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/**
 * Resolves `path` (absolute, from the image's point of view) component by component below `root`, following links
 * as after a chroot. Absent also when links loop. Images are immutable by contract, so looking first is enough.
 */
export async function lookUp(root: string, path: string): Promise<ImageFile> {
  return await lookUpIn(virtual => join(root, virtual), path);
}

/** As `lookUp`, with volumes in place. */
export async function lookUpIn(backing: Backing, path: string): Promise<ImageFile> {
  const pending = path.split('/').filter(part => part !== '');
  const done: string[] = [];
  let links = 0;
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === '.' || part === '') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = backing(`/${[...done, part].join('/')}`);
    if (here === undefined) return { kind: 'unknown' };
    const found = await statOrUndefined(here);
    if (found === undefined) return { kind: 'absent' };
    if (!found.isSymbolicLink()) {
      done.push(part);
      continue;
    }
    if (++links > LIMITS.linksMax) return { kind: 'absent' };
    const target = await readlink(here);
    if (target.startsWith('/')) done.length = 0;
    pending.unshift(...target.split('/').filter(piece => piece !== ''));
  }
  const hostPath = backing(`/${done.join('/')}`);
  if (hostPath === undefined) return { kind: 'unknown' };
  const found = await statOrUndefined(hostPath);
  if (found === undefined) return { kind: 'absent' };
  return { kind: found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other', hostPath };
}

interface Furnished {
  readonly imageRoot: string;
  readonly volumes: DesiredInstance['volumes'];
}

/** The host path behind a path of the container; undefined where a volume starts out empty. */
function backingOf({ imageRoot, volumes }: Furnished, path: string): string | undefined {
  const [volume] = volumes
    .filter(({ target }) => isBelow(path, target))
    .sort((a, b) => b.target.length - a.target.length);
  if (volume === undefined) return join(imageRoot, path);
  return 'source' in volume ? join(volume.source, pathBelow(path, volume.target)) : undefined;
}

/**
 * True when `path` itself is a regular file and its directory no link, with volumes in place: the only thing lithos
 * mounts over. What a container may have put there in a writable volume is not followed.
 */
export async function hasRegularFile(inside: Furnished, directory: string, name: string): Promise<boolean> {
  const [parent, file] = [backingOf(inside, `/${directory}`), backingOf(inside, `/${directory}/${name}`)];
  if (parent === undefined || file === undefined) return false;
  if (!(await statOrUndefined(parent))?.isDirectory()) return false;
  return (await statOrUndefined(file))?.isFile() ?? false;
}
