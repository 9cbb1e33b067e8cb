// The host directories behind volumes: made when asked for, and never through a link that a container left there.
import { closeSync, fstatSync } from 'node:fs';
import { chmod, chown, mkdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { O_PATH, openAt, openPlace } from '@suite/shared/linux/openat2.ts';
import type { DesiredInstance, ResolvedVolume } from '../core/desired/types.ts';

export type HostVolume = Extract<ResolvedVolume, { kind: 'readonly' | 'persistent' }>;

export function isHostVolume(volume: ResolvedVolume): volume is HostVolume {
  return volume.kind === 'readonly' || volume.kind === 'persistent';
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The path without links; of what does not exist yet, as far as it does. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || path === '/') throw error;
    return join(await realPath(dirname(path)), basename(path));
  }
}

interface Place {
  readonly root: string;
  /** Relative to `root`, without links at the time of looking. */
  readonly path: string;
}

/**
 * A container may put a link into a volume it can write, and a second volume, or its next run, would then mount what
 * the link names: any directory of the host. So no link may lead out of what the sandbox has mapped.
 */
async function placeOf({ target, source, root }: HostVolume): Promise<Place> {
  const [real, realRoot] = [await realPath(source), await realPath(root)];
  if (real === realRoot || real.startsWith(realRoot === '/' ? '/' : `${realRoot}/`))
    return { root: realRoot, path: relative(realRoot, real) };
  throw new Error(
    `volume ${target}: ${source} is a link to ${real}, out of ${root}: give it an entry of its own in the sandbox's paths`,
  );
}

/** As the kernel sees it now: a link that somebody puts there in the meantime is an error, wherever it leads. */
function openInside(directory: number, path: string): number {
  return openAt(directory, path === '' ? '.' : path, { flags: O_PATH, resolve: ['beneath', 'noSymlinks'] });
}

/** The directory a volume will show. Throws with a sentence; to be closed by the caller. */
export async function openSource(volume: HostVolume): Promise<number> {
  const { root, path } = await placeOf(volume);
  const directory = openPlace(root);
  try {
    return openInside(directory, path);
  } catch (error) {
    throw new Error(`volume ${volume.target}: ${volume.source}: ${(error as Error).message}`);
  } finally {
    closeSync(directory);
  }
}

/** One directory after the other from what exists, each below the one that is open: nobody can lead us elsewhere. */
async function makeBelow(root: string, path: string): Promise<number> {
  let here = openPlace(root);
  for (const part of path.split('/').filter(name => name !== '')) {
    const parent = here;
    try {
      await mkdir(`/proc/self/fd/${parent}/${part}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
      here = openInside(parent, part);
    } finally {
      closeSync(parent);
    }
  }
  return here;
}

interface Owned {
  readonly mode: number;
  readonly user: number;
  readonly group: number;
}

async function give(path: string, { mode, user, group }: Owned): Promise<void> {
  await chown(path, user, group);
  // Last, because chown takes special bits away.
  await chmod(path, mode);
}

async function makeSource(volume: Extract<ResolvedVolume, { kind: 'persistent' }>): Promise<void> {
  await mkdir(volume.root, { recursive: true });
  const { root, path } = await placeOf(volume);
  const made = await makeBelow(root, path);
  try {
    await give(`/proc/self/fd/${made}`, volume);
  } finally {
    closeSync(made);
  }
}

async function prepareHostVolume(volume: HostVolume): Promise<void> {
  if (await exists(volume.source)) {
    await placeOf(volume);
    return;
  }
  if (volume.kind === 'readonly') throw new Error(`volume ${volume.target}: ${volume.source} does not exist`);
  if (!volume.create)
    throw new Error(`volume ${volume.target}: ${volume.source} does not exist and \`mkdir\` is false`);
  await makeSource(volume);
}

/** Makes what volumes need; `stateDir` is new, and closed to others. Throws with a sentence when a source is missing. */
export async function prepareDirectories(instance: DesiredInstance, stateDir: string): Promise<void> {
  for (const volume of instance.volumes) {
    if (isHostVolume(volume)) await prepareHostVolume(volume);
    if (volume.kind !== 'statedir' || volume.path === '') continue;
    const path = join(stateDir, volume.path);
    await mkdir(path, { recursive: true });
    await give(path, volume);
  }
}

/** The same directory or file, under whatever paths. */
export function isSame(one: number, other: number): boolean {
  const [a, b] = [fstatSync(one), fstatSync(other)];
  return a.dev === b.dev && a.ino === b.ino;
}
