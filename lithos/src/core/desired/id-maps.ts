// User namespaces: which map is in effect, and what an id inside is on the host.
import type { ContainerKeys } from '../../config/container.ts';
import type { SandboxKeys } from '../../config/sandbox.ts';
import type { IdMap } from './types.ts';

export interface IdMaps {
  readonly uidMap: readonly IdMap[];
  readonly gidMap: readonly IdMap[];
}

/** Either non-empty: there is a user namespace. */
export function hasMaps({ uidMap, gidMap }: IdMaps): boolean {
  return uidMap.length > 0 || gidMap.length > 0;
}

/** The pair of the sandbox, else that of the container; never half of each. */
export function mapsInEffect(sandbox: SandboxKeys, container: ContainerKeys): IdMaps {
  const { uidMap, gidMap } = hasMaps(sandbox) ? sandbox : container;
  return { uidMap, gidMap };
}

/** The id on the host of `inside`; undefined when no entry has it. An entry ends before inside + count. */
export function outsideId(map: readonly IdMap[], inside: number): number | undefined {
  const found = map.find(entry => entry.inside <= inside && inside < entry.inside + entry.count);
  return found === undefined ? undefined : found.outside + (inside - found.inside);
}

/** As `outsideId`; without a user namespace ids are those of the host. */
export function hostId(maps: IdMaps, kind: 'user' | 'group', id: number): number | undefined {
  if (!hasMaps(maps)) return id;
  return outsideId(kind === 'user' ? maps.uidMap : maps.gidMap, id);
}
