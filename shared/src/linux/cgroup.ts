/**
 * Where cgroups are. `v2`: one hierarchy at /sys/fs/cgroup; `v1`: one per controller; `hybrid`: v1 plus a v2 hierarchy
 * beside it, which may own controllers of its own; `none`: nothing mounted (a bare container).
 */
type CgroupLayout = 'v1' | 'v2' | 'hybrid' | 'none';

interface CgroupMount {
  readonly mountPoint: string;
  /** Which cgroup is seen at the mount point: `/` except in containers. */
  readonly root: string;
}

export interface CgroupMounts {
  readonly layout: CgroupLayout;
  /** v1 hierarchies by controller, named ones as `name=…`. */
  readonly controllers: ReadonlyMap<string, CgroupMount>;
  readonly unified: CgroupMount | undefined;
}

/** A line of /proc/PID/cgroup; the v2 line has no controllers. */
interface ProcCgroup {
  readonly controllers: readonly string[];
  readonly path: string;
}

export type CgroupPaths = ReadonlyMap<string, string>;

/** The key of the v2 hierarchy in `CgroupPaths`. */
export const UNIFIED = 'unified';

/** Flags of the mount, not controllers, in the super options of a v1 hierarchy (kernel: Documentation/cgroup-v1). */
const NOT_CONTROLLERS = new Set([
  'rw',
  'ro',
  'none',
  'all',
  'clone_children',
  'noprefix',
  'xattr',
  'cpuset_v2_mode',
  'favordynmods',
]);

/** mountinfo writes space, tab, newline and backslash as octal (proc(5)). */
function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

interface MountLine extends CgroupMount {
  readonly type: string;
  readonly superOptions: readonly string[];
}

function parseMountLine(line: string): MountLine | undefined {
  const [left, right] = line.split(' - ');
  const [, , , root, mountPoint] = left?.split(' ') ?? [];
  const [type, , options] = right?.split(' ') ?? [];
  if (root === undefined || mountPoint === undefined || type === undefined) return undefined;
  return {
    root: decodeOctal(root),
    mountPoint: decodeOctal(mountPoint),
    type,
    superOptions: options?.split(',') ?? [],
  };
}

function layoutOf(hasV1: boolean, unified: CgroupMount | undefined): CgroupLayout {
  if (unified === undefined) return hasV1 ? 'v1' : 'none';
  return hasV1 ? 'hybrid' : 'v2';
}

/** `text` of /proc/self/mountinfo (format: proc(5)). Of several mounts of one hierarchy the shortest path counts. */
export function parseCgroupMounts(text: string): CgroupMounts {
  const controllers = new Map<string, CgroupMount>();
  let unified: CgroupMount | undefined;
  for (const line of text.split('\n')) {
    const mount = parseMountLine(line);
    if (mount === undefined || (mount.type !== 'cgroup' && mount.type !== 'cgroup2')) continue;
    const { root, mountPoint } = mount;
    const isBetter = (known: CgroupMount | undefined) =>
      known === undefined || mountPoint.length < known.mountPoint.length;
    if (mount.type === 'cgroup2') {
      if (isBetter(unified)) unified = { root, mountPoint };
      continue;
    }
    for (const name of mount.superOptions.filter(option => !NOT_CONTROLLERS.has(option))) {
      if (isBetter(controllers.get(name))) controllers.set(name, { root, mountPoint });
    }
  }
  return { layout: layoutOf(controllers.size > 0, unified), controllers, unified };
}

/** Flags of every file system or of a security module, which are not ours to give again. */
const NOT_OF_CGROUP2 = new Set(['rw', 'ro', 'sync', 'dirsync', 'lazytime', 'seclabel']);

/** Options of the v2 hierarchy itself, the same wherever it is mounted. */
export function unifiedOptions(mountinfo: string): string[] {
  const mount = mountinfo
    .split('\n')
    .map(parseMountLine)
    .find(each => each?.type === 'cgroup2');
  return (mount?.superOptions ?? []).filter(option => !NOT_OF_CGROUP2.has(option));
}

export function detectCgroupLayout(mountinfo: string): CgroupLayout {
  return parseCgroupMounts(mountinfo).layout;
}

/** `text` of /proc/PID/cgroup: lines `ID:CONTROLLERS:PATH` (cgroups(7)). The path may itself have colons. */
export function parseProcCgroup(text: string): ProcCgroup[] {
  return text.split('\n').flatMap(line => {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (match === null) return [];
    return [
      { controllers: (match[1] as string).split(',').filter(name => name !== ''), path: match[2] as string },
    ];
  });
}

function directory(mount: CgroupMount, path: string): string {
  const inside = mount.root !== '/' && path.startsWith(mount.root) ? path.slice(mount.root.length) : path;
  return inside === '/' || inside === ''
    ? mount.mountPoint
    : `${mount.mountPoint}/${inside.replace(/^\//, '')}`;
}

/** Directories of the cgroup a process is in, by controller (`unified` for v2), from its /proc/PID/cgroup. */
export function cgroupPathsOfProcess(mounts: CgroupMounts, procCgroup: string): CgroupPaths {
  const paths = new Map<string, string>();
  for (const { controllers, path } of parseProcCgroup(procCgroup)) {
    if (controllers.length === 0 && mounts.unified !== undefined)
      paths.set(UNIFIED, directory(mounts.unified, path));
    for (const name of controllers) {
      const mount = mounts.controllers.get(name);
      if (mount !== undefined) paths.set(name, directory(mount, path));
    }
  }
  return paths;
}

/** Directories a cgroup of this name has, by controller; the same name is used in every hierarchy. */
export function cgroupPaths(mounts: CgroupMounts, path: string): CgroupPaths {
  const paths = new Map(
    [...mounts.controllers].map(([name, mount]) => [name, directory(mount, path)] as const),
  );
  if (mounts.unified !== undefined) paths.set(UNIFIED, directory(mounts.unified, path));
  return paths;
}

/** Where a controller's files are: in its v1 hierarchy, else in the v2 one. */
export function controllerDirectory(paths: CgroupPaths, controller: string): string | undefined {
  return paths.get(controller) ?? paths.get(UNIFIED);
}
