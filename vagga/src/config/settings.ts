// Settings of the user and of the project: where packages come from, what every command gets to see.
import { type Diagnostic, decode, type Infer, s } from '@suite/shared/schema/index.ts';
import { parseYaml } from '@suite/shared/yaml/index.ts';
import { formatErrors } from './errors.ts';

const text = s.text();
const bool = s.bool();

/** Keys of the format this version does not honour: an error is better than silence. */
const NOT_AVAILABLE = [
  'storage-dir',
  'storage-subdir-from-env-var',
  'site-settings',
  'external-volumes',
  'push-image-script',
  'hard-link-between-projects',
] as const;

const schema = s.struct({
  'debian-mirror': s.optional(text),
  'cache-dir': s.optional(text),
  'proxy-env-vars': s.optional(bool),
  'build-lock-wait': s.optional(bool),
  environ: s.optional(s.map(text)),
  'propagate-environ': s.optional(s.list(text)),
  // Understood and without effect here: other distributions, image indexes, reminders.
  'ubuntu-mirror': s.optional(text),
  'alpine-mirror': s.optional(text),
  'ubuntu-skip-locking': s.optional(bool),
  'version-check': s.optional(bool),
  'shared-cache': s.optional(bool),
  'versioned-build-dir': s.optional(bool),
  'auto-apply-sysctl': s.optional(bool),
  'index-all-images': s.optional(bool),
  'hard-link-identical-files': s.optional(bool),
  'run-symlinks-as-commands': s.optional(bool),
  'disable-auto-clean': s.optional(bool),
  ...Object.fromEntries(NOT_AVAILABLE.map(key => [key, s.optional(s.any())])),
});

export interface Settings {
  readonly debianMirror?: string;
  readonly cacheDir?: string;
  readonly proxyEnvVars: boolean;
  readonly buildLockWait: boolean;
  readonly environ: Readonly<Record<string, string>>;
  readonly propagateEnviron: readonly string[];
}

export interface SettingsFile {
  readonly name: string;
  readonly text: string;
}

const DEFAULTS: Settings = { proxyEnvVars: true, buildLockWait: false, environ: {}, propagateEnviron: [] };

type Raw = Infer<typeof schema>;

function unavailable(raw: Raw, name: string): Diagnostic[] {
  const camel = (key: string) => key.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return NOT_AVAILABLE.filter(key => (raw as Record<string, unknown>)[camel(key)] !== undefined).map(key => ({
    code: 'not-available',
    severity: 'error',
    message: `setting ${key} is not available yet`,
    file: name,
    line: 1,
    column: 1,
  }));
}

/** A key that is absent leaves what earlier files said. */
function over(settings: Settings, raw: Raw): Settings {
  return {
    ...settings,
    ...(raw.debianMirror !== undefined && { debianMirror: raw.debianMirror }),
    ...(raw.cacheDir !== undefined && { cacheDir: raw.cacheDir }),
    proxyEnvVars: raw.proxyEnvVars ?? settings.proxyEnvVars,
    buildLockWait: raw.buildLockWait ?? settings.buildLockWait,
    environ: { ...settings.environ, ...raw.environ },
    propagateEnviron: [...settings.propagateEnviron, ...(raw.propagateEnviron ?? [])],
  };
}

export type SettingsResult =
  | { readonly ok: true; readonly value: Settings }
  | { readonly ok: false; readonly text: string };

/** Files in the order they apply: later ones override key by key, maps are merged. */
export function loadSettings(files: readonly SettingsFile[]): SettingsResult {
  const errors: Diagnostic[] = [];
  let settings = DEFAULTS;
  for (const { name, text } of files) {
    const tree = parseYaml(text, { file: name });
    const raw = tree.ok ? decode(schema, tree.value) : tree;
    if (!raw.ok) errors.push(...raw.errors);
    else {
      errors.push(...unavailable(raw.value, name));
      settings = over(settings, raw.value);
    }
  }
  return errors.length > 0 ? { ok: false, text: formatErrors(errors) } : { ok: true, value: settings };
}
