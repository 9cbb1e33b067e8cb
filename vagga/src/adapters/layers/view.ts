// How a stack of layers is shown at one place: by the kernel's overlayfs, by fuse-overlayfs, or as a copy.
import { chmodSync, lchownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { dress, fromBytes } from './copy-file.ts';

/** A writable view. What is written in it is in `place/diff` when it has been closed. */
export interface View {
  readonly kind: LayerMode;
  /** `layers`: directories, bottom first; `base`: where most of them are. */
  open(root: string, layers: readonly string[], place: string, base: string): Promise<void>;
  close(): Promise<void>;
  /** Where `place/diff` is from now on. */
  kept(layer: string): void;
}

export type LayerMode = 'overlay' | 'fuse' | 'copy';

/** `place/diff` as it must be before something is written there: the top directory is the one of the image, with mode and time. */
export function newDiff(place: string, layers: readonly string[]): string {
  const diff = join(place, 'diff');
  mkdirSync(diff, { recursive: true });
  const top = layers.at(-1);
  if (top !== undefined) dress(fromBytes(top), fromBytes(diff));
  else {
    lchownSync(diff, 0, 0);
    chmodSync(diff, 0o755);
  }
  return diff;
}

/** Also the work directory, and something to be below: a writable overlay wants a layer even when there is none yet. */
export function prepareUpper(root: string, layers: readonly string[], place: string) {
  const diff = newDiff(place, layers);
  const empty = join(place, 'empty');
  const work = join(place, 'work');
  for (const path of [root, empty, work]) mkdirSync(path, { recursive: true });
  return { diff, work, below: layers.length === 0 ? [empty] : layers };
}
