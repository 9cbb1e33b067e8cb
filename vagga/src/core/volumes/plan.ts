// Volumes of a command as mounts (§1.5 of the format), before anybody looks at the disk.
import { TMPFS_BYTES } from '../../config/defaults.ts';
import type { Container, Json, RunCommand, Volume, Volumes } from '../../config/model.ts';
import type { PlannedMount, PlannedTmpfs } from './mounts.ts';

export type PlannedMounts =
  | { readonly ok: true; readonly mounts: readonly PlannedMount[] }
  | { readonly ok: false; readonly message: string };

type Fields = Readonly<Record<string, Json>>;
type ExternalVolumes = Readonly<Record<string, string>>;
/** A sentence says why there is no mount. */
type Planner = (target: string, value: Json, external: ExternalVolumes) => PlannedMount | string;

const emptyTmpfs = (target: string, sizeBytes: number, mode: number): PlannedTmpfs => ({
  kind: 'tmpfs',
  target,
  sizeBytes,
  mode,
  readonly: false,
  directories: [],
  files: [],
});

/** Mounted unless a volume has the very path. Shared memory of old programs gets a file system of its own: no directory need be made. */
const DEFAULTS: readonly (readonly [string, readonly PlannedMount[]])[] = [
  ['/tmp', [emptyTmpfs('/tmp', TMPFS_BYTES, 0o1777)]],
  ['/run', [emptyTmpfs('/run', TMPFS_BYTES, 0o755), emptyTmpfs('/run/shm', TMPFS_BYTES, 0o1777)]],
];

const IMAGE = '/vagga/root';
const EXTERNAL = '/volumes/';

/** The part of `path` below `prefix`, which is '' for `prefix` itself; undefined: it is elsewhere. */
function below(path: string, prefix: string): string | undefined {
  return path === prefix || path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : undefined;
}

const leadsOut = (path: string): boolean => path.split('/').includes('..');

function external(target: string, path: string, readonly: boolean, volumes: ExternalVolumes) {
  const [name = '', ...rest] = path.slice(EXTERNAL.length).split('/');
  if (!Object.hasOwn(volumes, name))
    return `volume ${target}: there is no external volume ${JSON.stringify(name)}: add it to \`external-volumes\` in your settings`;
  const whole = [volumes[name], ...rest].join('/');
  return { kind: 'bind', target, from: 'host', path: whole, readonly } as const;
}

function bind(readonly: boolean): Planner {
  return (target, value, volumes) => {
    const path = value as string;
    if (leadsOut(path)) return `volume ${target}: .. is not allowed in ${path}`;
    const inProject = below(path, '/work');
    if (inProject !== undefined) return { kind: 'bind', target, from: 'project', path: inProject, readonly };
    const inImage = below(path, IMAGE);
    if (inImage !== undefined) return { kind: 'bind', target, from: 'image', path: inImage, readonly };
    if (path.startsWith(EXTERNAL)) return external(target, path, readonly, volumes);
    return `volume ${target}: ${path} cannot be bound, only /work/…, /volumes/NAME… and ${IMAGE}/…`;
  };
}

function byPath<T>(map: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
}

const tmpfs: Planner = (target, value) => {
  const { size, mode, subdirs, files } = value as {
    size: number;
    mode: number;
    subdirs: Readonly<Record<string, { mode: number }>>;
    files: Readonly<Record<string, string | null>>;
  };
  const wrong = [...Object.keys(subdirs), ...Object.keys(files)].find(
    path => path.startsWith('/') || leadsOut(path),
  );
  if (wrong !== undefined) return `volume ${target}: ${JSON.stringify(wrong)} is not a path inside of it`;
  return {
    ...emptyTmpfs(target, size, mode),
    directories: byPath(subdirs).map(([path, { mode: own }]) => ({ path, mode: own })),
    files: byPath(files).map(([path, text]) => ({ path, text: text ?? '' })),
  };
};

const cache: Planner = (target, value) => {
  const path = value as string;
  if (path === '') return 'mount !CacheDir: path must not be empty';
  if (path.startsWith('/')) return `mount !CacheDir ${JSON.stringify(path)}: path must not be absolute`;
  if (leadsOut(path)) return `mount !CacheDir ${JSON.stringify(path)}: .. is not allowed`;
  return { kind: 'cache', target, path };
};

/** The size of one byte becomes that of a page; nothing fits but the directory itself. */
const empty: Planner = target => ({ ...emptyTmpfs(target, 1, 0), readonly: true });

const snapshot: Planner = (target, value) => {
  const { size, ...rest } = value as { size: number; container?: string };
  return { kind: 'snapshot', target, sizeBytes: size, ...rest };
};

const persistent: Planner = (target, value) => {
  const fields = value as { name: string; initCommand?: string; ownerUid: number; ownerGid: number };
  return { kind: 'persistent', target, ...fields };
};

const PLANNERS: Readonly<Record<string, Planner>> = {
  Tmpfs: tmpfs,
  BindRW: bind(false),
  BindRO: bind(true),
  CacheDir: cache,
  VaggaBin: target => ({ kind: 'vagga-bin', target }),
  Empty: empty,
  Snapshot: snapshot,
  Container: (target, value) => ({ kind: 'container', target, name: value as string }),
  Persistent: persistent,
};

function planned(target: string, volume: Volume, volumes: ExternalVolumes): PlannedMount | string {
  return PLANNERS[volume.tag]?.(target, volume.value, volumes) ?? `volume ${target}: unknown !${volume.tag}`;
}

/** The command's entry replaces the container's with the same path. */
export function mergedVolumes(
  container: Pick<Container, 'volumes'> | undefined,
  command: RunCommand,
): Volumes {
  return { ...container?.volumes, ...command.volumes };
}

/** In the order of paths, behind the defaults. */
export function planVolumes(volumes: Volumes, external: ExternalVolumes): PlannedMounts {
  const isTaken = (path: string) => Object.hasOwn(volumes, path);
  const mounts = DEFAULTS.filter(([path]) => !isTaken(path))
    .flatMap(([, own]) => own)
    .filter(({ target }) => !isTaken(target));
  for (const [target, volume] of byPath(volumes)) {
    const mount = planned(target, volume, external);
    if (typeof mount === 'string')
      return { ok: false, message: `${volume.file}:${volume.line}:${volume.column}: ${mount}` };
    mounts.push(mount);
  }
  return { ok: true, mounts };
}

/** Containers whose images the volumes show or copy. */
export function containersOfVolumes(volumes: Volumes): string[] {
  return Object.values(volumes).flatMap(({ tag, value }) => {
    if (tag === 'Container') return [value as string];
    const container = tag === 'Snapshot' ? (value as Fields).container : undefined;
    return typeof container === 'string' ? [container] : [];
  });
}
