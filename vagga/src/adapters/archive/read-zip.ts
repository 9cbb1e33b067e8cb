// A zip archive by its directory at the end of the file; checksums and sizes are those it declares, or it is damaged.
import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
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

function rawData(path: string, fd: number, entry: ZipEntry): Readable {
  const start = zipDataOffset(readAt(fd, entry.headerOffset, LOCAL_HEADER_BYTES), entry);
  if (entry.compressedBytes === 0) return Readable.from([]);
  return createReadStream(path, { start, end: start + entry.compressedBytes - 1 });
}

/** The data of one entry, checked against the directory. */
async function* dataOf(path: string, fd: number, entry: ZipEntry): AsyncGenerator<Buffer> {
  const raw = rawData(path, fd, entry);
  const data = entry.method === 'stored' ? raw : pipeline(raw, createInflateRaw(), () => {});
  let sizeBytes = 0;
  let sum = 0;
  try {
    for await (const chunk of data as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > entry.sizeBytes) break;
      sum = crc32(chunk, sum);
      yield chunk;
    }
  } catch (error) {
    throw new ArchiveError(`damaged zip archive: ${shown(entry.name)}: ${(error as Error).message}`);
  } finally {
    raw.destroy();
  }
  if (sizeBytes !== entry.sizeBytes || sum !== entry.crc32) {
    throw new ArchiveError(`damaged zip archive: ${shown(entry.name)} has another size or checksum`);
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
