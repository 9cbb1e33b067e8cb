// A zip archive by its directory at the end of the file; checksums and sizes are those it declares, or it is damaged.
import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { byteText, shown } from '../../core/archive/byte-text.ts';
import { ArchiveError } from '../../core/archive/error.ts';
import type { Budget } from '../../core/archive/limits.ts';
import {
  findZipEnd,
  LOCAL_HEADER_BYTES,
  parseZip64End,
  parseZipDirectory,
  ZIP_TAIL_BYTES,
  ZIP64_END_BYTES,
  type ZipEntry,
  zipDataOffset,
} from '../../core/archive/zip.ts';
import type { ArchiveSink } from './read-tar.ts';

function readAt(fd: number, at: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  return buffer.subarray(0, readSync(fd, buffer, 0, bytes, at));
}

function directoryOf(fd: number, budget: Budget): ZipEntry[] {
  const { size } = fstatSync(fd);
  const tailBytes = Math.min(size, ZIP_TAIL_BYTES);
  const found = findZipEnd(readAt(fd, size - tailBytes, tailBytes), size - tailBytes);
  const end = typeof found === 'number' ? parseZip64End(readAt(fd, found, ZIP64_END_BYTES), found) : found;
  const { metadataBytes, entries } = budget.limits;
  if (end.entries > entries) throw new ArchiveError(`the archive has more than ${entries} entries`);
  // Each entry may have as much metadata as one header of a tar archive, but not all of them together.
  if (end.directoryBytes > end.at || end.directoryBytes > 64 * metadataBytes) {
    throw new ArchiveError('damaged zip archive: its directory is too big');
  }
  const at = end.at - end.directoryBytes;
  return parseZipDirectory(readAt(fd, at, end.directoryBytes), end, budget);
}

/** Most files of most archives: read at once, a stream for each would cost ten times as much. */
const SMALL_BYTES = 256 * 1024;

const isSmall = (entry: ZipEntry): boolean =>
  entry.compressedBytes <= SMALL_BYTES && entry.sizeBytes <= SMALL_BYTES;

const startOf = (fd: number, entry: ZipEntry): number =>
  zipDataOffset(readAt(fd, entry.headerOffset, LOCAL_HEADER_BYTES), entry);

function smallData(fd: number, entry: ZipEntry): Buffer {
  const raw = readAt(fd, startOf(fd, entry), entry.compressedBytes);
  // More than declared is an error of zlib's then.
  return entry.method === 'stored' ? raw : inflateRawSync(raw, { maxOutputLength: entry.sizeBytes + 1 });
}

async function* bigData(path: string, fd: number, entry: ZipEntry): AsyncGenerator<Buffer> {
  const start = startOf(fd, entry);
  const raw = createReadStream(path, { start, end: start + entry.compressedBytes - 1 });
  try {
    yield* (
      entry.method === 'stored' ? raw : pipeline(raw, createInflateRaw(), () => {})
    ) as AsyncIterable<Buffer>;
  } finally {
    raw.destroy();
  }
}

/** The data of one entry, checked against the directory. */
async function* dataOf(path: string, fd: number, entry: ZipEntry): AsyncGenerator<Buffer> {
  let sizeBytes = 0;
  let sum = 0;
  try {
    for await (const chunk of isSmall(entry) ? [smallData(fd, entry)] : bigData(path, fd, entry)) {
      sizeBytes += chunk.length;
      if (sizeBytes > entry.sizeBytes) break;
      sum = crc32(chunk, sum);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ArchiveError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const what = code === 'ERR_BUFFER_TOO_LARGE' ? 'another size or checksum' : message;
    throw new ArchiveError(`damaged zip archive: ${shown(entry.name)}: ${what}`);
  }
  if (sizeBytes !== entry.sizeBytes || sum !== entry.crc32) {
    throw new ArchiveError(`damaged zip archive: ${shown(entry.name)}: another size or checksum`);
  }
}

async function linkTarget(path: string, fd: number, entry: ZipEntry, budget: Budget): Promise<string> {
  if (entry.sizeBytes > budget.limits.nameBytes) {
    throw new ArchiveError(`the archive has a damaged symlink: ${shown(entry.name)}`);
  }
  const parts: Buffer[] = [];
  for await (const chunk of dataOf(path, fd, entry)) parts.push(chunk);
  return byteText(Buffer.concat(parts));
}

async function one(
  path: string,
  fd: number,
  entry: ZipEntry,
  budget: Budget,
  sink: ArchiveSink,
): Promise<void> {
  if (entry.type === 'symlink') {
    const target = await linkTarget(path, fd, entry, budget);
    sink.handle({ kind: 'entry', entry: { ...entry, target, sizeBytes: 0 } });
  } else {
    sink.handle({ kind: 'entry', entry });
    if (entry.type === 'file') {
      for await (const bytes of dataOf(path, fd, entry)) sink.handle({ kind: 'data', bytes });
    }
  }
  sink.handle({ kind: 'end' });
}

/** Hands every entry to `sink`. Throws `ArchiveError`. */
export async function readZip(
  path: string,
  budget: Budget,
  sink: ArchiveSink,
  signal: AbortSignal,
): Promise<void> {
  const fd = openSync(path, 'r');
  try {
    for (const entry of directoryOf(fd, budget)) {
      signal.throwIfAborted();
      await one(path, fd, entry, budget, sink);
    }
  } finally {
    closeSync(fd);
  }
}
