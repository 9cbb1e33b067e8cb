// Loads config and settings from disk, through the start-up cache.
import { join } from 'node:path';
import { MISTAKEN_FILES } from '../../config/defaults.ts';
import { loadProject } from '../../config/load.ts';
import { CACHE_VERSION, type Cache, environmentKey, readCache, readLasting, writeCache } from './cache.ts';
import { type Found, mistaken } from './find.ts';
import { Reader } from './reader.ts';
import { readSettings } from './settings.ts';

export type Loading =
  | { readonly ok: true; readonly cache: Cache }
  | { readonly ok: false; readonly text: string };

/** Through the reader, so that the warning comes and goes with the file. */
function typos(root: string, reader: Reader): string[] {
  return MISTAKEN_FILES.map(name => join(root, name))
    .filter(file => reader.read(file) !== undefined)
    .map(mistaken);
}

function loadAnew({ root, mainFile }: Found): Loading {
  const reader = new Reader();
  const loaded = loadProject(root, mainFile, reader.read);
  if (!loaded.ok) return loaded;
  const settings = readSettings(root, reader);
  if (!settings.ok) return settings;
  const warnings = [...loaded.value.warnings, ...typos(root, reader)];
  const cache: Cache = {
    version: CACHE_VERSION,
    mainFile: mainFile ?? null,
    environment: environmentKey(process.env),
    warnings,
    stamps: [...reader.stamps.values()],
    project: loaded.value.project,
    settings: settings.value,
    images: Object.create(null),
    ...readLasting(root),
  };
  writeCache(root, cache);
  return { ok: true, cache };
}

/** The project as cached, if nothing that it was made of has changed; else anew. */
export function load(found: Found): Loading {
  const cache = readCache(found);
  return cache === undefined ? loadAnew(found) : { ok: true, cache };
}
