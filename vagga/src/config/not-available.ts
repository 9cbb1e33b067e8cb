// What this version understands and cannot do yet. Whoever makes a key work deletes its line here; then a set key is no error any more.
import { camel } from './spelling.ts';

/** Keys of commands and children → what is missing. */
export const UNAVAILABLE_KEYS: Readonly<Record<string, string>> = {};

/** Tags of commands and children. */
const UNAVAILABLE_TAGS: Readonly<Record<string, string>> = {};

/** Keys of settings. */
export const UNAVAILABLE_SETTINGS: Readonly<Record<string, string>> = {
  'push-image-script': 'uploading images',
};

/** Values that say the same as leaving the key out. */
const DEFAULTS: readonly unknown[] = [undefined, 'read-only', 'never'];

const isSet = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : !DEFAULTS.includes(value);

/** Names of keys in `value` (camelCase) that are set and stand in the table. */
export function unavailable(table: Readonly<Record<string, string>>, value: object): string[] {
  return Object.keys(table).filter(key => isSet((value as Record<string, unknown>)[camel(key)]));
}

export function unavailableTag(tag: string): string[] {
  return Object.hasOwn(UNAVAILABLE_TAGS, tag) ? [`!${tag}`] : [];
}
