// Layers without any overlay: the tree is a copy, and what a step changed is found by looking at it before and after.
import { type BigIntStats, linkSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { bytes, copyFile, dress, fromBytes } from './copy-file.ts';
import { flatten } from './flatten.ts';
import { type Marks, markGone, markOpaque, marksOf } from './marks.ts';
import { notesSpace } from './overlay.ts';
import { newDiff, type View } from './view.ts';

/** Path below the root → what would be different after a change. */
type Manifest = ReadonlyMap<string, string>;

const isDirectory = (signature: string): boolean => signature.startsWith('d');

/** ctime tells of every change, also of those that set the other times back. That of a directory changes with its entries. */
function signature(stat: BigIntStats): string {
  if (stat.isDirectory()) return `d ${stat.mode} ${stat.uid} ${stat.gid} ${stat.ino} ${stat.ctimeNs}`;
  return `f ${stat.ino} ${stat.ctimeNs} ${stat.size}`;
}

function look(root: string, path: string, into: Map<string, string>): void {
  const stat = lstatSync(bytes(root + path), { bigint: true });
  into.set(path, signature(stat));
  if (!stat.isDirectory()) return;
  for (const name of readdirSync(bytes(root + path), { encoding: 'latin1' }))
    look(root, `${path}/${name}`, into);
}

function manifestOf(root: string): Manifest {
  const manifest = new Map<string, string>();
  look(root, '', manifest);
  return manifest;
}

/** Copies that keep hard links within the tree: each inode is copied once. */
function placeCopies() {
  const copied = new Map<string, string>();
  return (source: string, target: string): void => {
    const { dev, ino, nlink } = lstatSync(bytes(source), { bigint: true });
    const key = `${dev} ${ino}`;
    const first = nlink > 1n ? copied.get(key) : undefined;
    if (first !== undefined) linkSync(bytes(first), bytes(target));
    else copyFile(source, target);
    if (nlink > 1n && first === undefined) copied.set(key, target);
  };
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** One step's changes, as overlayfs would have kept them. */
class Difference {
  readonly #root: string;
  readonly #diff: string;
  readonly #before: Manifest;
  readonly #marks: Marks;
  readonly #after: Manifest;
  readonly #made = new Set(['']);
  readonly #place = placeCopies();

  constructor(root: string, diff: string, before: Manifest, marks: Marks) {
    this.#marks = marks;
    this.#root = root;
    this.#diff = diff;
    this.#before = before;
    this.#after = manifestOf(root);
  }

  write(): void {
    for (const [path, now] of this.#after) if (this.#before.get(path) !== now) this.#changed(path, now);
    for (const path of this.#before.keys()) {
      if (this.#after.has(path) || !this.#after.has(parentOf(path))) continue;
      if (this.#wasDirectory(parentOf(path)) && !this.#isNew(parentOf(path))) this.#gone(path);
    }
    // Deepest first: filling a directory has changed its times.
    for (const path of [...this.#made].reverse()) dress(this.#root + path, this.#diff + path);
  }

  #wasDirectory(path: string): boolean {
    return isDirectory(this.#before.get(path) ?? '');
  }

  /** A directory that is not the one of before hides what was below. */
  #isNew(path: string): boolean {
    const [before = '', now = ''] = [this.#before.get(path), this.#after.get(path)];
    return !isDirectory(before) || before.split(' ')[4] !== now.split(' ')[4];
  }

  #changed(path: string, now: string): void {
    if (isDirectory(now)) this.#directory(path);
    else {
      this.#directory(parentOf(path));
      this.#place(this.#root + path, this.#diff + path);
    }
  }

  #gone(path: string): void {
    this.#directory(parentOf(path));
    markGone(this.#diff + path, this.#marks);
  }

  #directory(path: string): void {
    if (this.#made.has(path)) return;
    this.#directory(parentOf(path));
    mkdirSync(bytes(this.#diff + path));
    if (this.#before.has(path) && this.#isNew(path)) markOpaque(this.#diff + path, this.#marks, notesSpace());
    this.#made.add(path);
  }
}

export class CopyView implements View {
  readonly kind = 'copy';
  #shown: readonly string[] = [];
  #root = '';
  #diff = '';
  #before: Manifest = new Map();
  #marks: Marks = 'overlayfs';

  async open(root: string, layers: readonly string[], place: string, base: string): Promise<void> {
    this.#marks = marksOf(base);
    const isShown = layers.length > 0 && layers.every((layer, index) => this.#shown[index] === layer);
    if (layers.length === 0) {
      rmSync(root, { recursive: true, force: true });
      mkdirSync(root, { mode: 0o755 });
    } else if (!isShown || this.#shown.length !== layers.length)
      flatten(layers, root, this.#marks, placeCopies());
    this.#shown = layers;
    this.#diff = newDiff(place, layers);
    this.#root = root;
    this.#before = manifestOf(fromBytes(root));
  }

  async close(): Promise<void> {
    if (this.#root === '') return;
    new Difference(fromBytes(this.#root), fromBytes(this.#diff), this.#before, this.#marks).write();
    this.#root = '';
  }

  kept(layer: string): void {
    this.#shown = [...this.#shown, layer];
  }
}
