// The tree that a build works in: a stack of finished layers and, while a step runs, one on top that takes what it writes.
import { lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bytes, fromBytes } from './copy-file.ts';
import { flatten } from './flatten.ts';
import { marksOf } from './marks.ts';
import type { Layer, LayerNote, LayerStore } from './store.ts';
import type { View } from './view.ts';
import { usableViews } from './views.ts';

/** Of 22 bytes each; the options of a mount are a page at most, and two paths of any length go in too. */
const STACK_MAX = 100;

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
  #stack: string[] = [];
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

  /** Ids of layers, or absolute paths of directories that nobody changes, bottom first. */
  get stack(): readonly string[] {
    return this.#stack;
  }

  get #layers(): string[] {
    return this.#stack.map(layer => (layer.startsWith('/') ? layer : this.#store.directory(layer)));
  }

  get isOpen(): boolean {
    return this.#place !== undefined;
  }

  push(layer: string): void {
    this.#stack.push(layer);
  }

  /** All of the stack as one layer, of hard links: more would not fit into the options of one mount. */
  #squash(): void {
    const place = join(this.#work, 'squashed');
    mkdirSync(place, { recursive: true });
    flatten(this.#layers, join(place, 'diff'), marksOf(this.#store.base));
    const size = measure(fromBytes(join(place, 'diff')));
    const { id } = this.#store.adopt(place, { title: 'squashed', seconds: 0, depth: 0, ...size });
    this.#stack = [id];
  }

  /** From now on `root` shows the stack and can be written. */
  async open(): Promise<void> {
    if (this.#place !== undefined) return;
    if (this.#stack.length > STACK_MAX) this.#squash();
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
    const layer = this.#store.adopt(place, { ...note, ...size, depth: this.#stack.length });
    this.#views[0]?.kept(this.#store.directory(layer.id));
    this.push(layer.id);
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
