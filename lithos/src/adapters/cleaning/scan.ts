// The images that lie below an image directory, and their removal.
import { lstat, readdir, readFile, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ImageDirectory } from '../../core/cleaning/decide.ts';
import { removeTree } from '../remove-tree.ts';

/** What is being removed has left the images at once; hidden, so that nobody takes it for one. */
const DOOMED = '.lithos-clean-';

async function below(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  // A link may lead anywhere, and hidden directories are somebody's work in progress.
  return entries.filter(entry => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
}

/** Names of all images, sorted; undefined when the directory does not exist. */
export async function findImages({ path, levels }: ImageDirectory): Promise<string[] | undefined> {
  let names = [''];
  for (let level = 0; level < levels; level++) {
    const next: string[] = [];
    for (const name of names) {
      const inside = await below(join(path, name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' && name === '') return undefined;
        throw error;
      });
      if (inside === undefined) return undefined;
      next.push(...inside.map(child => (name === '' ? child : `${name}/${child}`)));
    }
    names = next;
  }
  return names.sort();
}

/** Made or changed since then. */
export async function isRecent(path: string, sinceWallMs: number): Promise<boolean> {
  const { birthtimeMs, mtimeMs } = await lstat(path);
  return Math.max(birthtimeMs, mtimeMs) > sinceWallMs;
}

/** Mount points of our namespace in it: removing would empty what is mounted there. */
async function mountedInside(path: string): Promise<string | undefined> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const points = lines.map(line => line.split(' ')[4] ?? '');
  return points.find(point => point === path || point.startsWith(`${path}/`));
}

/** Throws with a sentence. Whoever looks while it runs sees the whole image or none. */
export async function removeImage(path: string): Promise<void> {
  const mounted = await mountedInside(path);
  if (mounted !== undefined) throw new Error(`${path} is not removed: ${mounted} is a mount point`);
  const doomed = join(dirname(path), `${DOOMED}${basename(path)}`);
  await removeTree(doomed);
  await rename(path, doomed);
  await removeTree(doomed);
}

/** What a run that was cut short left. */
export async function removeDoomed({ path, levels }: ImageDirectory): Promise<void> {
  const parents =
    levels === 1 ? [''] : ((await findImages({ path, levels: levels - 1, used: new Set() })) ?? []);
  for (const parent of parents) {
    const entries = await readdir(join(path, parent)).catch(() => []);
    for (const name of entries.filter(entry => entry.startsWith(DOOMED)))
      await removeTree(join(path, parent, name));
  }
}
