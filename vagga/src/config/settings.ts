// Settings of the user and of the project: where things are stored, where packages come from, what every command gets to see.
import type { Diagnostic, Infer, Schema } from '@suite/shared/schema/index.ts';
import { mergeNames } from './by-name.ts';
import { formatErrors } from './errors.ts';
import { readDocument } from './read-document.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings-model.ts';
import { type anySettingsSchema, projectSettingsSchema, userSettingsSchema } from './settings-schema.ts';

export interface SettingsFile {
  readonly name: string;
  readonly text: string;
  /** Whose file it is decides which keys it may have. */
  readonly of: 'user' | 'project';
}

type Raw = Infer<typeof anySettingsSchema>;
type RawUser = Infer<typeof userSettingsSchema>;

interface Merged {
  readonly settings: Settings;
  readonly sharedCache: boolean;
}

/** A key that is absent leaves what earlier files said; maps are merged. */
function over({ settings, sharedCache }: Merged, raw: Raw): Merged {
  const { sharedCache: shared, environ, externalVolumes, ...rest } = raw;
  return {
    sharedCache: shared ?? sharedCache,
    settings: {
      ...settings,
      ...rest,
      environ: { ...settings.environ, ...environ },
      externalVolumes: mergeNames(settings.externalVolumes, externalVolumes ?? {}),
    },
  };
}

/** Paths are equal when their parts are: `/a//b/` is `/a/b`. */
const parts = (path: string): string =>
  path
    .split('/')
    .filter(part => part !== '' && part !== '.')
    .join('/');

/** In settings for one project the proxies and the variables of the caller have no say. */
function siteOf(raw: RawUser, root: string): Raw | undefined {
  const [, site] = Object.entries(raw.siteSettings ?? {}).find(([key]) => parts(key) === parts(root)) ?? [];
  if (site === undefined) return undefined;
  const { proxyEnvVars: _, propagateEnviron: __, ...rest } = site;
  return rest;
}

/** What is a key of the user's settings is no typing error. */
function withOwner(error: Diagnostic): Diagnostic {
  const key = String(error.params?.key).replaceAll('_', '-');
  const known =
    userSettingsSchema.shape.kind === 'struct' && Object.hasOwn(userSettingsSchema.shape.fields, key);
  return error.code === 'unknown-key' && known
    ? { ...error, hint: `${key} is for the settings of the user` }
    : error;
}

/** The file's own keys, then those for this project. */
function layers(file: SettingsFile, root: string): Raw[] | readonly Diagnostic[] {
  const schema: Schema<RawUser> = file.of === 'user' ? userSettingsSchema : projectSettingsSchema;
  const raw = readDocument(schema, file.name, file.text);
  if (!raw.ok) return file.of === 'user' ? raw.errors : raw.errors.map(withOwner);
  const { siteSettings: _, ...own } = raw.value;
  const site = siteOf(raw.value, root);
  return site === undefined ? [own] : [own, site];
}

const isErrors = (found: Raw[] | readonly Diagnostic[]): found is readonly Diagnostic[] =>
  found[0] !== undefined && 'code' in found[0];

export type SettingsResult =
  | { readonly ok: true; readonly value: Settings }
  | { readonly ok: false; readonly text: string };

/** Files in the order they apply: later ones override key by key. `root` is the project's directory. */
export function loadSettings(files: readonly SettingsFile[], root: string): SettingsResult {
  const errors: Diagnostic[] = [];
  let merged: Merged = { settings: DEFAULT_SETTINGS, sharedCache: true };
  for (const file of files) {
    const found = layers(file, root);
    if (isErrors(found)) errors.push(...found);
    else merged = found.reduce(over, merged);
  }
  if (errors.length > 0) return { ok: false, text: formatErrors(errors) };
  const { cacheDir: _, ...unshared } = merged.settings;
  return { ok: true, value: merged.sharedCache ? merged.settings : unshared };
}
