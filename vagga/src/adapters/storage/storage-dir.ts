// `storage-dir`: what is big lives outside of the project, in a directory of its own there. `.vagga/.lnk` leads to it, and a
// link there leads back.
import { existsSync, lstatSync, mkdirSync, readlinkSync, realpathSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Settings } from '../../config/settings-model.ts';
import { candidateNames, sanitised } from '../../core/storage/subdirectory.ts';
import type { Layout } from '../image/layout.ts';

const quoted = (path: string): string => JSON.stringify(path);

const linkOf = (layout: Layout): string => join(layout.base, '.lnk');

function targetOf(link: string): string | undefined {
  try {
    return resolve(dirname(link), readlinkSync(link));
  } catch {
    return undefined;
  }
}

const real = (path: string): string | undefined => (existsSync(path) ? realpathSync(path) : undefined);

/** What is wrong with a link that is there already; it is never changed for the user. */
function linkProblem(layout: Layout, storage: string, target: string): string | undefined {
  const link = linkOf(layout);
  const fix = `To start anew there: mkdir -p ${join(storage, 'NAME')} && ln -sfn ${join(storage, 'NAME')} ${link}`;
  const found = real(target);
  if (found === undefined) return `${quoted(link)} leads to ${quoted(target)}, which does not exist. ${fix}`;
  if (dirname(found) !== real(storage))
    return `${quoted(link)} leads to ${quoted(target)}, outside of the storage-dir ${quoted(storage)}. ${fix}`;
  return undefined;
}

/** True when it is ours from now on: made now, or lost by a `.vagga` that was removed. */
function claim(layout: Layout, directory: string): boolean {
  const back = join(directory, '.lnk');
  if (targetOf(back) === layout.root) return true;
  try {
    mkdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  symlinkSync(layout.root, back);
  return true;
}

function byVariable(storage: string, variable: string): { path: string } | { error: string } {
  const value = process.env[variable] ?? '';
  if (value === '')
    return { error: `Environment variable ${variable} (storage-subdir-from-env-var) is not set or empty` };
  const path = join(storage, sanitised(value));
  mkdirSync(path, { recursive: true });
  return { path };
}

function byName(layout: Layout, storage: string): { path: string } | { error: string } {
  const name = candidateNames(basename(layout.root)).find(candidate =>
    claim(layout, join(storage, candidate)),
  );
  return name === undefined
    ? { error: `Too many directories of the name ${quoted(basename(layout.root))} in ${quoted(storage)}` }
    : { path: join(storage, name) };
}

/** Before anything is written there. Undefined when all is well, else a sentence for the user. */
export function prepareStorage(layout: Layout, settings: Settings): string | undefined {
  if (lstatSync(layout.base, { throwIfNoEntry: false })?.isSymbolicLink())
    return `${quoted(layout.base)} must be a real directory, not a symlink (see the setting storage-dir)`;
  mkdirSync(layout.base, { recursive: true });
  const storage = layout.storageDir;
  if (storage === undefined) return undefined;
  const target = targetOf(linkOf(layout));
  if (target !== undefined) return linkProblem(layout, storage, target);
  mkdirSync(storage, { recursive: true });
  const variable = settings.storageSubdirFromEnvVar;
  const found = variable === undefined ? byName(layout, storage) : byVariable(storage, variable);
  if ('error' in found) return found.error;
  symlinkSync(found.path, linkOf(layout));
  return undefined;
}

/** `_init_storage_dir`: a directory of this name, shared by several projects if `allowMultiple`. */
export function initStorage(layout: Layout, name: string, allowMultiple: boolean): string | undefined {
  const storage = layout.storageDir;
  if (storage === undefined) return 'storage-dir is not set: add it to ~/.vagga.yaml';
  if (name === '' || name.includes('/') || name === '.' || name === '..')
    return `${quoted(name)} is not a name of a directory in the storage-dir`;
  const path = join(storage, name);
  mkdirSync(path, { recursive: true });
  mkdirSync(layout.base, { recursive: true });
  return (
    linkTo(linkOf(layout), path) ?? (allowMultiple ? undefined : linkTo(join(path, '.lnk'), layout.root))
  );
}

function linkTo(link: string, target: string): string | undefined {
  const existing = targetOf(link);
  if (existing === undefined) symlinkSync(target, link);
  return existing === undefined || existing === target
    ? undefined
    : `${quoted(link)} leads to ${quoted(existing)} already, not to ${quoted(target)}`;
}

/** Directories of all projects in the storage. */
export function isProjectStorage(path: string): boolean {
  return ['.roots', '.volumes', '.transient', '.cache', '.lnk'].some(
    name => lstatSync(join(path, name), { throwIfNoEntry: false }) !== undefined,
  );
}
