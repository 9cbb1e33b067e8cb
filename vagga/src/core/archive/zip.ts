// The directory of a zip archive (APPNOTE 6.3, with zip64). The bytes are read by the adapter; here they get a meaning.
import { byteText, shown } from './byte-text.ts';
import type { Entry, EntryType } from './entry.ts';
import { ArchiveError } from './error.ts';
import type { Budget } from './limits.ts';

/** The end record and the longest comment behind it, with the locator of zip64 before it. */
export const ZIP_TAIL_BYTES = 22 + 0xffff + 20;
export const ZIP64_END_BYTES = 56;
export const LOCAL_HEADER_BYTES = 30;

export interface ZipEnd {
  readonly entries: number;
  readonly directoryBytes: number;
  readonly directoryOffset: number;
  /** Where this record starts in the file. */
  readonly at: number;
}

export interface ZipEntry extends Entry {
  readonly method: 'stored' | 'deflated';
  readonly compressedBytes: number;
  readonly crc32: number;
  readonly headerOffset: number;
}

const SIGNATURES = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  zip64End: 0x06064b50,
  zip64Locator: 0x07064b50,
};
const ALL_ONES_32 = 0xffffffff;

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function big(view: DataView, at: number): number {
  const value = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(value)) throw new ArchiveError('damaged zip archive: a number is out of range');
  return value;
}

/** `tail` = the last bytes of the file, which start at `tailOffset`. A number in answer: read the zip64 record there. */
export function findZipEnd(tail: Uint8Array, tailOffset: number): ZipEnd | number {
  const view = viewOf(tail);
  for (let at = tail.length - 22; at >= 0; at--) {
    if (view.getUint32(at, true) !== SIGNATURES.end) continue;
    if (at + 22 + view.getUint16(at + 20, true) > tail.length) continue;
    if (at >= 20 && view.getUint32(at - 20, true) === SIGNATURES.zip64Locator) return big(view, at - 12);
    if (view.getUint16(at + 4, true) !== view.getUint16(at + 6, true)) {
      throw new ArchiveError('the zip archive has several volumes, which is not supported');
    }
    return {
      entries: view.getUint16(at + 10, true),
      directoryBytes: view.getUint32(at + 12, true),
      directoryOffset: view.getUint32(at + 16, true),
      at: tailOffset + at,
    };
  }
  throw new ArchiveError('the file is not a zip archive, or it is cut off');
}

/** `bytes` of the record that `findZipEnd` asked for. */
export function parseZip64End(bytes: Uint8Array, at: number): ZipEnd {
  const view = viewOf(bytes);
  if (bytes.length < ZIP64_END_BYTES || view.getUint32(0, true) !== SIGNATURES.zip64End) {
    throw new ArchiveError('damaged zip archive: its zip64 record is not where it should be');
  }
  return {
    entries: big(view, 32),
    directoryBytes: big(view, 40),
    directoryOffset: big(view, 48),
    at,
  };
}

/** All entries, in the order of the directory. `shift`: bytes in front of the archive (self-extracting ones). */
export function parseZipDirectory(directory: Uint8Array, end: ZipEnd, budget: Budget): ZipEntry[] {
  const shift = end.at - end.directoryBytes - end.directoryOffset;
  if (shift < 0) throw new ArchiveError('damaged zip archive: its directory is not where it should be');
  const entries: ZipEntry[] = [];
  for (let at = 0; at < directory.length; ) {
    budget.entry();
    const [entry, bytes] = parseOne(directory.subarray(at), shift);
    budget.bytes(entry.sizeBytes);
    entries.push(entry);
    at += bytes;
  }
  if (entries.length !== end.entries) throw new ArchiveError('damaged zip archive: entries are missing');
  refuseOverlaps(entries, end.at);
  return entries;
}

const damaged = () => new ArchiveError('damaged zip archive: its directory is cut off');

function parseOne(bytes: Uint8Array, shift: number): [ZipEntry, number] {
  if (bytes.length < 46) throw damaged();
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== SIGNATURES.central) throw damaged();
  const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map(at => view.getUint16(at, true)) as [
    number,
    number,
    number,
  ];
  const extraAt = 46 + nameBytes;
  const length = extraAt + extraBytes + commentBytes;
  if (length > bytes.length) throw damaged();
  const name = byteText(bytes.subarray(46, extraAt));
  if ((view.getUint16(8, true) & 0x2041) !== 0) {
    throw new ArchiveError(`the zip archive holds ${shown(name)} encrypted, which is not supported`);
  }
  const sizes = sizesOf(view, bytes.subarray(extraAt, extraAt + extraBytes));
  const type = typeOf(view, name);
  const mode = unixMode(view);
  const entry: ZipEntry = {
    name,
    type,
    mode: mode === undefined ? undefined : mode & 0o7777,
    uid: 0,
    gid: 0,
    mtimeS: dosTime(view.getUint16(14, true), view.getUint16(12, true)),
    sizeBytes: type === 'directory' ? 0 : sizes.sizeBytes,
    target: '',
    xattrs: {},
    method: methodOf(view.getUint16(10, true), name),
    compressedBytes: sizes.compressedBytes,
    crc32: view.getUint32(16, true),
    headerOffset: sizes.headerOffset + shift,
  };
  return [entry, length];
}

function methodOf(method: number, name: string): ZipEntry['method'] {
  if (method === 0) return 'stored';
  if (method === 8) return 'deflated';
  throw new ArchiveError(
    `the zip archive holds ${shown(name)} compressed by method ${method}, not supported`,
  );
}

/** Numbers that do not fit are all ones, and stand in the extra field 1 instead, in this order. */
function sizesOf(view: DataView, extra: Uint8Array) {
  const plain = [view.getUint32(24, true), view.getUint32(20, true), view.getUint32(42, true)];
  const wide = extraField(extra, 1);
  let at = 0;
  const [sizeBytes, compressedBytes, headerOffset] = plain.map(value => {
    if (value !== ALL_ONES_32) return value;
    if (wide === undefined || at + 8 > wide.length) throw damaged();
    at += 8;
    return big(viewOf(wide), at - 8);
  }) as [number, number, number];
  return { sizeBytes, compressedBytes, headerOffset };
}

function extraField(extra: Uint8Array, wanted: number): Uint8Array | undefined {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === wanted && end <= extra.length) return extra.subarray(at + 4, end);
    at = end;
  }
  return undefined;
}

const MADE_BY_UNIX = 3;
const FILE_TYPE = {
  mask: 0o170000,
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  symlink: 0o120000,
};

function unixMode(view: DataView): number | undefined {
  const mode = view.getUint32(38, true) >>> 16;
  return view.getUint8(5) === MADE_BY_UNIX && mode !== 0 ? mode : undefined;
}

function typeOf(view: DataView, name: string): EntryType {
  if (name.endsWith('/')) return 'directory';
  switch ((unixMode(view) ?? 0) & FILE_TYPE.mask) {
    case FILE_TYPE.symlink:
      return 'symlink';
    case FILE_TYPE.directory:
      return 'directory';
    case FILE_TYPE.fifo:
      return 'fifo';
    case FILE_TYPE.character:
      return 'character-device';
    case FILE_TYPE.block:
      return 'block-device';
    default:
      return 'file';
  }
}

/** Local time without a zone, in steps of 2 seconds; read as UTC so that everybody gets the same. */
function dosTime(date: number, time: number): number | undefined {
  const [year, month, day] = [1980 + (date >> 9), ((date >> 5) & 15) - 1, date & 31];
  const ms = Date.UTC(year, month, day, time >> 11, (time >> 5) & 63, (time & 31) * 2);
  return date === 0 ? undefined : ms / 1000;
}

/** Entries that share data are how a few kilobytes become petabytes. */
function refuseOverlaps(entries: readonly ZipEntry[], endAt: number): void {
  const sorted = [...entries].sort((a, b) => a.headerOffset - b.headerOffset);
  sorted.forEach((entry, index) => {
    const next = sorted[index + 1]?.headerOffset ?? endAt;
    const end = entry.headerOffset + LOCAL_HEADER_BYTES + entry.name.length + entry.compressedBytes;
    if (end > next) throw new ArchiveError(`damaged zip archive: ${shown(entry.name)} overlaps what follows`);
  });
}

/** Where the data starts, from the first `LOCAL_HEADER_BYTES` bytes at `entry.headerOffset`. */
export function zipDataOffset(header: Uint8Array, entry: ZipEntry): number {
  const view = viewOf(header);
  if (header.length < LOCAL_HEADER_BYTES || view.getUint32(0, true) !== SIGNATURES.local) {
    throw new ArchiveError(`damaged zip archive: no header of ${shown(entry.name)} where it should be`);
  }
  return entry.headerOffset + LOCAL_HEADER_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
}
