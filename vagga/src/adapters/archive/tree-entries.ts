// A directory as the entries of an archive: sorted, hard links found, nothing that depends on where or when it is read.
import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { devMajor, devMinor } from '@suite/shared/linux/device-numbers.ts';
import { getXattr, listXattrs } from '@suite/shared/linux/xattr.ts';
import type { Entry, EntryType } from '../../core/archive/entry.ts';
import { bytes, fromBytes } from '../layers/copy-file.ts';

export interface TreeOptions {
  /** In front of every name. */
  readonly prefix: string;
  /** Later times become this one, in seconds. */
  readonly latestS?: number;
}

export interface Found {
  readonly entry: Entry;
  /** Where its data is, one character per byte. */
  readonly path: string;
}

/** Labels and what overlayfs or the host's security modules note belong to this machine. */
const KEPT = /^(user\.(?!overlay\.)|security\.capability$|system\.posix_acl_)/;

function xattrsOf(path: string): Record<string, string> {
  const names = listXattrs(bytes(path)).filter(name => KEPT.test(name));
  const values = names.map(name => [name, getXattr(bytes(path), name)?.toString('latin1') ?? '']);
  return Object.fromEntries(values) as Record<string, string>;
}

/** Undefined: a socket, which no archive can hold. */
function typeOf(stat: Stats): EntryType | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isCharacterDevice()) return 'character-device';
  return stat.isBlockDevice() ? 'block-device' : undefined;
}

export class TreeEntries {
  readonly #options: TreeOptions;
  /** First name of files that have several. */
  readonly #names = new Map<string, string>();

  constructor(options: TreeOptions) {
    this.#options = options;
  }

  /** Everything below, directories before what they hold. */
  *below(root: string): Generator<Found> {
    yield* this.#walk(fromBytes(root), '');
  }

  *#walk(path: string, below: string): Generator<Found> {
    const found = this.entry(path, below);
    if (found === undefined) return;
    yield { entry: found, path };
    if (found.type !== 'directory') return;
    for (const name of readdirSync(bytes(path), { encoding: 'latin1' }).sort())
      yield* this.#walk(`${path}/${name}`, below === '' ? name : `${below}/${name}`);
  }

  /** One of them; `below`: its path from the root. */
  entry(path: string, below: string): Entry | undefined {
    const stat = lstatSync(bytes(path));
    const type = typeOf(stat);
    if (type === undefined) return undefined;
    const { latestS = Number.POSITIVE_INFINITY, prefix } = this.#options;
    const name = below === '' ? './' : `${prefix}${below}${type === 'directory' ? '/' : ''}`;
    const mtimeS = Math.min(Math.floor(stat.mtimeMs / 1000), latestS);
    const common = { name, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, mtimeS };
    const first = this.#firstName(stat, name);
    if (first !== undefined) return { ...common, type: 'hard-link', sizeBytes: 0, target: first, xattrs: {} };
    return { ...common, type, ...contentOf(path, type, stat), xattrs: xattrsOf(path) };
  }

  /** Of a file that was met already. */
  #firstName(stat: Stats, name: string): string | undefined {
    if (stat.isDirectory() || stat.nlink < 2) return undefined;
    const key = `${stat.dev}:${stat.ino}`;
    const first = this.#names.get(key);
    if (first === undefined) this.#names.set(key, name);
    return first;
  }
}

function contentOf(path: string, type: EntryType, stat: Stats) {
  const target = type === 'symlink' ? readlinkSync(bytes(path), 'latin1') : '';
  const isDevice = type === 'character-device' || type === 'block-device';
  const device = { major: devMajor(stat.rdev), minor: devMinor(stat.rdev) };
  return { sizeBytes: type === 'file' ? stat.size : 0, target, ...(isDevice && { device }) };
}
