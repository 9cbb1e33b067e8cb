// Layers shown by the kernel.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { inDirectory, mount, umount } from '@suite/shared/linux/mount.ts';
import { prepareUpper, type View } from './view.ts';

/** Overlayfs splits at these (Documentation/filesystems/overlayfs.rst). */
export const escaped = (path: string): string => path.replace(/[\\,:]/g, '\\$&');

/** In a user namespace the notes of overlayfs must be attributes that an ordinary user may set. */
function ownNotes(): boolean {
  const [inside, outside, count] = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/);
  return inside !== '0' || outside !== '0' || Number(count) < 2 ** 32 - 1;
}

/** Where the notes of overlayfs are: `trusted.overlay.opaque`, `user.overlay.opaque`. */
export const notesSpace = (): 'trusted' | 'user' => (ownNotes() ? 'user' : 'trusted');

/** Layers stay readable without overlayfs: whole files, and directories that are not renamed but copied. */
const plain = (): string => (ownNotes() ? 'userxattr' : 'redirect_dir=nofollow,metacopy=off,index=off');

/** Top first, and relative to `base`: all of them together must fit into a page. */
export function lowerOf(layers: readonly string[], base: string): string {
  return [...layers]
    .reverse()
    .map(layer => escaped(relative(base, layer)))
    .join(':');
}

const mountOverlay = (root: string, data: string, base: string): void =>
  inDirectory(base, () => mount({ source: 'overlay', target: root, type: 'overlay', data }));

/** Read-only; a single layer is simply bound. */
export function mountStack(root: string, layers: readonly string[], base: string): void {
  const [only = ''] = layers;
  if (layers.length === 1) mount({ source: only, target: root, flags: ['bind'] });
  else mountOverlay(root, `lowerdir=${lowerOf(layers, base)},${plain()}`, base);
}

/** `volatile`: nothing is flushed to disk, since a build that loses power starts anew. Linux 5.10. */
const FLUSHING = [',volatile', ''] as const;

export class OverlayView implements View {
  readonly kind = 'overlay';
  #root: string | undefined;

  async open(root: string, layers: readonly string[], place: string, base: string): Promise<void> {
    const { diff, work, below } = prepareUpper(root, layers, place);
    const directories = `lowerdir=${lowerOf(below, base)},upperdir=${escaped(diff)},workdir=${escaped(work)}`;
    for (const flushing of FLUSHING) {
      try {
        mountOverlay(root, `${directories},${plain()}${flushing}`, base);
        this.#root = root;
        return;
      } catch (error) {
        if (flushing === '') throw error;
      }
    }
  }

  async close(): Promise<void> {
    if (this.#root !== undefined) umount(this.#root, true);
    this.#root = undefined;
  }

  kept(): void {}
}
