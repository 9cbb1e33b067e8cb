// What is left to do when a build has ended and nobody should wait for it: plain directories of the new images, giving up layers
// that are old or too many, and bringing it all to the disk. Done in a process of its own; all but the last at once for who asks
// to wait.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { LAYER_GRACE_MS } from '../../config/defaults.ts';
import type { Settings } from '../../config/settings-model.ts';
import { collectLayers } from '../../core/layers/collect.ts';
import { LayerStore } from '../layers/store.ts';
import type { FlushPlaces } from '../storage/flush.ts';
import { removeTreeSync } from '../storage/remove-tree.ts';
import { completeImage } from './complete.ts';

/** Plain JSON: it travels on a command line. */
export interface AfterBuild {
  readonly places: FlushPlaces;
  /** Directories of images that have no plain directory yet. */
  readonly images: readonly string[];
  readonly sizeBytes: number;
  readonly ageMs: number;
}

/** First word of the command line of such a process. */
export const AFTER_BUILD = '__after_build__';

const DAY_MS = 24 * 3600 * 1000;

export function afterBuild(places: FlushPlaces, images: readonly string[], settings: Settings): AfterBuild {
  const { stepCache, stepCacheSize, stepCacheAge } = settings;
  return { places, images, sizeBytes: stepCache ? stepCacheSize : 0, ageMs: stepCacheAge * DAY_MS };
}

/** Without waiting: whoever starts or ends a container is not interrupted by it, and our end does not end it. */
export function startAfterBuild(work: AfterBuild): void {
  const argv = [process.argv[1] as string, AFTER_BUILD, JSON.stringify(work)];
  spawn(process.execPath, argv, { cwd: '/', stdio: 'ignore', detached: true }).unref();
}

/** Nothing while somebody builds: the next one will do it. */
function collect(store: LayerStore, { sizeBytes, ageMs }: AfterBuild): void {
  store.exclusively(() => {
    const limits = { sizeBytes, ageMs, graceMs: LAYER_GRACE_MS };
    for (const id of store.broken()) store.remove(id, removeTreeSync);
    for (const id of collectLayers(store.list(), limits, Date.now())) store.remove(id, removeTreeSync);
  });
}

export function doAfterBuild(work: AfterBuild): void {
  // Whoever has cleaned everything meanwhile wants nothing to come back.
  if (!existsSync(work.places.layers)) return;
  const store = new LayerStore(work.places.layers);
  store.hold();
  for (const image of work.images) {
    try {
      completeImage(image, store);
    } catch {
      // Removed in the meantime, or no space: whoever wants it next finds out and says so.
    }
  }
  store.release();
  collect(store, work);
}
