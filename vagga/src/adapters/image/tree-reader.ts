// The project's files as the hash sees them, remembering what was looked at.
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { HASHED_FILE_BYTES_MAX } from '../../config/defaults.ts';
import type { FileStat, TreeReader } from '../../core/image/tree.ts';
import { linkStampOf, type Stamp } from '../project/stamps.ts';

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

/** Maps `/work/…` to the project, other paths to `imageRoot` (undefined: they do not exist). */
export class DiskTree implements TreeReader {
  readonly stamps = new Map<string, Stamp>();
  readonly #project: string;

  constructor(project: string) {
    this.#project = project;
  }

  /** `/work/a` → the host's path. */
  hostPath(path: string): string {
    return path === '/work' ? this.#project : `${this.#project}${path.slice('/work'.length)}`;
  }

  lstat(path: string): FileStat | undefined {
    const host = this.hostPath(path);
    this.stamps.set(host, linkStampOf(host));
    const stat = lstatSync(host, { throwIfNoEntry: false });
    return stat === undefined ? undefined : fileStat(stat);
  }

  list(path: string): readonly string[] {
    return namesIn(this.hostPath(path), path);
  }

  readBytes(path: string): Uint8Array {
    const host = this.hostPath(path);
    if (statSync(host).size > HASHED_FILE_BYTES_MAX)
      throw new Error(`${host} is larger than ${HASHED_FILE_BYTES_MAX} bytes: too large to be hashed`);
    return readFileSync(host);
  }

  readText(path: string): string | undefined {
    return this.lstat(path) === undefined ? undefined : Buffer.from(this.readBytes(path)).toString('utf8');
  }

  readLink(path: string): string {
    return readlinkSync(this.hostPath(path));
  }
}
