// `!Copy`: from the project or from inside the image, with predictable modes, owners and times.
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { copiedMode } from '../../core/image/copied-mode.ts';
import { isProjectPath } from '../../core/image/project-path.ts';
import { selectTree, type TreeEntry, type TreeReader } from '../../core/image/tree.ts';
import type { CopyValue } from '../../core/steps/state.ts';
import { DiskTree, fileStat, linkTarget, namesIn, piecesOf } from '../image/tree-reader.ts';
import { inRoot } from './in-root.ts';

/** 1970-01-01 00:00:01: the same for everybody, and not 0, which some tools take for "unknown". */
const FIXED_TIME_S = 1;

/** Reads inside an image: links are followed only as far as the image would. */
class ImageTree implements TreeReader {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  hostPath(path: string): string {
    return inRoot(this.#root, path, false);
  }

  lstat(path: string) {
    const stat = lstatSync(this.hostPath(path), { throwIfNoEntry: false });
    return stat === undefined ? undefined : fileStat(stat);
  }

  list(path: string): readonly string[] {
    return namesIn(this.hostPath(path), path);
  }

  stat(path: string) {
    return this.lstat(path);
  }

  pieces(path: string): Iterable<Uint8Array> {
    return piecesOf(this.hostPath(path));
  }

  readText(path: string): string {
    return readFileSync(this.hostPath(path), 'utf8');
  }

  readLink(path: string): string {
    return linkTarget(this.hostPath(path), path);
  }
}

function place(source: string, target: string, entry: TreeEntry): void {
  const existing = lstatSync(target, { throwIfNoEntry: false });
  if (existing !== undefined && !existing.isDirectory()) rmSync(target);
  if (entry.stat.kind === 'symlink') symlinkSync(linkTarget(source, entry.path), target);
  // COPYFILE_FICLONE: shares blocks where the file system can.
  else if (entry.stat.kind === 'file') copyFileSync(source, target, constants.COPYFILE_FICLONE);
  else throw new Error(`${entry.path} is neither a file, a directory nor a symlink`);
}

function dress(target: string, source: string, entry: TreeEntry, copy: CopyValue): void {
  lchownSync(target, copy.ownerUid ?? entry.stat.uid, copy.ownerGid ?? entry.stat.gid);
  if (entry.stat.kind === 'symlink') return;
  chmodSync(target, copiedMode(entry.stat, copy.umask, copy.preservePermissions));
  if (entry.stat.kind !== 'file') return;
  const times = copy.preserveTimes ? lstatSync(source) : undefined;
  utimesSync(target, times?.atime ?? FIXED_TIME_S, times?.mtime ?? FIXED_TIME_S);
}

/** An existing directory keeps its mode and owner: trees are merged. */
function placeDirectory(target: string): boolean {
  if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory()) return false;
  mkdirSync(target);
  return true;
}

interface ReadableTree extends TreeReader {
  hostPath(path: string): string;
}

/** From the project, or from the image itself. Throws with a sentence for the user. */
export function copyIntoImage(root: string, projectRoot: string, copy: CopyValue): void {
  const tree = isProjectPath(copy.source) ? new DiskTree(projectRoot) : new ImageTree(root);
  for (const entry of entriesOf(tree, copy)) put(root, tree, entry, copy);
}

/** A single file keeps the time at which it came; in trees times are fixed. */
export function copyFromImage(root: string, otherRoot: string, copy: CopyValue): void {
  const tree = new ImageTree(otherRoot);
  // Devices, pipes and sockets mean nothing in a copy.
  for (const entry of entriesOf(tree, copy).filter(({ stat }) => stat.kind !== 'other')) {
    const target = put(root, tree, entry, copy);
    if (entry.relative === '' && entry.stat.kind === 'file') utimesSync(target, new Date(), new Date());
  }
}

function entriesOf(tree: TreeReader, copy: CopyValue): TreeEntry[] {
  const entries = selectTree(tree, copy.source, copy);
  if (entries === undefined) throw new Error(`source ${copy.source} does not exist`);
  return entries;
}

function put(root: string, tree: ReadableTree, entry: TreeEntry, copy: CopyValue): string {
  const source = tree.hostPath(entry.path);
  const target = inRoot(root, join(copy.path, entry.relative), entry.stat.kind === 'directory');
  // Without parents the error of the system names the path of the host; ours names the image's.
  if (entry.relative === '') checkParent(root, copy.path);
  const isNew = entry.stat.kind !== 'directory' || placeDirectory(target);
  if (entry.stat.kind !== 'directory') place(source, target, entry);
  if (isNew) dress(target, source, entry, copy);
  return target;
}

function checkParent(root: string, path: string): void {
  const parent = join(path, '..');
  if (!lstatSync(inRoot(root, parent), { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`${parent} does not exist in the image: create it with !EnsureDir`);
  }
}

/** Creates or empties a regular file of the image; a symlink there is the user's own decision and stays. */
export function truncateInImage(root: string, path: string): void {
  const target = inRoot(root, path, false);
  const stat = lstatSync(target, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isFile()) return;
  // A file that only a volume will have.
  if (!existsSync(dirname(target))) return;
  closeSync(openSync(target, 'w', 0o644));
}
