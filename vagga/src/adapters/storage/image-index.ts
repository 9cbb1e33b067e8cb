// Making, keeping and checking the index of an image, and sharing files by it.
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  type Comparison,
  compareIndex,
  formatIndex,
  type IndexEntry,
  identicalFiles,
  parseIndex,
} from '../../core/storage/image-index.ts';
import { bytes, fromBytes } from '../layers/copy-file.ts';

const INDEX = 'index.ds1';
const READ_BYTES = 1024 * 1024;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

function fileDigest(path: string): string {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(READ_BYTES);
  const fd = openSync(bytes(path), 'r');
  try {
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer))
      hash.update(buffer.subarray(0, read));
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}

function kindOf(stat: Stats): IndexEntry['kind'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'symlink' : 'other';
}

function entryOf(root: string, path: string): IndexEntry {
  const stat = lstatSync(bytes(root + path));
  const kind = kindOf(stat);
  const own = { path: path || '/', kind, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
  if (kind === 'file') return { ...own, sizeBytes: stat.size, content: fileDigest(root + path) };
  return kind === 'symlink' ? { ...own, content: readlinkSync(bytes(root + path), 'latin1') } : own;
}

function entriesBelow(root: string, path = ''): IndexEntry[] {
  const own = entryOf(root, path);
  if (own.kind !== 'directory') return [own];
  const names = readdirSync(bytes(root + path), { encoding: 'latin1' });
  return [own, ...names.flatMap(name => entriesBelow(root, `${path}/${name}`))];
}

const rootOf = (image: string): string => fromBytes(join(image, 'root'));

/** `image`: directory of a version. */
export function writeIndex(image: string): void {
  const file = join(image, INDEX);
  writeFileSync(`${file}.new`, formatIndex(entriesBelow(rootOf(image)), digest));
  renameSync(`${file}.new`, file);
}

function readIndex(image: string): IndexEntry[] | undefined {
  const file = join(image, INDEX);
  return existsSync(file) ? parseIndex(readFileSync(file, 'utf8'), digest) : undefined;
}

/** Undefined without a (sound) index. */
export function verifyImage(image: string): Comparison | undefined {
  const recorded = readIndex(image);
  return recorded && compareIndex(recorded, entriesBelow(rootOf(image)));
}

export interface Linked {
  readonly files: number;
  readonly sizeBytes: number;
}

/** The other file is looked at again: an index may be older than a change. */
function linkOne(source: string, target: string, entry: IndexEntry): boolean {
  const [from, to] = [lstatSync(bytes(source)), lstatSync(bytes(target))];
  if (from.ino === to.ino || from.dev !== to.dev) return false;
  const isSame = (stat: Stats) =>
    stat.isFile() &&
    stat.size === entry.sizeBytes &&
    (stat.mode & 0o7777) === entry.mode &&
    stat.uid === entry.uid &&
    stat.gid === entry.gid;
  if (!isSame(from) || !isSame(to) || fileDigest(source) !== entry.content) return false;
  const temporary = `${target}.vagga-link`;
  linkSync(bytes(source), bytes(temporary));
  renameSync(bytes(temporary), bytes(target));
  return true;
}

/** Files of `image` become those of the others, the first that has the same; images without an index are passed over. */
export function shareFiles(image: string, others: readonly string[]): Linked {
  const ours = readIndex(image) ?? [];
  const done = new Set<string>();
  let sizeBytes = 0;
  for (const other of others) {
    for (const entry of identicalFiles(ours, readIndex(other) ?? [])) {
      if (done.has(entry.path)) continue;
      if (!tryLink(`${rootOf(other)}${entry.path}`, `${rootOf(image)}${entry.path}`, entry)) continue;
      done.add(entry.path);
      sizeBytes += entry.sizeBytes ?? 0;
    }
  }
  return { files: done.size, sizeBytes };
}

function tryLink(source: string, target: string, entry: IndexEntry): boolean {
  try {
    return linkOne(source, target, entry);
  } catch {
    // Too many links, or one of the two is just being removed.
    rmSync(bytes(`${target}.vagga-link`), { force: true });
    return false;
  }
}

/** Indexes what has none. */
export function ensureIndex(image: string): void {
  if (existsSync(join(image, 'root')) && readIndex(image) === undefined) writeIndex(image);
}
