// The settings that a vagga inside the capsule works with, as text for VAGGA_SETTINGS.
import type { Settings } from '../config/settings-model.ts';

/** Those that cannot do harm, and those that decide where things are. */
const PASSED_ON = [
  'versionCheck',
  'proxyEnvVars',
  'ubuntuMirror',
  'alpineMirror',
  'debianMirror',
  'buildLockWait',
  'environ',
  'indexAllImages',
  'runSymlinksAsCommands',
  'storageDir',
  'cacheDir',
  'externalVolumes',
  'stepCache',
  'stepCacheSize',
  'stepCacheAge',
  'jobs',
] as const satisfies readonly (keyof Settings)[];

const isEmpty = (value: unknown) =>
  value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

const underscored = (key: string) => key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);

export function capsuleSettings(settings: Settings): string {
  const pairs = PASSED_ON.flatMap(key => (isEmpty(settings[key]) ? [] : [[underscored(key), settings[key]]]));
  return JSON.stringify(Object.fromEntries(pairs));
}
