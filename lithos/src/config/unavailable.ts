// Keys of the documented format that this version does not implement: said aloud, never silently ignored.
import { type Schema, s } from '@suite/shared/schema/index.ts';

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function message(key: string): string {
  return `\`${key}\` is not available yet`;
}

/** Accepts null and the empty value (they ask for nothing); anything else is an error that names the key. */
export function notAvailable(key: string): Schema<unknown> {
  return s.check(s.any(), value => (isEmpty(value) ? undefined : message(key)));
}

/** For booleans: only `false`, the default, is accepted. */
export function notAvailableFlag(key: string): Schema<boolean> {
  return s.check(s.bool(), value => (value ? message(key) : undefined));
}
