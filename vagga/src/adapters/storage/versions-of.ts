// All finished versions of containers, of one project or of all in the storage, the newest first.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Layout } from '../image/layout.ts';
import { allPlaces } from './clean.ts';

export interface Version {
  readonly directory: string;
  readonly container: string;
  readonly project: string;
  readonly builtMs: number;
}

function versionsIn(project: string): Version[] {
  const roots = join(project, '.roots');
  if (!existsSync(roots)) return [];
  return readdirSync(roots).flatMap(name => {
    const container = /^([^.].*)\.[0-9a-f]{8}$/.exec(name)?.[1];
    const directory = join(roots, name);
    if (container === undefined || !existsSync(join(directory, 'root'))) return [];
    return [{ directory, container, project, builtMs: statSync(join(directory, 'uid_map')).mtimeMs }];
  });
}

export function versionsOf(layout: Layout, isGlobal: boolean): Version[] {
  const projects = isGlobal ? allPlaces(layout).map(({ store }) => store) : [layout.store];
  return projects.flatMap(versionsIn).sort((a, b) => b.builtMs - a.builtMs);
}

/** More would be compared for little: files that did not change are in the newest. */
const VERSIONS_PER_CONTAINER = 3;

/** Whose files an image may share: those of its own container and project first. */
export function sharingCandidates(image: string, versions: readonly Version[]): string[] {
  const container = basename(image).replace(/\.[0-9a-f]{8}$/, '');
  const counts = new Map<string, number>();
  const distance = (one: Version) =>
    (one.container === container ? 0 : 1) + (image.startsWith(`${one.project}/`) ? 0 : 2);
  return versions
    .filter(one => one.directory !== image)
    .filter(one => {
      const key = `${one.project}/${one.container}`;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return count <= VERSIONS_PER_CONTAINER;
    })
    .sort((a, b) => distance(a) - distance(b))
    .map(({ directory }) => directory);
}
