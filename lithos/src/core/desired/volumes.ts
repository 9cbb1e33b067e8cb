// Volumes of a container: virtual paths become those of the host, and owners ids of the host.
import type { ContainerKeys } from '../../config/container.ts';
import type { SandboxKeys } from '../../config/sandbox.ts';
import type { VolumeKeys } from '../../config/volumes.ts';
import { hostId, type IdMaps, mapsInEffect } from './id-maps.ts';
import { components, type HostPath, mapPath } from './paths.ts';
import type { ResolvedVolume } from './types.ts';

interface Owner {
  readonly user: number;
  readonly group: number;
}

/** Whose directory a volume makes or changes; undefined when it leaves the owner alone. */
export function ownerOf(keys: VolumeKeys): Owner | undefined {
  if (keys.tag === 'Persistent') return keys.value.mkdir ? keys.value : undefined;
  if (keys.tag === 'Statedir') return components(keys.value.path)?.length === 0 ? undefined : keys.value;
  return undefined;
}

function mapped(found: HostPath | undefined, virtual: string): { source: string; root: string } {
  if (found === undefined) throw new Error(`unchecked volume path ${virtual}`);
  return { source: found.path, root: found.root };
}

/** An owner outside the map is refused before, unless nobody would be given the directory. */
function onHost(keys: VolumeKeys, maps: IdMaps): Owner {
  const { user = 0, group = 0 } = ownerOf(keys) ?? {};
  return { user: hostId(maps, 'user', user) ?? 0, group: hostId(maps, 'group', group) ?? 0 };
}

function resolve(target: string, keys: VolumeKeys, sandbox: SandboxKeys, maps: IdMaps): ResolvedVolume {
  switch (keys.tag) {
    case 'Readonly': {
      const source = mapPath(sandbox.readonlyPaths, keys.value) ?? mapPath(sandbox.writablePaths, keys.value);
      return { kind: 'readonly', target, ...mapped(source, keys.value) };
    }
    case 'Persistent': {
      const { path, mkdir, mode } = keys.value;
      const source = mapped(mapPath(sandbox.writablePaths, path), path);
      return { kind: 'persistent', target, ...source, create: mkdir, mode, ...onHost(keys, maps) };
    }
    case 'Tmpfs': {
      const { size, mode } = keys.value;
      return { kind: 'tmpfs', target, sizeBytes: size, mode };
    }
    case 'Statedir': {
      const path = (components(keys.value.path) ?? []).join('/');
      return { kind: 'statedir', target, path, mode: keys.value.mode, ...onHost(keys, maps) };
    }
  }
}

/** Shorter mount points first, equal ones alphabetically: a volume may sit inside another. */
export function volumesOf(container: ContainerKeys, sandbox: SandboxKeys): ResolvedVolume[] {
  const maps = mapsInEffect(sandbox, container);
  return Object.entries(container.volumes)
    .sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))
    .map(([target, keys]) => resolve(target, keys, sandbox, maps));
}
