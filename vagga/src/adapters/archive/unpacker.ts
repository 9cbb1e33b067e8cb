// Puts entries of an archive into an image. The archive is not trusted: see inside.ts for where things can go, limits.ts
// for how much. What is there is removed before a file is made, so nothing is ever written through a link.
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { setXattr } from '@suite/shared/linux/xattr.ts';
import { shown } from '../../core/archive/byte-text.ts';
import { DirectoryTimes } from '../../core/archive/directory-times.ts';
import type { ArchiveEvent, Entry } from '../../core/archive/entry.ts';
import { ArchiveError } from '../../core/archive/error.ts';
import type { ArchiveLimits } from '../../core/archive/limits.ts';
import { nameParts } from '../../core/archive/names.ts';
import { bytesOf, InsideRoot, lstatBytes, type Parts } from './inside.ts';
import { makeSpecialFile } from './special-files.ts';

export interface UnpackRules {
  readonly limits: ArchiveLimits;
  /** `ours`: everything belongs to the build's root. `kept`: to the ids in the archive. */
  readonly owners: 'ours' | 'kept';
  /** What an entry may take the place of: files only, or whole trees (layers of images). */
  readonly replaces: 'files' | 'anything';
  /** What devices and pipes become. */
  readonly devices: 'empty-files' | 'made';
  /** Steps make them at the end, when their targets are there; layers in their order. */
  readonly hardLinks: 'last' | 'in-order';
}

export interface Target {
  /** Directory of the host that stands for `/` of the image. */
  readonly root: string;
  /** Where in the image the archive goes; made when absent. */
  readonly base: Parts;
  /** The name of an entry below `base`, undefined for entries that are not wanted. */
  readonly place: (parts: Parts) => Parts | undefined;
}

/** Those that mean something inside of one image: capabilities, access lists, what users note. */
const XATTRS = /^(security\.capability$|system\.posix_acl_(access|default)$|user\.(?!overlay\.))/;
/** Names of links that wait for the end. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

type Current =
  | { readonly kind: 'none' }
  | { readonly kind: 'file'; readonly fd: number; readonly entry: Entry }
  | { readonly kind: 'skipped' };

export class Unpacker {
  readonly inside: InsideRoot;
  readonly #rules: UnpackRules;
  readonly #target: Target;
  #current: Current = { kind: 'none' };
  readonly #waiting: { readonly at: Parts; readonly entry: Entry }[] = [];
  #waitingBytes = 0;
  readonly #times = new DirectoryTimes();
  /** Entries whose owner this user namespace does not have; they stay the build's. */
  foreignOwners = 0;
  /** Devices that were not made. */
  leftOutDevices = 0;

  constructor(target: Target, rules: UnpackRules) {
    this.inside = new InsideRoot(target.root);
    this.#rules = rules;
    this.#target = target;
  }

  get limits(): ArchiveLimits {
    return this.#rules.limits;
  }

  /** Throws `ArchiveError`, or an error of the system. */
  handle(event: ArchiveEvent): void {
    if (event.kind === 'entry') {
      this.#current = named(event.entry, () => this.#begin(event.entry));
      return;
    }
    const current = this.#current;
    if (current.kind !== 'file') return;
    if (event.kind === 'data') named(current.entry, () => writeWhole(current.fd, event.bytes));
    else named(current.entry, () => this.#endFile(current));
  }

  /** After the last entry. */
  finish(): void {
    for (const { at, entry } of this.#waiting) named(entry, () => this.#hardLink(at, entry));
    for (const { parts, mtimeS } of this.#times.all()) this.#setTime(parts, mtimeS);
  }

  /** `path`: where `parts` is, if it is there at all. */
  remove(path: Buffer, parts: Parts): void {
    if (lstatBytes(path)?.isDirectory()) this.#times.remove(parts);
    rmSync(path, { recursive: true, force: true });
  }

  #setTime(parts: Parts, mtimeS: number): void {
    try {
      const path = this.inside.path(parts, false);
      if (path !== undefined && lstatBytes(path)?.isDirectory()) lutimesSync(path, mtimeS, mtimeS);
    } catch (error) {
      // Else its name went through a link that leads elsewhere by now.
      if (!(error instanceof ArchiveError)) throw inWords(error, parts.join('/'));
    }
  }

  close(): void {
    if (this.#current.kind === 'file') closeSync(this.#current.fd);
    this.#current = { kind: 'none' };
    this.inside.close();
  }

  #begin(entry: Entry): Current {
    const below = this.#target.place(nameParts(entry.name, this.#rules.limits));
    if (below === undefined) return { kind: 'skipped' };
    if (below.length === 0 && entry.type !== 'directory') {
      throw new ArchiveError(`${shown(entry.name)} is not a directory, but the archive is unpacked there`);
    }
    const at = [...this.#target.base, ...below];
    switch (entry.type) {
      case 'file':
        return { kind: 'file', fd: this.#create(at), entry };
      case 'directory':
        this.#directory(at, entry);
        break;
      case 'symlink':
        this.#symlink(at, entry);
        break;
      case 'hard-link':
        if (this.#rules.hardLinks === 'last') this.#wait(at, entry);
        else this.#hardLink(at, entry);
        break;
      default:
        if (this.#rules.devices === 'empty-files') return { kind: 'file', fd: this.#create(at), entry };
        this.#special(at, entry);
    }
    return { kind: 'skipped' };
  }

  /** The path of what will be made, with nothing there. */
  #freePath(at: Parts): Buffer {
    const path = this.inside.path(at, true);
    const existing = lstatBytes(path);
    if (existing === undefined) return path;
    if (!existing.isDirectory()) unlinkSync(path);
    else if (this.#rules.replaces === 'anything') this.remove(path, at);
    else
      throw new ArchiveError(`${shown(`/${at.join('/')}`)} is a directory in the image, not in the archive`);
    if (existing.isFile()) return path;
    this.inside.forget();
    return this.inside.path(at, true);
  }

  #create(at: Parts): number {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    return openSync(this.#freePath(at), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  }

  #endFile({ fd, entry }: Current & { kind: 'file' }): void {
    this.#current = { kind: 'none' };
    try {
      this.#dress(fd, entry, 0o644);
      if (entry.mtimeS !== undefined) futimesSync(fd, entry.mtimeS, entry.mtimeS);
    } finally {
      closeSync(fd);
    }
  }

  /** Owner first: changing it takes set-id bits and capabilities away. */
  #dress(fd: number, entry: Entry, mode: number): void {
    this.#own(entry, () => fchownSync(fd, entry.uid, entry.gid));
    if (this.#rules.owners === 'kept') setXattrs(fd, entry);
    fchmodSync(fd, entry.mode ?? mode);
  }

  #own({ uid, gid }: Entry, change: () => void): void {
    if (this.#rules.owners === 'ours' || (uid === 0 && gid === 0)) return;
    try {
      change();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EINVAL' && code !== 'EPERM') throw error;
      this.foreignOwners++;
    }
  }

  #directory(at: Parts, entry: Entry): void {
    const keeps = this.#rules.replaces === 'files';
    if (at.length === 0) {
      if (!keeps) this.#dressDirectory(at, this.inside.path([], true), entry);
      return;
    }
    const path = this.inside.path(at, true);
    const existing = lstatBytes(path);
    // Trees are merged: an image's /bin -> usr/bin stays when an archive has a directory bin.
    if (keeps && existing !== undefined && this.#leadsToDirectory(at)) return;
    const made = existing?.isDirectory() ? path : this.#freePath(at);
    if (!existing?.isDirectory()) mkdirSync(made);
    this.#dressDirectory(at, made, entry);
  }

  #leadsToDirectory(at: Parts): boolean {
    try {
      return this.inside.path([...at, 'x'], false) !== undefined;
    } catch {
      return false;
    }
  }

  #dressDirectory(at: Parts, path: Buffer, entry: Entry): void {
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
    const fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      this.#dress(fd, entry, 0o755);
    } finally {
      closeSync(fd);
    }
    if (entry.mtimeS !== undefined) this.#times.set(at, entry.mtimeS);
  }

  #symlink(at: Parts, entry: Entry): void {
    if (
      entry.target === '' ||
      entry.target.includes('\0') ||
      entry.target.length >= this.#rules.limits.nameBytes
    ) {
      throw new ArchiveError(`the archive has a damaged symlink: ${shown(entry.name)}`);
    }
    const path = this.inside.path(at, true);
    if (this.#rules.replaces === 'files' && lstatBytes(path) !== undefined) {
      throw new ArchiveError(`the place of symlink ${shown(`/${at.join('/')}`)} is taken`);
    }
    const free = this.#freePath(at);
    symlinkSync(bytesOf(entry.target), free);
    this.#own(entry, () => lchownSync(free, entry.uid, entry.gid));
    if (entry.mtimeS !== undefined) lutimesSync(free, entry.mtimeS, entry.mtimeS);
  }

  /** One that is not made takes the place of what was there all the same: nobody wants the older file. */
  #special(at: Parts, entry: Entry): void {
    const free = this.#freePath(at);
    if (!makeSpecialFile(free, entry)) {
      this.leftOutDevices++;
      return;
    }
    this.#own(entry, () => lchownSync(free, entry.uid, entry.gid));
    chmodSync(free, entry.mode ?? 0o644);
    if (entry.mtimeS !== undefined) lutimesSync(free, entry.mtimeS, entry.mtimeS);
  }

  #wait(at: Parts, entry: Entry): void {
    this.#waitingBytes += entry.name.length + entry.target.length;
    if (this.#waitingBytes > WAITING_BYTES_MAX) throw new ArchiveError('the archive has too many hard links');
    this.#waiting.push({ at, entry });
  }

  #hardLink(at: Parts, entry: Entry): void {
    const of = `hard link ${shown(entry.name)} to ${shown(entry.target)}`;
    const below = this.#target.place(nameParts(entry.target, this.#rules.limits));
    if (below === undefined) throw new ArchiveError(`${of}: its target is not unpacked`);
    const target = [...this.#target.base, ...below];
    const isTarget = (path: Buffer | undefined) =>
      path !== undefined && lstatBytes(path)?.isDirectory() === false;
    if (!isTarget(this.inside.path(target, false))) {
      throw new ArchiveError(`${of}: its target is not a file`);
    }
    if (target.join('/') === at.join('/')) return;
    const free = this.#freePath(at);
    const source = this.inside.path(target, false);
    // What was in the way may have been, or held, the target.
    if (!isTarget(source)) throw new ArchiveError(`${of}: its target is not a file`);
    linkSync(source as Buffer, free);
  }
}

/** An error of the system would name a path that means nothing to the user. */
function named<T>(entry: Entry, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof ArchiveError ? error : inWords(error, entry.name);
  }
}

function inWords(error: unknown, name: string): ArchiveError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new ArchiveError(`cannot unpack ${shown(name)}: ${code ?? message}`);
}

function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** A file system without attributes is no reason to fail; those of ours that overlay mounts obey are never set. */
function setXattrs(fd: number, { xattrs }: Entry): void {
  for (const [name, value] of Object.entries(xattrs)) {
    if (!XATTRS.test(name)) continue;
    try {
      setXattr(fd, name, bytesOf(value));
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EINVAL', 'ERANGE', 'ENOSPC', 'E2BIG'].includes(code))
        throw error;
    }
  }
}
