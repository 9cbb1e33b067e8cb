// Directories inside an image, as open descriptors. The kernel does every look-up as after chroot, so neither `..` nor a
// symlink, of the image or made by the archive, leads out of the root. The names handed out go through /proc/self/fd:
// their directory is fixed, and callers never follow the last component.
import { chmodSync, closeSync, constants, lstatSync, mkdirSync, type Stats } from 'node:fs';
import { closeQuietly, O_PATH, openAt, openPlace } from '@suite/shared/linux/openat2.ts';
import { shown } from '../../core/archive/byte-text.ts';
import { ArchiveError } from '../../core/archive/error.ts';

/** Entries of one directory mostly follow each other. */
const OPEN_DIRECTORIES = 32;

export type Parts = readonly string[];

export const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

export function lstatBytes(path: Buffer): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

export class InsideRoot {
  readonly #root: number;
  readonly #open = new Map<string, number>();

  constructor(root: string) {
    this.#root = openPlace(root);
  }

  close(): void {
    this.forget();
    closeQuietly(this.#root);
  }

  /** To be called when something that may be a directory, or lead to one, was removed. */
  forget(): void {
    for (const fd of this.#open.values()) closeSync(fd);
    this.#open.clear();
  }

  /** A path of the host for the last of `parts`; parents are made (0755) when `make`, else undefined without them. */
  path(parts: Parts, make: true): Buffer;
  path(parts: Parts, make: boolean): Buffer | undefined;
  path(parts: Parts, make: boolean): Buffer | undefined {
    const parent = this.#directory(parts.slice(0, -1), make);
    const name = parts.at(-1) ?? '.';
    return parent === undefined ? undefined : bytesOf(`/proc/self/fd/${parent}/${name}`);
  }

  #directory(parts: Parts, make: boolean): number | undefined {
    const key = parts.join('/');
    const known = this.#open.get(key);
    if (known !== undefined) {
      // To the end: what was used just before must outlive the next look-up.
      this.#open.delete(key);
      this.#open.set(key, known);
      return known;
    }
    const fd = this.#look(parts) ?? (make ? this.#make(parts) : undefined);
    if (fd !== undefined) this.#remember(key, fd);
    return fd;
  }

  #remember(key: string, fd: number): void {
    this.#open.set(key, fd);
    if (this.#open.size <= OPEN_DIRECTORIES) return;
    const [oldest] = this.#open;
    if (oldest === undefined) return;
    closeSync(oldest[1]);
    this.#open.delete(oldest[0]);
  }

  #look(parts: Parts): number | undefined {
    const path = bytesOf(`${parts.join('/') || '.'}\0`);
    const flags = O_PATH | constants.O_DIRECTORY;
    try {
      return openAt(this.#root, path, { flags, resolve: ['inRoot', 'noMagicLinks'] });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      throw new ArchiveError(
        `${shown(`/${parts.join('/')}`)} ${REASONS[code ?? ''] ?? `cannot be used: ${code}`}`,
      );
    }
  }

  #make(parts: Parts): number {
    const path = this.path(parts, true);
    try {
      mkdirSync(path, 0o755);
      // mkdir's own mode is cut by our umask.
      chmodSync(path, 0o755);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new ArchiveError(`${shown(`/${parts.join('/')}`)} is a symlink that leads nowhere`);
    }
    return this.#look(parts) as number;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTDIR: 'is not a directory',
  ELOOP: 'leads in circles, or to a link of /proc',
  ENAMETOOLONG: 'is too long',
};
