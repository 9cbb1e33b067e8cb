// A directory as lines that two ways to copy it must agree on: kinds, modes, owners, links, attributes, contents.
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { getXattr, listXattrs } from '@suite/shared/linux/xattr.ts';

const bytes = (path: string): Buffer => Buffer.from(path, 'latin1');

function kindOf(stat: Stats, path: string): string {
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return `-> ${readlinkSync(bytes(path), 'latin1')}`;
  if (stat.isFIFO()) return 'fifo';
  if (!stat.isFile()) return `device ${stat.rdev}`;
  return `${stat.size} ${createHash('sha256')
    .update(readFileSync(bytes(path)))
    .digest('hex')
    .slice(0, 16)}`;
}

export interface TreeLinesOptions {
  readonly times?: boolean;
  /** Names below the root that do not count. */
  readonly without?: readonly string[];
  /** What is added to owners: those of a user namespace seen from outside. */
  readonly owner?: (id: number) => number;
}

export function treeLines(root: string, options: TreeLinesOptions = {}): string[] {
  const { times = false, without = [], owner = id => id } = options;
  const names = new Map<string, string>();
  const walk = (name: string): string[] => {
    const path = `${root}${name}`;
    const stat = lstatSync(bytes(path));
    const inode = `${stat.dev}:${stat.ino}`;
    const first = stat.isDirectory() ? undefined : names.get(inode);
    names.set(inode, first ?? name);
    const xattrs = listXattrs(bytes(path))
      .filter(key => !/overlay|selinux/.test(key))
      .map(key => `${key}=${getXattr(bytes(path), key)?.toString('hex')}`);
    const line = [
      name || '/',
      (stat.mode & 0o7777).toString(8),
      `${owner(stat.uid)}:${owner(stat.gid)}`,
      first === undefined ? kindOf(stat, path) : `is ${first}`,
      ...xattrs.sort(),
      ...(times ? [Math.floor(stat.mtimeMs / 1000)] : []),
    ].join(' ');
    if (!stat.isDirectory()) return [line];
    const children = readdirSync(bytes(path), { encoding: 'latin1' }).sort();
    return [
      line,
      ...children
        .map(child => `${name}/${child}`)
        .filter(child => !without.includes(child))
        .flatMap(walk),
    ];
  };
  return walk('');
}
