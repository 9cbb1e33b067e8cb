// The tree that a build works in: a stack of finished layers and, while a step runs, one on top that takes what it writes.
import { lstatSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bytes, fromBytes } from './copy-file.ts';
import { flatten } from './flatten.ts';
import { marksOf } from './marks.ts';
import type { Layer, LayerNote, LayerStore } from './store.ts';
import type { View } from './view.ts';
import { usableViews } from './views.ts';

/** Of what the directory holds itself. */
function measure(directory: string): { sizeBytes: number; files: number } {
  const sum = { sizeBytes: 0, files: 0 };
  for (const entry of readdirSync(bytes(directory), { withFileTypes: true, encoding: 'latin1' })) {
    const path = `${directory}/${entry.name}`;
    const { sizeBytes, files } = entry.isDirectory()
      ? measure(path)
      : { sizeBytes: entry.isFile() ? lstatSync(bytes(path)).size : 0, files: 0 };
    sum.sizeBytes += sizeBytes;
    sum.files += files + 1;
  }
  return sum;
}

export class LayeredTree {
  readonly root: string;
  readonly #store: LayerStore;
  readonly #work: string;
  readonly #layers: string[] = [];
  #views: readonly View[];
  #place: string | undefined;
  #count = 0;

  /** `root`: where steps see the tree. `work`: for what is not finished; on the file system of the store. */
  constructor(store: LayerStore, root: string, work: string, forced = process.env.VAGGA_LAYERS) {
    this.#store = store;
    this.root = root;
    this.#work = work;
    this.#views = usableViews(forced);
  }

  get depth(): number {
    return this.#layers.length;
  }

  /** Directories, bottom first. */
  get layers(): readonly string[] {
    return this.#layers;
  }

  get isOpen(): boolean {
    return this.#place !== undefined;
  }

  /** A finished layer, or any directory that nobody changes, on top of the stack. */
  push(directory: string): void {
    this.#layers.push(directory);
  }

  /** From now on `root` shows the stack and can be written. */
  async open(): Promise<void> {
    if (this.#place !== undefined) return;
    const place = join(this.#work, `${++this.#count}`);
    for (const view of this.#views) {
      try {
        await view.open(this.root, this.#layers, place, this.#store.base);
        this.#views = [view];
        this.#place = place;
        return;
      } catch (error) {
        if (view === this.#views.at(-1)) throw error;
      }
    }
  }

  /** False where a tree is a copy: then a whole root is copied into it. */
  get takesWhole(): boolean {
    return this.#place !== undefined && this.#views[0]?.kind !== 'copy';
  }

  /**
   * `make` creates the directory that it is given: it becomes what the open layer holds, in place of what was written there
   * until now. So a whole root need not be copied. Returns what `make` returns.
   */
  async fill<T>(make: (directory: string) => Promise<T>): Promise<T> {
    const place = await this.#close();
    const diff = join(place, 'diff');
    rmSync(diff, { recursive: true, force: true });
    try {
      return await make(diff);
    } finally {
      await this.#views[0]?.open(this.root, this.#layers, place, this.#store.base);
      this.#place = place;
    }
  }

  /** What was written becomes a layer of the store and of the stack. */
  async seal(note: Omit<LayerNote, 'sizeBytes' | 'files' | 'depth'>): Promise<Layer> {
    const place = await this.#close();
    const size = measure(fromBytes(join(place, 'diff')));
    const layer = this.#store.adopt(place, { ...note, ...size, depth: this.depth });
    const directory = this.#store.directory(layer.id);
    this.#views[0]?.kept(directory);
    this.push(directory);
    return layer;
  }

  /** For inspection: what there is so far as a plain directory. */
  async abandon(): Promise<void> {
    if (this.#place === undefined) return;
    const place = await this.#close();
    if (this.#isCopy) return;
    flatten([...this.#layers, join(place, 'diff')], this.root, marksOf(this.#store.base));
  }

  /** Nothing is mounted any more. True when the tree itself is left at `root`. */
  async end(): Promise<boolean> {
    if (this.#place !== undefined) await this.#close();
    if (this.#isCopy) return true;
    if (lstatSync(this.root, { throwIfNoEntry: false }) !== undefined) rmdirSync(this.root);
    return false;
  }

  get #isCopy(): boolean {
    return this.#count > 0 && this.#views[0]?.kind === 'copy';
  }

  async #close(): Promise<string> {
    const place = this.#place;
    if (place === undefined) throw new Error('the tree is not open');
    await this.#views[0]?.close();
    this.#place = undefined;
    for (const name of ['work', 'empty']) rmSync(join(place, name), { recursive: true, force: true });
    return place;
  }
}
