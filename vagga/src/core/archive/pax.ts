// Extended headers of POSIX.1-2001 (PAX): records `LENGTH KEY=VALUE\n` that override fields of the next header.
import { byteText, shown } from './byte-text.ts';
import { ArchiveError } from './error.ts';

export type PaxRecords = ReadonlyMap<string, string>;

export const XATTR_RECORD = 'SCHILY.xattr.';

/** Values are byte strings; the last record of a key counts. Throws `ArchiveError`. */
export function parsePax(bytes: Uint8Array): PaxRecords {
  const text = byteText(bytes);
  const records = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    const space = text.indexOf(' ', at);
    const digits = space < 0 ? '' : text.slice(at, space);
    const length = /^[0-9]{1,10}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = text.indexOf('=', space);
    const isWhole = length > digits.length + 2 && end <= text.length && text[end - 1] === '\n';
    if (!isWhole || equals < 0 || equals >= end - 1) throw new ArchiveError('damaged extended tar header');
    records.set(text.slice(space + 1, equals), text.slice(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** A decimal number of a record; undefined when it is not there. */
export function paxNumber(records: PaxRecords, key: string, fractional = false): number | undefined {
  const text = records.get(key);
  if (text === undefined || text === '') return undefined;
  const isGood = (fractional ? /^-?[0-9]{1,15}(\.[0-9]*)?$/ : /^[0-9]{1,15}$/).test(text);
  if (!isGood) throw new ArchiveError(`damaged extended tar header: ${key} is ${shown(text)}`);
  return Number(text);
}

export function paxXattrs(records: PaxRecords): Record<string, string> {
  const found = [...records].filter(([key]) => key.startsWith(XATTR_RECORD));
  return Object.fromEntries(found.map(([key, value]) => [key.slice(XATTR_RECORD.length), value]));
}
