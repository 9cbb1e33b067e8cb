import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { orderMounts, type SandboxMount } from './sandbox.ts';

interface MountPointProblem {
  readonly target: string;
  readonly reason: string;
}

type Backing = { readonly kind: 'host'; readonly path: string } | { readonly kind: 'free' };
type Found = 'file' | 'directory' | 'free' | undefined;

/** The kernel's own limit (path_resolution(7)). */
const MAX_SYMLINKS = 40;
/** Mounted over the image before any volume; what is below them is made by the runtime, not in the image. */
const FIXED_DIRECTORIES = ['/proc', '/sys', '/dev'];

/**
 * Walks a path as the kernel would inside the sandbox: links stay inside the root, `..` stops at it, and what is
 * mounted at a prefix hides the image. Returns the path without links, or undefined when a component is missing.
 */
class Lookup {
  readonly #root: string;
  readonly #mounted = new Map<string, Backing>();

  constructor(root: string) {
    this.#root = root;
  }

  mount(resolved: string, backing: Backing): void {
    this.#mounted.set(resolved, backing);
  }

  async resolve(target: string): Promise<{ readonly path: string; readonly found: Found }> {
    const rest = target.split('/').reverse();
    let path = '/';
    let links = 0;
    while (rest.length > 0) {
      const part = rest.pop() as string;
      if (part === '' || part === '.') continue;
      if (part === '..') {
        path = join(path, '..');
        continue;
      }
      const next = join(path, part);
      const link = await this.#linkAt(next);
      if (link === undefined) {
        path = next;
        continue;
      }
      if (++links > MAX_SYMLINKS) return { path: next, found: undefined };
      rest.push(...link.split('/').reverse());
      if (link.startsWith('/')) path = '/';
    }
    return { path, found: await this.#kindOf(path) };
  }

  #backingOf(path: string): Backing {
    for (let prefix = path; prefix !== '/'; prefix = join(prefix, '..')) {
      const backing = this.#mounted.get(prefix);
      if (backing === undefined) continue;
      return backing.kind === 'free'
        ? backing
        : { kind: 'host', path: join(backing.path, path.slice(prefix.length)) };
    }
    return { kind: 'host', path: join(this.#root, path) };
  }

  async #linkAt(path: string): Promise<string | undefined> {
    const backing = this.#backingOf(path);
    if (backing.kind === 'free') return undefined;
    return await readlink(backing.path).catch(() => undefined);
  }

  async #kindOf(path: string): Promise<Found> {
    const backing = this.#backingOf(path);
    if (backing.kind === 'free') return 'free';
    const status = await lstat(backing.path).catch(() => undefined);
    if (status === undefined) return undefined;
    return status.isDirectory() ? 'directory' : 'file';
  }
}

async function kindOfSource(mount: SandboxMount): Promise<'file' | 'directory' | undefined> {
  if (mount.type === 'tmpfs') return 'directory';
  const status = await lstat(mount.source ?? '').catch(() => undefined);
  if (status?.isSymbolicLink()) return undefined;
  return status === undefined ? undefined : status.isDirectory() ? 'directory' : 'file';
}

function compare(mount: SandboxMount, source: Found, found: Found): string | undefined {
  if (source === undefined) return `its source ${mount.source} does not exist or is a symbolic link`;
  if (found === undefined) return 'does not exist in the image';
  if (found === 'free' || found === source) return undefined;
  return `is a ${found} in the image, but a ${source} is to be mounted there`;
}

/**
 * Volumes that cannot be mounted. crun and runc would create a missing mount point inside the image, even when its
 * root is read-only: so this is asked first. Follows links and earlier volumes as the kernel would.
 */
export async function checkMountPoints(
  rootPath: string,
  mounts: readonly SandboxMount[],
): Promise<MountPointProblem[]> {
  const lookup = new Lookup(rootPath);
  const problems: MountPointProblem[] = [];
  for (const target of FIXED_DIRECTORIES) {
    const { path, found } = await lookup.resolve(target);
    if (path !== target || found !== 'directory')
      problems.push({ target, reason: 'is not a directory in the image' });
    lookup.mount(target, { kind: 'free' });
  }
  for (const mount of orderMounts(mounts)) {
    const source = await kindOfSource(mount);
    const { path, found } = await lookup.resolve(mount.target);
    const reason = compare(mount, source, found);
    if (reason !== undefined) problems.push({ target: mount.target, reason });
    lookup.mount(path, mount.type === 'bind' ? { kind: 'host', path: mount.source ?? '' } : { kind: 'free' });
  }
  return problems;
}
