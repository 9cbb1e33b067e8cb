// Settings from the files and the variable that may hold them (§4.8 of the format).
import { homedir } from 'node:os';
import { join } from 'node:path';
import { loadSettings, type SettingsFile, type SettingsResult } from '../../config/settings.ts';
import type { Settings } from '../../config/settings-model.ts';
import type { Reader } from './reader.ts';

const OF_USER = ['.config/vagga/settings.yaml', '.vagga/settings.yaml', '.vagga.yaml'];
const OF_PROJECT = ['.vagga.settings.yaml', '.vagga/settings.yaml'];

interface Source {
  readonly name: string;
  readonly of: SettingsFile['of'];
  /** Undefined: in the file of that name. */
  readonly text?: string;
}

function sources(root: string): Source[] {
  const { HOME, VAGGA_SETTINGS } = process.env;
  const home = HOME === undefined ? [] : OF_USER.map(name => join(homedir(), name));
  const variable =
    VAGGA_SETTINGS === undefined ? [] : [{ name: '<env:VAGGA_SETTINGS>', text: VAGGA_SETTINGS }];
  return [
    ...home.map(name => ({ name, of: 'user' as const })),
    ...variable.map(source => ({ ...source, of: 'user' as const })),
    ...OF_PROJECT.map(name => ({ name: join(root, name), of: 'project' as const })),
  ];
}

/** `~/x` is below the home directory; without one it stays as written and is not found. */
function expand(path: string): string {
  const home = process.env.HOME;
  return home !== undefined && path.startsWith('~/') ? join(home, path.slice(2)) : path;
}

function atHome(settings: Settings): Settings {
  const paths = ['storageDir', 'cacheDir', 'ubuntuKeyring', 'debianKeyring', 'alpineKeys'] as const;
  const given = paths.flatMap(key => {
    const path = settings[key];
    return path === undefined ? [] : [[key, expand(path)] as const];
  });
  return { ...settings, ...Object.fromEntries(given) };
}

export function readSettings(root: string, reader: Reader): SettingsResult {
  const files: SettingsFile[] = [];
  for (const { name, of, text } of sources(root)) {
    const content = text ?? reader.read(name);
    if (content === undefined) continue;
    if (typeof content !== 'string')
      return { ok: false, text: `${name}: Error reading file: ${content.error}\n\n` };
    files.push({ name, of, text: content });
  }
  const loaded = loadSettings(files, root);
  return loaded.ok ? { ok: true, value: atHome(loaded.value) } : loaded;
}
