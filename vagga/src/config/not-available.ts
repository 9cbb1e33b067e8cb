// What this version understands and cannot do yet. Whoever makes a key work deletes its line here; then a set key is no error any more.
import { camel } from './spelling.ts';

/** Keys of settings → what is missing. */
export const UNAVAILABLE_SETTINGS: Readonly<Record<string, string>> = {
  'push-image-script': 'uploading images',
};

/** Names of keys in `value` (camelCase) that are set and stand in the table. */
export function unavailable(table: Readonly<Record<string, string>>, value: object): string[] {
  return Object.keys(table).filter(key => (value as Record<string, unknown>)[camel(key)] !== undefined);
}
