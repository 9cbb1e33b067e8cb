// Brings new images and layers to the disk and then takes their marks off. In a process of its own, because nobody should wait for
// a disk: until then they are good for everything but a power cut.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { waitLock } from '@suite/shared/linux/flock.ts';
import { flushFileSystem } from '@suite/shared/linux/sync.ts';
import { FLUSH_IMAGES_MAX } from '../../config/defaults.ts';
import { flushedOf, markOf } from './flush-marks.ts';

/** Plain JSON: it travels on a command line. Either may be absent on disk. */
export interface FlushPlaces {
  /** Directory of the images. */
  readonly images: string;
  /** Directory of the layers. */
  readonly layers: string;
}

/** First word of the command line of such a process. */
export const FLUSH = '__flush__';

/** As `nice -n 19`. */
const LAST = 19;

export function startFlush(places: FlushPlaces): void {
  const argv = [process.argv[1] as string, FLUSH, JSON.stringify(places)];
  const child = spawn(process.execPath, argv, { cwd: '/', stdio: 'ignore', detached: true });
  child.on('error', () => {
    // No memory or no processes left: the marks stay, and a later run tries again.
  });
  child.unref();
  if (child.pid !== undefined) setPriority(child.pid, LAST);
}

/** Names that begin with a dot are of unfinished builds. */
function unflushed(base: string): string[] {
  if (!existsSync(base)) return [];
  return readdirSync(base, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => join(base, name))
    .filter(directory => flushedOf(directory) === 'in-memory');
}

function opened(directory: string): number | undefined {
  try {
    return openSync(directory, 'r');
  } catch {
    return undefined;
  }
}

/**
 * Layers have names of their own, but another build may take the place of an image meanwhile: what is open here stays the directory
 * that was flushed. Images are listed before layers and lose their marks after them, so one on disk never stands on one that is not.
 */
function flushNow({ images, layers }: FlushPlaces): void {
  const descriptors = unflushed(images)
    .slice(0, FLUSH_IMAGES_MAX)
    .flatMap(directory => opened(directory) ?? []);
  const directories = unflushed(layers);
  try {
    if (descriptors.length === 0 && directories.length === 0) return;
    for (const base of [images, layers].filter(path => existsSync(path))) flushFileSystem(base);
    for (const directory of directories) rmSync(markOf(directory), { force: true });
    for (const fd of descriptors) unlinkSync(markOf(`/proc/self/fd/${fd}`));
  } finally {
    for (const fd of descriptors) closeSync(fd);
  }
}

/**
 * For a process that does nothing else. One at a time: who has waited finds most of it done. Whoever stops the machine is about to
 * wait for the disk anyway.
 */
export function flush(places: FlushPlaces): void {
  process.on('SIGTERM', () => {});
  const lock = existsSync(places.images) ? openSync(places.images, 'r') : undefined;
  try {
    if (lock !== undefined) waitLock(lock);
    flushNow(places);
  } catch {
    // Removed in the meantime, or a disk with errors: the marks that are left say so.
  } finally {
    if (lock !== undefined) closeSync(lock);
  }
}
