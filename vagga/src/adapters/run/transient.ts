// A writable version of an image for one run (§1.6 `write-mode`): an overlay where the kernel has one, else a copy. The image itself
// is never written to, although the name of the mode speaks of hard links.
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '@suite/shared/linux/proc.ts';
import type { Layout } from '../image/layout.ts';
import { separateMounts } from '../layers/show.ts';
import type { View } from '../layers/view.ts';
import { usableViews } from '../layers/views.ts';

interface TransientCopy {
  readonly rootPath: string;
  remove(): Promise<void>;
}

let counter = 0;

async function opened(rootPath: string, place: string, image: string): Promise<View> {
  const views = usableViews();
  for (const view of views) {
    try {
      await view.open(rootPath, [image], place, join(image, '..'));
      return view;
    } catch (error) {
      if (view === views.at(-1)) throw error;
    }
  }
  throw new Error('there is no way to show layers');
}

/** Directories of runs whose vagga is gone: NAME.HASH.PID. */
function sweepTransient(layout: Layout): void {
  if (!existsSync(layout.transient)) return;
  for (const name of readdirSync(layout.transient)) {
    const pid = Number(/\.(\d+)$/.exec(name)?.[1]);
    if (Number.isInteger(pid) && !isAlive(pid))
      rmSync(join(layout.transient, name), { recursive: true, force: true });
  }
}

/** Mounts are private to this process, so those of a killed one have gone with it; its directory is swept by the next run. */
async function transientCopy(layout: Layout, name: string, hash: string): Promise<TransientCopy> {
  separateMounts();
  sweepTransient(layout);
  const own = join(layout.transient, `${name}.${hash.slice(0, 8)}.${process.pid}`);
  const directory = join(own, `${++counter}`);
  const rootPath = join(directory, 'root');
  mkdirSync(rootPath, { recursive: true });
  const view = await opened(rootPath, directory, layout.rootOf(name, hash));
  return {
    rootPath,
    remove: async () => {
      // What was written is not wanted: comparing a copy with its image would be in vain.
      if (view.kind !== 'copy') await view.close();
      rmSync(directory, { recursive: true, force: true });
      if (readdirSync(own).length === 0) rmdirSync(own);
    },
  };
}

/** The copies of one vagga; they last until it ends. */
export class TransientCopies {
  readonly #layout: Layout;
  readonly #copies: TransientCopy[] = [];

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** Path of a new copy's root. Throws a sentence for the user. */
  async make(name: string, hash: string): Promise<string> {
    const copy = await transientCopy(this.#layout, name, hash);
    this.#copies.push(copy);
    return copy.rootPath;
  }

  async removeAll(): Promise<void> {
    for (const copy of this.#copies.splice(0)) await copy.remove();
  }
}
