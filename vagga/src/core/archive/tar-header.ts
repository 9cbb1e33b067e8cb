// One 512-byte header block of a tar archive (POSIX.1-1988 ustar, with the GNU forms of numbers).
import { byteText, shown } from './byte-text.ts';
import type { DeviceNumbers } from './entry.ts';
import { ArchiveError } from './error.ts';

export const BLOCK_BYTES = 512;

export interface TarHeader {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeS: number;
  /** One character; `\0` of the oldest archives is `0`. */
  readonly type: string;
  readonly target: string;
  readonly device?: DeviceNumbers;
}

const CHECKSUM = { start: 148, end: 156 };

export function isZeroBlock(block: Uint8Array): boolean {
  return block.every(byte => byte === 0);
}

/** Text up to the first NUL. */
function field(block: Uint8Array, start: number, bytes: number): string {
  const whole = block.subarray(start, start + bytes);
  const end = whole.indexOf(0);
  return byteText(end < 0 ? whole : whole.subarray(0, end));
}

/** GNU: the first bit set, then a big-endian two's complement number; everybody else writes octal digits. */
export function tarNumber(block: Uint8Array, start: number, bytes: number, what: string): number {
  const first = block[start] ?? 0;
  if ((first & 0x80) !== 0) return binaryNumber(block.subarray(start, start + bytes), what);
  const text = field(block, start, bytes).trim();
  if (text === '') return 0;
  if (!/^[0-7]+$/.test(text)) throw new ArchiveError(`damaged tar header: ${what} is not a number`);
  return parseInt(text, 8);
}

function binaryNumber(bytes: Uint8Array, what: string): number {
  // Times before 1970 are written as negative numbers; nothing else may be.
  const negative = ((bytes[0] ?? 0) & 0x40) !== 0;
  const start = negative ? -1 : 0;
  const value = bytes.reduce(
    (sum, byte, index) => sum * 256 + (index === 0 && !negative ? byte & 0x7f : byte),
    start,
  );
  if (!Number.isSafeInteger(value)) throw new ArchiveError(`damaged tar header: ${what} is out of range`);
  return value;
}

/** Some old programs summed signed bytes. */
function checkSum(block: Uint8Array): void {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < BLOCK_BYTES; at++) {
    const byte = at >= CHECKSUM.start && at < CHECKSUM.end ? 0x20 : (block[at] as number);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const written = tarNumber(block, CHECKSUM.start, 8, 'checksum');
  if (written !== unsigned && written !== signed) {
    throw new ArchiveError('damaged tar header: its checksum is wrong');
  }
}

/** POSIX splits long names; GNU uses the same bytes for times. */
function fullName(block: Uint8Array): string {
  const name = field(block, 0, 100);
  const isPosix = field(block, 257, 8) === 'ustar' && block[262] === 0;
  const prefix = isPosix ? field(block, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Undefined for what is no device, and where the oldest archives have other bytes in the place of the numbers. */
function deviceOf(block: Uint8Array, type: string): DeviceNumbers | undefined {
  if (type !== '3' && type !== '4') return undefined;
  try {
    const [major, minor] = [tarNumber(block, 329, 8, 'major'), tarNumber(block, 337, 8, 'minor')];
    return major < 0 || minor < 0 ? undefined : { major, minor };
  } catch {
    return undefined;
  }
}

/** Throws `ArchiveError` unless `block` is a whole header. */
export function parseTarHeader(block: Uint8Array): TarHeader {
  checkSum(block);
  const name = fullName(block);
  const sizeBytes = tarNumber(block, 124, 12, `size of ${shown(name)}`);
  if (sizeBytes < 0) throw new ArchiveError(`damaged tar header: negative size of ${shown(name)}`);
  const type = String.fromCharCode(block[156] ?? 0);
  const device = deviceOf(block, type);
  return {
    name,
    mode: tarNumber(block, 100, 8, 'mode') & 0o7777,
    uid: tarNumber(block, 108, 8, 'owner'),
    gid: tarNumber(block, 116, 8, 'group'),
    sizeBytes,
    mtimeS: tarNumber(block, 136, 12, 'time'),
    type: type === '\0' ? '0' : type,
    target: field(block, 157, 100),
    ...(device !== undefined && { device }),
  };
}
