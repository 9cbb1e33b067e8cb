// Where things are under `.vagga` (§3.4 of the format).
import { join } from 'node:path';

export class Layout {
  readonly root: string;
  readonly base: string;

  /** `root` is the project directory. */
  constructor(root: string) {
    this.root = root;
    this.base = join(root, '.vagga');
  }

  get roots(): string {
    return join(this.base, '.roots');
  }

  /** Directory of one version of an image; the file system itself is `root` in it. */
  image(name: string, hash: string): string {
    return join(this.roots, `${name}.${hash.slice(0, 8)}`);
  }

  temporary(name: string): string {
    return join(this.roots, `.tmp.${name}`);
  }

  lock(name: string): string {
    return join(this.roots, `.tmp.${name}.lock`);
  }

  /** Symlink to the version of `name` built last. */
  link(name: string): string {
    return join(this.base, name);
  }

  linkTarget(name: string, hash: string): string {
    return join('.roots', `${name}.${hash.slice(0, 8)}`, 'root');
  }

  volume(name: string): string {
    return join(this.base, '.volumes', name);
  }

  /** Bundles and the engine's state of containers that run now. */
  get running(): string {
    return join(this.base, '.run');
  }

  cache(name: string, cacheDir: string | undefined): string {
    return join(cacheDir ?? join(this.base, '.cache'), name);
  }
}
