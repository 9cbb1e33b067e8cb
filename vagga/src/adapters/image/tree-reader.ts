// The project's files as the hash sees them, remembering what was looked at.
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import { HASHED_FILE_BYTES_MAX, PARSED_FILE_BYTES_MAX } from '../../config/defaults.ts';
import type { FileStat, TreeReader } from '../../core/image/tree.ts';
import { inRoot } from '../build/in-root.ts';
import { HOW, linkStampOf, look, type Stamp, stampFrom, stampOf } from '../project/stamps.ts';

export function fileStat(stat: Stats): FileStat {
  const kind = stat.isFile()
    ? 'file'
    : stat.isDirectory()
      ? 'directory'
      : stat.isSymbolicLink()
        ? 'symlink'
        : 'other';
  return { kind, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
}

/** Entries of a directory; a name that is not UTF-8 is an error, as the format says: left out it would be missed. */
export function namesIn(host: string, shown: string): string[] {
  const names = readdirSync(host);
  if (!names.some(name => name.includes('\ufffd'))) return names;
  for (const raw of readdirSync(host, { encoding: 'buffer' })) {
    const name = raw.toString('utf8');
    if (!Buffer.from(name).equals(raw)) throw new Error(`the name of ${shown}/${name} is not UTF-8`);
  }
  return names;
}

/** Where a symlink leads; as with names, text that is not UTF-8 is an error. */
export function linkTarget(host: string, shown: string): string {
  const raw = readlinkSync(host, { encoding: 'buffer' });
  const target = raw.toString('utf8');
  if (!Buffer.from(target).equals(raw)) throw new Error(`the target of the link ${shown} is not UTF-8`);
  return target;
}

const PIECE_BYTES = 1024 * 1024;

/** New memory for each piece: who gets one may keep it. */
export function* piecesOf(host: string): Iterable<Uint8Array> {
  const fd = openSync(host, 'r');
  try {
    const { size } = fstatSync(fd);
    if (size > HASHED_FILE_BYTES_MAX)
      throw new Error(`${host} is larger than ${HASHED_FILE_BYTES_MAX} bytes: too large to be hashed`);
    // One more than is left, so that the end of a small file is seen with its content.
    for (let left = size; ; ) {
      const piece = Buffer.allocUnsafe(Math.min(left + 1, PIECE_BYTES));
      const read = readSync(fd, piece);
      if (read > 0) yield piece.subarray(0, read);
      left = Math.max(0, left - read);
      if (read < piece.length) return;
    }
  } finally {
    closeSync(fd);
  }
}

/** An image whose files are asked for by paths below `shown`. */
interface ShownImage {
  readonly shown: string;
  /** The host's path of its file system. */
  readonly root: string;
}

/** Maps `/work/…` to the project, and the places of images to those. */
export class DiskTree implements TreeReader {
  readonly #stamps = new Map<string, Stamp>();
  readonly #project: string;
  readonly #images: ShownImage[] = [];

  constructor(project: string) {
    this.#project = project;
  }

  /** Of everything that was looked at. */
  get stamps(): Stamp[] {
    return [...this.#stamps.values()];
  }

  /** A symlink by itself. Nobody writes into an image, so its files need no stamps. */
  remember(host: string): void {
    this.#stamps.set(host, linkStampOf(host));
  }

  /** What the path leads to. */
  rememberTarget(host: string): void {
    this.#stamps.set(`${host}\0`, stampOf(host));
  }

  rememberAll(stamps: readonly Stamp[]): void {
    // What was too early once stays so: both ways to look end in reading the files again.
    for (const stamp of stamps) this.#stamps.set(`${stamp[0]}\0${stamp[1]}`, stamp);
  }

  showImage(shown: string, root: string): void {
    this.#images.push({ shown, root });
  }

  /** `/work/a` → the host's path. */
  hostPath(path: string): string {
    const image = this.#imageOf(path);
    if (image !== undefined) return inRoot(image.root, path.slice(image.shown.length), false);
    return path === '/work' ? this.#project : `${this.#project}${path.slice('/work'.length)}`;
  }

  #imageOf(path: string): ShownImage | undefined {
    return this.#images.find(({ shown }) => path === shown || path.startsWith(`${shown}/`));
  }

  lstat(path: string): FileStat | undefined {
    const host = this.hostPath(path);
    const stat = look(host, HOW.itself);
    if (this.#imageOf(path) === undefined) this.#stamps.set(host, stampFrom(host, HOW.itself, stat));
    return stat === undefined ? undefined : fileStat(stat);
  }

  list(path: string): readonly string[] {
    return namesIn(this.hostPath(path), path);
  }

  stat(path: string): FileStat | undefined {
    const host = this.hostPath(path);
    this.rememberTarget(host);
    const stat = look(host, HOW.followed);
    return stat === undefined ? undefined : fileStat(stat);
  }

  pieces(path: string): Iterable<Uint8Array> {
    return piecesOf(this.hostPath(path));
  }

  /** Follows a symlink. */
  readText(path: string): string | undefined {
    const host = this.hostPath(path);
    this.rememberTarget(host);
    const stat = statSync(host, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    // An open pipe would be waited for.
    if (!stat.isFile()) throw new Error(`${path} is not a file`);
    if (stat.size > PARSED_FILE_BYTES_MAX)
      throw new Error(`${host} is larger than ${PARSED_FILE_BYTES_MAX} bytes: too large to be understood`);
    return readFileSync(host, 'utf8');
  }

  readLink(path: string): string {
    return linkTarget(this.hostPath(path), path);
  }
}
