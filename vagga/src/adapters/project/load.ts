// Loads config and settings from disk, through the start-up cache.
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CONFIG_BYTES_MAX } from '../../config/defaults.ts';
import { loadProject } from '../../config/load.ts';
import { loadSettings, type Settings, type SettingsFile } from '../../config/settings.ts';
import { CACHE_VERSION, type Cache, environmentKey, readCache, writeCache } from './cache.ts';
import type { Found } from './find.ts';
import { type Stamp, stampOf } from './stamps.ts';

export type Loading =
  | { readonly ok: true; readonly cache: Cache }
  | { readonly ok: false; readonly text: string };

/** A file that is there and cannot be read; its message is for the user. */
class Unreadable extends Error {}

/** Reads text files and remembers a stamp of each, taken before reading so that a later change is noticed. */
class Reader {
  readonly stamps = new Map<string, Stamp>();

  readonly read = (path: string): string | undefined => {
    try {
      this.stamps.set(path, stampOf(path));
      const stat = statSync(path);
      // Reading a pipe would wait for its writer, and a device has no end.
      if (!stat.isFile() && !stat.isDirectory()) throw new Error('it is not a regular file');
      if (stat.size > CONFIG_BYTES_MAX) throw new Error(`it is larger than ${CONFIG_BYTES_MAX} bytes`);
      return readFileSync(path, 'utf8');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw new Unreadable(`${path}: Error reading file: ${message}\n\n`);
    }
  };
}

const USER_SETTINGS = ['.config/vagga/settings.yaml', '.vagga/settings.yaml', '.vagga.yaml'];
const PROJECT_SETTINGS = ['.vagga.settings.yaml', '.vagga/settings.yaml'];

function settingsFiles(root: string, reader: Reader): SettingsFile[] {
  const home = process.env.HOME === undefined ? [] : USER_SETTINGS.map(name => join(homedir(), name));
  const fromVariable = process.env.VAGGA_SETTINGS;
  const read = (name: string, of: SettingsFile['of']) => {
    const text = reader.read(name);
    return text === undefined ? [] : [{ name, text, of }];
  };
  const variable = { name: '<env:VAGGA_SETTINGS>', text: fromVariable ?? '', of: 'user' as const };
  return [
    ...home.flatMap(name => read(name, 'user')),
    ...(fromVariable === undefined ? [] : [variable]),
    ...PROJECT_SETTINGS.flatMap(name => read(join(root, name), 'project')),
  ];
}

/** `~/x` is below the home directory; without one it stays as written and is not found. */
function expand(path: string): string {
  const home = process.env.HOME;
  return home !== undefined && path.startsWith('~/') ? join(home, path.slice(2)) : path;
}

function atHome(settings: Settings): Settings {
  const { storageDir, cacheDir } = settings;
  return {
    ...settings,
    ...(storageDir !== undefined && { storageDir: expand(storageDir) }),
    ...(cacheDir !== undefined && { cacheDir: expand(cacheDir) }),
  };
}

function loadAnew({ root, mainFile }: Found): Loading {
  const reader = new Reader();
  const loaded = loadProject(root, mainFile, reader.read);
  if (!loaded.ok) return loaded;
  const settings = loadSettings(settingsFiles(root, reader), root);
  if (!settings.ok) return settings;
  const cache: Cache = {
    version: CACHE_VERSION,
    mainFile: mainFile ?? null,
    environment: environmentKey(process.env),
    stamps: [...reader.stamps.values()],
    warnings: loaded.value.warnings,
    project: loaded.value.project,
    settings: atHome(settings.value),
    images: {},
  };
  writeCache(root, cache);
  return { ok: true, cache };
}

export function load(found: Found): Loading {
  const cache = readCache(found);
  if (cache !== undefined) return { ok: true, cache };
  try {
    return loadAnew(found);
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, text: error.message };
    throw error;
  }
}
