// statx(2) into one buffer. `fs.lstat` makes an object with four dates for every file; asking for 10,000 files one by one
// takes half the time here, once koffi is loaded (8 ms).
import { libc } from './native.ts';

const statx = libc('int statx(int dirfd, const char *path, int flags, uint mask, uint8_t *buffer)');

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_BASIC_STATS = 0x7ff;
const STRUCT_BYTES = 256;
/** Places in the structure, counted in 32-bit words; 64-bit numbers have their low half first. */
const INODE = 8;
const SIZE = 10;
const CTIME = 24;
const MTIME = 28;
/** Counted in 16-bit words. */
const MODE = 14;

export class FileStatus {
  readonly #bytes = Buffer.alloc(STRUCT_BYTES);
  readonly #words = new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset, STRUCT_BYTES / 4);
  readonly #halves = new Uint16Array(this.#bytes.buffer, this.#bytes.byteOffset, STRUCT_BYTES / 2);

  /** False: an error, of which nothing is kept. The numbers are those of the last path that was read well. */
  read(path: string, followsLinks: boolean): boolean {
    const flags = followsLinks ? 0 : AT_SYMLINK_NOFOLLOW;
    return statx(AT_FDCWD, path, flags, STATX_BASIC_STATS, this.#bytes) === 0;
  }

  #long(at: number): number {
    return (this.#words[at] as number) + (this.#words[at + 1] as number) * 2 ** 32;
  }

  /** Milliseconds, computed as `fs.Stats` has them, so that both compare equal. Times before 1970 differ. */
  #time(at: number): number {
    return this.#long(at) * 1000 + (this.#words[at + 2] as number) / 1_000_000;
  }

  get size(): number {
    return this.#long(SIZE);
  }

  get ino(): number {
    return this.#long(INODE);
  }

  get mode(): number {
    return this.#halves[MODE] as number;
  }

  get ctimeMs(): number {
    return this.#time(CTIME);
  }

  get mtimeMs(): number {
    return this.#time(MTIME);
  }
}
