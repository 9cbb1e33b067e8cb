// Volumes of a command as mounts, before anybody looks at the disk.
import { TMPFS_BYTES } from '../../config/defaults.ts';
import type { Container, Json, RunCommand, Volume } from '../../config/model.ts';

export type PlannedMount =
  | { readonly kind: 'tmpfs'; readonly target: string; readonly sizeBytes: number; readonly mode: number }
  /** `from` says what `path` is relative to. */
  | {
      readonly kind: 'bind';
      readonly target: string;
      readonly from: 'project' | 'image';
      readonly path: string;
      readonly readonly: boolean;
    }
  | { readonly kind: 'cache'; readonly target: string; readonly path: string }
  | {
      readonly kind: 'persistent';
      readonly target: string;
      readonly name: string;
      readonly ownerUid: number;
      readonly ownerGid: number;
    };

export type PlannedMounts =
  | { readonly ok: true; readonly mounts: readonly PlannedMount[] }
  | { readonly ok: false; readonly message: string };

type Fields = Readonly<Record<string, Json>>;

/** Mounted unless a volume has the very path. */
const DEFAULTS: readonly PlannedMount[] = [
  { kind: 'tmpfs', target: '/tmp', sizeBytes: TMPFS_BYTES, mode: 0o1777 },
  { kind: 'tmpfs', target: '/run', sizeBytes: TMPFS_BYTES, mode: 0o755 },
];

const IMAGE = '/vagga/root';

function bind(target: string, path: string, readonly: boolean): PlannedMount | string {
  if (path === '/work' || path.startsWith('/work/')) {
    return { kind: 'bind', target, from: 'project', path: path.slice('/work'.length), readonly };
  }
  if (path === IMAGE || path.startsWith(`${IMAGE}/`)) {
    return { kind: 'bind', target, from: 'image', path: path.slice(IMAGE.length), readonly };
  }
  return `volume ${target}: ${path} is not available yet: only /work/… and ${IMAGE}/… can be bound`;
}

function tmpfs(target: string, value: Fields): PlannedMount | string {
  const extra = ['subdirs', 'files'].find(key => Object.keys(value[key] as Fields).length > 0);
  if (extra !== undefined) return `volume ${target}: the key ${extra} of !Tmpfs is not available yet`;
  return { kind: 'tmpfs', target, sizeBytes: value.size as number, mode: value.mode as number };
}

function cache(target: string, path: string): PlannedMount | string {
  if (path === '') return 'mount !CacheDir: path must not be empty';
  if (path.startsWith('/')) return `mount !CacheDir ${JSON.stringify(path)}: path must not be absolute`;
  if (path.split('/').includes('..')) return `mount !CacheDir ${JSON.stringify(path)}: .. is not allowed`;
  return { kind: 'cache', target, path };
}

function persistent(target: string, value: Fields): PlannedMount | string {
  if (value.initCommand !== undefined) {
    return `volume ${target}: the key init-command of !Persistent is not available yet`;
  }
  const { name, ownerUid, ownerGid } = value as { name: string; ownerUid: number; ownerGid: number };
  return { kind: 'persistent', target, name, ownerUid, ownerGid };
}

function planned(target: string, volume: Volume): PlannedMount | string {
  switch (volume.tag) {
    case 'Tmpfs':
      return tmpfs(target, volume.value as Fields);
    case 'BindRW':
      return bind(target, volume.value as string, false);
    case 'BindRO':
      return bind(target, volume.value as string, true);
    case 'CacheDir':
      return cache(target, volume.value as string);
    case 'Persistent':
      return persistent(target, volume.value as Fields);
    default:
      return `volume ${target}: !${volume.tag} is not available yet`;
  }
}

/** In the order of paths; the command's entry replaces the container's with the same path. */
export function planVolumes(container: Container, command: RunCommand): PlannedMounts {
  const volumes = Object.entries({ ...container.volumes, ...command.volumes });
  const mounts: PlannedMount[] = DEFAULTS.filter(({ target }) => volumes.every(([path]) => path !== target));
  for (const [target, volume] of volumes.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const mount = planned(target, volume);
    if (typeof mount === 'string')
      return { ok: false, message: `${volume.file}:${volume.line}:${volume.column}: ${mount}` };
    mounts.push(mount);
  }
  return { ok: true, mounts };
}
