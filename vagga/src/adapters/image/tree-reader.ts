// The project's files as the hash sees them, remembering what was looked at.
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
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
    return readdirSync(this.hostPath(path));
  }

  readBytes(path: string): Uint8Array {
    const host = this.hostPath(path);
    const bytes = readFileSync(host);
    if (bytes.length > HASHED_FILE_BYTES_MAX) throw new Error(`${host} is too large to be hashed`);
    return bytes;
  }

  readText(path: string): string | undefined {
    return this.lstat(path) === undefined ? undefined : Buffer.from(this.readBytes(path)).toString('utf8');
  }

  readLink(path: string): string {
    return readlinkSync(this.hostPath(path));
  }
}
