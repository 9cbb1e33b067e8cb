// Carries out `_clean`: lists directories, lets the core decide, removes.
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { tryLock } from '@suite/shared/linux/flock.ts';
import { isAlive } from '@suite/shared/linux/proc.ts';
import type { Project } from '../../config/model.ts';
import * as decide from '../../core/storage/clean.ts';
import { hashContainer } from '../image/identity.ts';
import type { Layout } from '../image/layout.ts';
import { LayerStore } from '../layers/store.ts';
import { removeTreeSync } from './remove-tree.ts';
import { isProjectStorage } from './storage-dir.ts';

export const CLEAN_ACTIONS = [
  'tmp',
  'old',
  'unused',
  'transient',
  'everything',
  'unused-volumes',
  'volumes',
  'layers',
] as const;

export type CleanAction = (typeof CLEAN_ACTIONS)[number];

export interface CleanPlace {
  /** Holds `.roots`, `.volumes`, `.transient`. */
  readonly store: string;
  /** `.vagga` of the project, where its symlinks are; undefined where the storage does not know the project. */
  readonly base: string | undefined;
}

export interface CleanRequest {
  readonly layout: Layout;
  readonly project: Project;
  readonly atLeastMs?: number;
  readonly isGlobal: boolean;
}

/** Files of `.vagga` that people write and `_clean` must never touch. */
const CONFIG = ['vagga.yaml', 'local.yaml', 'settings.yaml'];

function entriesOf(directory: string): decide.Entry[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).map(entry => ({
    name: entry.name,
    isDirectory: entry.isDirectory(),
  }));
}

function linked(base: string): ReadonlySet<string> {
  if (!existsSync(base)) return new Set();
  const versions = readdirSync(base).flatMap(name => {
    const path = join(base, name);
    if (!lstatSync(path).isSymbolicLink()) return [];
    const target = readlinkSync(path);
    return basename(target) === 'root' ? [basename(dirname(target))] : [];
  });
  return new Set(versions);
}

/** Throws when a container can never have a version; one that has none yet loses all it had. */
function wanted({ layout, project }: CleanRequest): ReadonlySet<string> {
  const names = Object.keys(project.containers).flatMap(name => {
    const found = hashContainer(layout, project, name);
    if (found.kind === 'failed') throw new Error(`Error versioning container "${name}": ${found.message}`);
    return found.kind === 'hashed' ? [`${name}.${found.hash.slice(0, 8)}`] : [];
  });
  return new Set(names);
}

function mentionedVolumes({ containers, commands }: Project): ReadonlySet<string> {
  const runs = Object.values(commands).flatMap(command =>
    command.kind === 'supervise' ? Object.values(command.children) : [command],
  );
  const volumes = [...Object.values(containers), ...runs].flatMap(one =>
    'volumes' in one ? Object.values(one.volumes) : [],
  );
  const names = volumes.flatMap(({ tag, value }) => {
    const name = typeof value === 'string' ? value : (value as { name?: unknown } | null)?.name;
    return tag === 'Persistent' && typeof name === 'string' ? [name] : [];
  });
  return new Set(names);
}

function lastUse(roots: string, name: string): number | undefined {
  return statSync(join(roots, name, 'last_use'), { throwIfNoEntry: false })?.mtimeMs;
}

function unused(request: CleanRequest, roots: string): string[] {
  const { atLeastMs } = request;
  if (atLeastMs === undefined) return decide.unusedRoots(entriesOf(roots), wanted(request));
  return decide.rootsUnusedFor(entriesOf(roots), atLeastMs, Date.now(), name => lastUse(roots, name));
}

function everything({ layout, isGlobal }: CleanRequest, place: CleanPlace): string[] {
  const inside = (directory: string, kept: readonly string[] = []) =>
    existsSync(directory)
      ? readdirSync(directory)
          .filter(name => !kept.includes(name))
          .map(name => join(directory, name))
      : [];
  if (isGlobal) return [...inside(layout.cache('.')), ...inside(layout.storageDir ?? '')];
  const own = place.store === layout.base ? [] : [place.store];
  const kept = CONFIG.filter(name => existsSync(join(layout.base, name)));
  const project = kept.length === 0 && existsSync(layout.base) ? [layout.base] : inside(layout.base, kept);
  return [...own, ...project];
}

/** Paths of one action at one place, in the order in which they go. */
export function toRemove(action: CleanAction, request: CleanRequest, place: CleanPlace): string[] {
  const roots = join(place.store, '.roots');
  const volumes = join(place.store, '.volumes');
  const transient = join(place.store, '.transient');
  const below = (directory: string, names: readonly string[]) => names.map(name => join(directory, name));
  switch (action) {
    case 'tmp':
      return below(roots, decide.temporaryRoots(entriesOf(roots)));
    case 'old':
      return place.base === undefined
        ? []
        : below(roots, decide.oldRoots(entriesOf(roots), linked(place.base)));
    case 'unused':
      return below(roots, unused(request, roots));
    case 'transient':
      return below(transient, decide.deadTransients(entriesOf(transient), isAlive));
    case 'volumes':
      return below(volumes, decide.allVolumes(entriesOf(volumes)));
    case 'unused-volumes':
      return below(volumes, decide.unusedVolumes(entriesOf(volumes), mentionedVolumes(request.project)));
    case 'everything':
      return everything(request, place);
    case 'layers':
      return oldLayers(request);
  }
}

function oldLayers({ layout, atLeastMs = 0 }: CleanRequest): string[] {
  const store = new LayerStore(layout.layers);
  const isOld = ({ lastUseMs }: { lastUseMs: number }) => Date.now() - lastUseMs >= atLeastMs;
  return store
    .list()
    .filter(isOld)
    .map(({ id }) => join(layout.layers, id));
}

/** Each project of the storage. */
export function allPlaces(layout: Layout): CleanPlace[] {
  const { storageDir } = layout;
  if (storageDir === undefined || !existsSync(storageDir)) return [];
  return readdirSync(storageDir)
    .map(name => join(storageDir, name))
    .filter(isProjectStorage)
    .map(store => ({ store, base: baseOf(store) }));
}

function baseOf(store: string): string | undefined {
  try {
    const base = join(readlinkSync(join(store, '.lnk')), '.vagga');
    return existsSync(base) ? base : undefined;
  } catch {
    return undefined;
  }
}

/** Locked by a build or by whoever fills a volume, beside it or itself. */
export function isInUse(path: string): boolean {
  return [`${path}.lock`, path].some(file => {
    const stat = lstatSync(file, { throwIfNoEntry: false });
    if (!stat?.isFile() && !stat?.isDirectory()) return false;
    const fd = openSync(file, 'r');
    try {
      return !tryLock(fd);
    } finally {
      closeSync(fd);
    }
  });
}

/** A version goes under another name first, so that nobody takes what is left of it for a whole one. */
function removeVersion(path: string): void {
  const going = join(dirname(path), `.tmp${basename(path)}`);
  removeTreeSync(going);
  renameSync(path, going);
  removeTreeSync(going);
}

/** Throws when something stays. */
export function removePath(layout: Layout, path: string): void {
  const id = basename(path);
  if (dirname(path) === layout.layers) {
    const store = new LayerStore(layout.layers);
    if (!store.exclusively(() => store.remove(id, removeTreeSync)))
      throw new Error('The step cache is in use by a build or a run that has just built its container');
  } else if (basename(dirname(path)) === '.roots' && !id.startsWith('.') && lstatSync(path).isDirectory())
    removeVersion(path);
  else removeTreeSync(path);
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    rmSync(path, { recursive: true, force: true });
}
