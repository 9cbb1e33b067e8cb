// An image is finished when its layers are; the plain directory of hard links that everybody can look into comes right after,
// because making it for a big image takes longer than many steps.

import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitLock } from '@suite/shared/linux/flock.ts';
import type { WantedIds } from '../../core/ids/session.ts';
import { flatten } from '../layers/flatten.ts';
import { marksOf } from '../layers/marks.ts';
import type { LayerStore } from '../layers/store.ts';
import { markUnflushed } from '../storage/flush-marks.ts';
import type { Layout } from './layout.ts';
import { builtState } from './store.ts';

const NOTE = 'layers.json';

/** Beside an image that this program has built. */
interface ImageNote {
  /** Of this very build. */
  readonly id: string;
  /** Ids of layers or absolute paths of plain directories, bottom first. */
  readonly layers: readonly string[];
}

export function writeImageNote(directory: string, layers: readonly string[]): void {
  const note: ImageNote = { id: randomBytes(8).toString('hex'), layers };
  writeFileSync(join(directory, NOTE), JSON.stringify(note));
}

function readImageNote(directory: string): ImageNote | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, NOTE), 'utf8')) as ImageNote;
  } catch {
    return undefined;
  }
}

/** An image of another program has no note; its directory tells one build from the next. */
export function imageId(directory: string): string {
  const note = readImageNote(directory);
  if (note !== undefined) return note.id;
  const { ino, ctimeNs } = statSync(join(directory, 'uid_map'), { bigint: true });
  return `${ino}-${ctimeNs}`;
}

/** Directories, bottom first; undefined when one of them is gone. */
function layerDirectories(directory: string, store: LayerStore): string[] | undefined {
  const layers = readImageNote(directory)?.layers.map(layer =>
    layer.startsWith('/') ? layer : store.directory(layer),
  );
  return layers?.every(layer => existsSync(layer)) ? layers : undefined;
}

/** How many entries are to be linked for the plain directory of an image; one that stands on a plain directory counts as big. */
export function filesOf(directory: string, store: LayerStore): number {
  if (existsSync(join(directory, 'root'))) return 0;
  const layers = readImageNote(directory)?.layers ?? [];
  return layers.reduce((sum, layer) => sum + (store.read(layer)?.files ?? Number.POSITIVE_INFINITY), 0);
}

/** What an image built on this one starts from: its layers while they are there, else its directory. */
export function layersBelow(directory: string, store: LayerStore): readonly string[] {
  const layers = readImageNote(directory)?.layers;
  return layers !== undefined && layerDirectories(directory, store) !== undefined
    ? layers
    : [join(directory, 'root')];
}

/** Layers of an image whose directory is not there yet. */
export function pendingLayers(directory: string, store: LayerStore): readonly string[] | undefined {
  return existsSync(join(directory, 'root')) ? undefined : layerDirectories(directory, store);
}

/**
 * Makes the plain directory unless it is there; waits for whoever makes it now. False: its layers are gone, it must be built
 * anew. The lock is the image's own directory, so nothing is left of it.
 */
export function completeImage(directory: string, store: LayerStore): boolean {
  const root = join(directory, 'root');
  if (existsSync(root)) return true;
  const fd = openSync(directory, 'r');
  try {
    waitLock(fd);
    if (existsSync(root)) return true;
    const layers = layerDirectories(directory, store);
    if (layers === undefined) return false;
    flatten(layers, `${root}.new`, marksOf(store.base));
    markUnflushed(directory);
    renameSync(`${root}.new`, root);
    return true;
  } finally {
    closeSync(fd);
  }
}

/** Built, with its plain directory. One whose maker was killed before that was there gets it now. */
export function isUsable(
  layout: Layout,
  store: LayerStore,
  name: string,
  hash: string,
  wanted: WantedIds,
): boolean {
  const state = builtState(layout, name, hash, wanted);
  if (state !== 'pending') return state === 'built';
  store.hold();
  return completeImage(layout.image(name, hash), store);
}
