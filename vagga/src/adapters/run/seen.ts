// What a container will see at a path, found out before it starts: engines make missing directories, even in the image.
import { lstatSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { inRoot } from '../build/in-root.ts';

export interface Places {
  readonly rootPath: string;
  /** Directory of the host that is at /work. */
  readonly project: string;
  /** Mount points, /work too: what is below the others only the running container sees. */
  readonly covered: readonly string[];
}

/** `unknown`: a volume or a symlink leads elsewhere; the container will find out. */
export type Seen = 'directory' | 'file' | 'absent' | 'unknown';

const FIXED = ['/dev', '/proc', '/sys'];

const isBelow = (path: string, mount: string) => path === mount || path.startsWith(`${mount}/`);

/** The innermost mount that has the path. */
function mountOf({ covered }: Places, path: string): string | undefined {
  return [...covered, ...FIXED]
    .filter(mount => isBelow(path, mount))
    .reduce<string | undefined>(
      (best, mount) => (mount.length > (best?.length ?? 0) ? mount : best),
      undefined,
    );
}

const kindOf = (path: string): Seen => {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 'absent';
  return stat.isDirectory() ? 'directory' : 'file';
};

function hasLink(root: string, path: string): boolean {
  let here = root;
  return path.split('/').some(part => {
    here = join(here, part);
    return lstatSync(here, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  });
}

/** A symlink of the image may lead to where something is mounted. */
function inImage(places: Places, path: string): Seen {
  const { rootPath } = places;
  const real = inRoot(rootPath, path);
  const found = kindOf(real);
  if (found !== 'absent') return found;
  return mountOf(places, `/${relative(rootPath, real)}`) === undefined ? 'absent' : 'unknown';
}

/** A symlink of the project means something else here than there. */
function inProject({ project }: Places, path: string): Seen {
  return hasLink(project, path) ? 'unknown' : kindOf(join(project, path));
}

/** `path` is absolute, in the container. */
export function seen(places: Places, path: string): Seen {
  const mount = mountOf(places, path);
  if (mount === undefined) return inImage(places, path);
  return mount === '/work' ? inProject(places, path.slice('/work'.length)) : 'unknown';
}

/** Why nothing can run at `cwd`: the engine would make a directory that is not there, in the project or even in the image. */
export function placeProblem(places: Places, cwd: string): string | undefined {
  const found = seen(places, cwd);
  if (found === 'absent') return `work-dir ${cwd} does not exist in the container`;
  return found === 'file' ? `work-dir ${cwd} is not a directory` : undefined;
}
