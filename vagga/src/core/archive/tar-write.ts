// The header blocks of a tar archive as POSIX.1-2001 has them: ustar, with PAX records for what does not fit into it. The
// same entry gives the same bytes always.
import type { Entry } from './entry.ts';
import { ArchiveError } from './error.ts';
import { XATTR_RECORD } from './pax.ts';
import { BLOCK_BYTES } from './tar-header.ts';

/** Two empty blocks. */
export const TAR_END = new Uint8Array(2 * BLOCK_BYTES);

const TYPES: Readonly<Record<Entry['type'], string>> = {
  file: '0',
  'hard-link': '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
};

const NAME_BYTES = 100;
/** Octal digits of a field, and the NUL behind them. */
const ID_DIGITS = 7;
const LONG_DIGITS = 11;
/** The name counts nowhere: readers that know the type do not look at it, others make a file of it. */
const PAX_NAME = 'PaxHeaders/x';

const fits = (value: number, digits: number): boolean => value >= 0 && value < 8 ** digits;
const isPlain = (text: string): boolean => text.length <= NAME_BYTES && !/[\x80-\xff]/.test(text);

/** Zeros up to the next block. */
export function tarPadding(sizeBytes: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** The length counts its own digits. */
function record(key: string, value: string): string {
  const rest = key.length + value.length + 3;
  let length = rest + 1;
  while (rest + String(length).length > length) length++;
  return `${length} ${key}=${value}\n`;
}

function recordsOf({ name, target, uid, gid, sizeBytes, mtimeS = 0, xattrs }: Entry): string {
  const records: Record<string, string> = {};
  if (!isPlain(target)) records.linkpath = target;
  if (!isPlain(name)) records.path = name;
  if (!fits(uid, ID_DIGITS)) records.uid = String(uid);
  if (!fits(gid, ID_DIGITS)) records.gid = String(gid);
  if (!fits(sizeBytes, LONG_DIGITS)) records.size = String(sizeBytes);
  if (!fits(mtimeS, LONG_DIGITS)) records.mtime = String(mtimeS);
  for (const [key, value] of Object.entries(xattrs)) records[`${XATTR_RECORD}${key}`] = value;
  return Object.keys(records)
    .sort()
    .map(key => record(key, records[key] ?? ''))
    .join('');
}

function writeText(block: Uint8Array, at: number, text: string): void {
  for (let index = 0; index < text.length; index++) block[at + index] = text.charCodeAt(index);
}

/** What does not fit is in a record, and here as nothing. */
function writeNumber(block: Uint8Array, at: number, value: number, digits: number): void {
  const text = (fits(value, digits) ? value : 0).toString(8).padStart(digits, '0');
  writeText(block, at, `${text}\0`);
}

function writeDevice(block: Uint8Array, { device }: Entry): void {
  if (device === undefined) return;
  writeNumber(block, 329, device.major, ID_DIGITS);
  writeNumber(block, 337, device.minor, ID_DIGITS);
}

function headerBlock(entry: Entry, type: string): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  writeText(block, 0, entry.name.slice(0, NAME_BYTES));
  writeNumber(block, 100, entry.mode ?? 0o644, ID_DIGITS);
  writeNumber(block, 108, entry.uid, ID_DIGITS);
  writeNumber(block, 116, entry.gid, ID_DIGITS);
  writeNumber(block, 124, entry.sizeBytes, LONG_DIGITS);
  writeNumber(block, 136, entry.mtimeS ?? 0, LONG_DIGITS);
  writeText(block, 148, '        ');
  writeText(block, 156, type);
  writeText(block, 157, entry.target.slice(0, NAME_BYTES));
  writeText(block, 257, 'ustar\x0000');
  writeDevice(block, entry);
  const sum = block.reduce((all, byte) => all + byte, 0);
  writeText(block, 148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}

function paxBlocks(records: string): Uint8Array[] {
  const data = new Uint8Array(records.length);
  writeText(data, 0, records);
  const member = { name: PAX_NAME, type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeS: 0 } as const;
  const header = headerBlock({ ...member, sizeBytes: data.length, target: '', xattrs: {} }, 'x');
  return [header, data, tarPadding(data.length)];
}

/** Everything before the data of an entry; times are whole seconds. Throws `ArchiveError` when no archive can say it. */
export function tarHeader(entry: Entry): Uint8Array[] {
  if (entry.name.includes('\0')) throw new ArchiveError('a name with a NUL');
  const records = recordsOf(entry);
  return [...(records === '' ? [] : paxBlocks(records)), headerBlock(entry, TYPES[entry.type])];
}
