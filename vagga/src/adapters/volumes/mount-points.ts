// Mount points must exist: the engine would make a missing one inside the image, the project or a volume, and so change it.
import { type Stats, statSync } from 'node:fs';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import { inRoot } from '../build/in-root.ts';

/** Where a path of the container is outside of it. */
export type Backing =
  | { readonly kind: 'path'; readonly path: string; readonly readonly: boolean }
  /** A file system that begins with the container: the engine makes there what it needs. */
  | { readonly kind: 'fresh' };

/** File systems that every container gets. */
const FRESH = ['/proc', '/sys', '/dev'];

const isBelow = (path: string, directory: string) => path.startsWith(`${directory}/`);

/** The last and deepest of the mounts that `path` is below decides. */
function enclosing(path: string, mounts: readonly SandboxMount[]): SandboxMount | undefined {
  return mounts
    .filter(({ target }) => isBelow(path, target))
    .reduce<SandboxMount | undefined>(
      (best, mount) => (best !== undefined && best.target.length > mount.target.length ? best : mount),
      undefined,
    );
}

export function backingOf(rootPath: string, path: string, mounts: readonly SandboxMount[]): Backing {
  const mount = enclosing(path, mounts);
  if (mount === undefined) {
    if (FRESH.some(directory => isBelow(path, directory))) return { kind: 'fresh' };
    return { kind: 'path', path: inRoot(rootPath, path), readonly: true };
  }
  if (mount.type === 'tmpfs' || mount.source === undefined) return { kind: 'fresh' };
  const inside = inRoot(mount.source, path.slice(mount.target.length));
  return { kind: 'path', path: inside, readonly: mount.readonly };
}

const kindOf = (stat: Stats) => (stat.isDirectory() ? 'directory' : 'file');

function problemOf(rootPath: string, mount: SandboxMount, others: readonly SandboxMount[]) {
  const backing = backingOf(rootPath, mount.target, others);
  if (backing.kind === 'fresh') return undefined;
  const found = statSync(backing.path, { throwIfNoEntry: false });
  if (found === undefined)
    return `mount point ${mount.target} does not exist in the image: create it with !EnsureDir`;
  const source = mount.source === undefined ? 'directory' : kindOf(statSync(mount.source));
  return source === kindOf(found)
    ? undefined
    : `mount point ${mount.target} is a ${kindOf(found)}, but a ${source} is to be mounted there`;
}

/** Every source must exist. */
export function mountPointProblem(rootPath: string, mounts: readonly SandboxMount[]): string | undefined {
  for (const mount of mounts) {
    // The project is always there; the engine makes its mount point since images have none.
    const problem = mount.target === '/work' ? undefined : problemOf(rootPath, mount, mounts);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
