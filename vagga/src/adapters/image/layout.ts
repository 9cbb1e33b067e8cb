// Where things are under `.vagga` (§3.4 of the format).
import { join } from 'node:path';

/** The settings that decide it. */
export interface Places {
  readonly storageDir?: string;
  readonly cacheDir?: string;
}

/** `~/` in front of a path of the settings; Node's own function for it is a module that a short command need not load. */
export function atHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(process.env.HOME ?? '/', path.slice(1)) : path;
}

export class Layout {
  readonly root: string;
  readonly base: string;
  /** What is big: `.vagga` itself, or through a symlink a directory of the storage. */
  readonly store: string;
  readonly storageDir: string | undefined;
  readonly #cacheDir: string | undefined;
  /** Images that were built just now and are shown by an overlay while their directory comes into being. */
  readonly #shown = new Map<string, string>();

  /** `root` is the project directory. */
  constructor(root: string, { storageDir, cacheDir }: Places = {}) {
    this.root = root;
    this.base = join(root, '.vagga');
    this.storageDir = storageDir === undefined ? undefined : atHome(storageDir);
    this.store = storageDir === undefined ? this.base : join(this.base, '.lnk');
    this.#cacheDir = cacheDir === undefined ? undefined : atHome(cacheDir);
  }

  get roots(): string {
    return join(this.store, '.roots');
  }

  /** Directory of one version of an image. */
  image(name: string, hash: string): string {
    return join(this.roots, `${name}.${hash.slice(0, 8)}`);
  }

  /** The file system of an image, as this process and those it starts see it. */
  rootOf(name: string, hash: string): string {
    const image = this.image(name, hash);
    return this.#shown.get(image) ?? join(image, 'root');
  }

  showAt(name: string, hash: string, path: string): void {
    this.#shown.set(this.image(name, hash), path);
  }

  /** Its plain directory is there: `image` is the directory of the version. */
  complete(image: string): void {
    this.#shown.delete(image);
  }

  /** Where a build happens; `slot`: the container, or one of its versions with `versioned-build-dir`. */
  temporary(slot: string): string {
    return join(this.roots, `.tmp.${slot}`);
  }

  lock(slot: string): string {
    return join(this.roots, `.tmp.${slot}.lock`);
  }

  /** Symlink to the version of `name` built last. */
  link(name: string): string {
    return join(this.base, name);
  }

  linkTarget(name: string, hash: string): string {
    const roots = this.storageDir === undefined ? '.roots' : '.lnk/.roots';
    return join(roots, `${name}.${hash.slice(0, 8)}`, 'root');
  }

  get volumes(): string {
    return join(this.store, '.volumes');
  }

  volume(name: string): string {
    return join(this.volumes, name);
  }

  /** Writable copies of images for one run. */
  get transient(): string {
    return join(this.store, '.transient');
  }

  /** Bundles and the engine's state of containers that run now. */
  get running(): string {
    return join(this.base, '.run');
  }

  /** Where images are shown that have no directory yet. */
  get mounts(): string {
    return join(this.base, '.mnt');
  }

  /** Results of steps, shared by all projects of one storage. */
  get layers(): string {
    return join(this.storageDir ?? this.base, '.layers');
  }

  /** Where new things are that may not be on the disk yet. */
  get unflushed(): { readonly images: string; readonly layers: string } {
    return { images: this.roots, layers: this.layers };
  }

  cache(name: string): string {
    return join(this.#cacheDir ?? join(this.store, '.cache'), name);
  }
}
