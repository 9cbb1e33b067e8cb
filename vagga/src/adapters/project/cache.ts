// The start-up cache: the decoded project, the identities of its images and the chosen container engine as one JSON file.
// Parsing YAML and loading the schema library would cost 20 ms; reading this costs one.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE_FORMAT, STAMPS_INLINE_MAX } from '../../config/defaults.ts';
import type { Project } from '../../config/model.ts';
import type { Settings } from '../../config/settings-model.ts';
import type { SessionIds } from '../../core/ids/session.ts';
import { currentIds } from '../namespace/current.ts';
import { temporaryFor } from '../storage/temporary.ts';
import type { Found } from './find.ts';
import { isInCapsule } from './in-capsule.ts';
import { type PackedStamps, packedAreFresh, packStamps } from './packed-stamps.ts';
import { isFresh, type Stamp } from './stamps.ts';

declare const SUITE_VERSION: string;

export interface HashedImage {
  readonly hash: string;
  /** Files and directories the hash was computed from. */
  readonly stamps: readonly Stamp[];
}

/** Many stamps are in a file of their own. */
export type CachedImage = HashedImage | { readonly hash: string; readonly packed: PackedStamps };

export interface CachedRuntime {
  /** Engine binary, its time and the boot: another kernel may need another engine. */
  readonly key: string;
  readonly kind: string;
  readonly program: string;
  /** What stands before the engine's own arguments. */
  readonly prefix: readonly string[];
  /** Options of the engine for a container without limits; see probe.ts. */
  readonly unlimited: readonly string[];
  /** Static init program of the host for PID 1, if there is one. */
  readonly init?: string;
}

/** What a start needs to take on the ids of its user at once. */
export interface CachedIds {
  /** User and the files that say which ids it has. */
  readonly key: string;
  readonly ids: SessionIds;
  /** For the user, when something is built. */
  readonly warnings: readonly string[];
  /** Stands before the engine's command line. */
  readonly words: readonly string[];
}

export interface Cache {
  readonly version: string;
  /** Null: only local mixins make it a project. Another one may come to stand before it. */
  readonly mainFile: string | null;
  /** VAGGA_SETTINGS and HOME at the time: they decide which settings apply. */
  readonly environment: string;
  readonly stamps: readonly Stamp[];
  readonly warnings: readonly string[];
  readonly project: Project;
  readonly settings: Settings;
  readonly images: Readonly<Record<string, CachedImage>>;
  readonly runtime?: CachedRuntime;
  readonly ids?: CachedIds;
}

export const CACHE_VERSION = `${SUITE_VERSION}/${CACHE_FORMAT}`;

const fileOf = (root: string) => join(root, '.vagga', '.start-cache.json');

/** Of the caller's environment, what the cached settings depend on. */
export function environmentKey(environment: NodeJS.ProcessEnv): string {
  return `${environment.HOME ?? ''}\n${environment.VAGGA_SETTINGS ?? ''}`;
}

/** Maps by name come from the config without a prototype; JSON gives them one. */
function withBareNames(cache: Cache): Cache {
  const { project, settings, images } = cache;
  for (const map of [project.containers, project.commands, settings.externalVolumes, images])
    Object.setPrototypeOf(map, null);
  for (const command of Object.values(project.commands))
    if (command.kind === 'supervise') Object.setPrototypeOf(command.children, null);
  return cache;
}

/** The cache of the project as long as it and every file it was made from are unchanged, else undefined. */
export function readCache({ root, mainFile }: Found): Cache | undefined {
  try {
    const cache = JSON.parse(readFileSync(fileOf(root), 'utf8')) as Cache;
    if (cache.version !== CACHE_VERSION || cache.environment !== environmentKey(process.env))
      return undefined;
    if (cache.mainFile !== (mainFile ?? null)) return undefined;
    return isFresh(cache.stamps) ? withBareNames(cache) : undefined;
  } catch {
    return undefined;
  }
}

/** What of an outdated cache is still good, because it does not depend on the project; it has keys of its own. */
export function readLasting(root: string): Pick<Cache, 'runtime' | 'ids'> {
  try {
    const { version, runtime, ids } = JSON.parse(readFileSync(fileOf(root), 'utf8')) as Cache;
    if (version !== CACHE_VERSION) return {};
    return { ...(runtime !== undefined && { runtime }), ...(ids !== undefined && { ids }) };
  } catch {
    return {};
  }
}

/** Hash of the image if the files it depends on are as they were. */
export function cachedHash(cache: Cache, container: string): string | undefined {
  const image = cache.images[container];
  if (image === undefined) return undefined;
  return ('packed' in image ? packedAreFresh(image.packed) : isFresh(image.stamps)) ? image.hash : undefined;
}

/** Images with few files stay as they are. */
function packed(root: string, images: Cache['images']): Cache['images'] {
  const entries = Object.entries(images).map(([name, image]): [string, CachedImage] => {
    if ('packed' in image || image.stamps.length < STAMPS_INLINE_MAX) return [name, image];
    const file = join(root, '.vagga', '.stamps', name);
    return [name, { hash: image.hash, packed: packStamps(file, image.stamps) }];
  });
  return Object.fromEntries(entries);
}

/** Best effort: in a read-only project everything works, only slower. */
export function writeCache(root: string, cache: Cache): void {
  // In a capsule the settings come from elsewhere: the next start outside would read everything anew.
  if (isInCapsule()) return;
  const file = fileOf(root);
  try {
    mkdirSync(join(root, '.vagga'), { recursive: true });
    const { cached } = currentIds();
    const images = packed(root, cache.images);
    const whole = { ...cache, images, ...(cached !== undefined && { ids: cached }) };
    const temporary = temporaryFor(file);
    writeFileSync(temporary, JSON.stringify(whole));
    renameSync(temporary, file);
  } catch {
    // Nothing depends on it.
  }
}
