// Compressed files as streams of their content. gzip through zlib, the others through their own programs.
import { spawn } from 'node:child_process';
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { ArchiveError } from '../../core/archive/error.ts';

export type Compression = 'gzip' | 'xz' | 'bzip2' | 'zstd';

const MAGIC: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
];

/** Memory that a stream may ask for is bounded: xz by this, zstd by its own default of 128 MiB. */
const PROGRAMS: Readonly<Record<Exclude<Compression, 'gzip'>, { argv: readonly string[]; package: string }>> =
  {
    xz: { argv: ['xz', '-dc', '--memlimit-decompress=1GiB'], package: 'xz-utils' },
    bzip2: { argv: ['bzip2', '-dc'], package: 'bzip2' },
    zstd: { argv: ['zstd', '-dcq'], package: 'zstd' },
  };

const CHUNK_BYTES = 64 * 1024;
const ERROR_TEXT_MAX = 2000;

/** A file, or a part of it. */
export interface Slice {
  readonly path: string;
  readonly start: number;
  readonly bytes: number;
}

export function wholeFile(path: string): Slice {
  return { path, start: 0, bytes: statSync(path).size };
}

export function rawBytes({ path, start, bytes }: Slice): Readable {
  if (bytes === 0) return Readable.from([]);
  return createReadStream(path, { start, end: start + bytes - 1, highWaterMark: CHUNK_BYTES });
}

/** By the first bytes; undefined for everything else. */
export function compressionOf({ path, start, bytes: length }: Slice): Compression | undefined {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(Math.min(6, length));
    const bytes = readSync(fd, head, 0, head.length, start);
    return MAGIC.find(([, magic]) => magic.every((byte, at) => at < bytes && head[at] === byte))?.[0];
  } finally {
    closeSync(fd);
  }
}

/** The content in pieces. Throws `ArchiveError` in words when it is damaged. */
export function unpacked(slice: Slice): AsyncIterable<Buffer> {
  const compression = compressionOf(slice);
  if (compression === undefined) return rawBytes(slice);
  return compression === 'gzip' ? gunzipped(slice) : throughProgram(slice, compression);
}

async function* gunzipped(slice: Slice): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  pipeline(rawBytes(slice), gunzip, () => {});
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    throw new ArchiveError(`damaged gzip data: ${(error as Error).message}`);
  }
}

async function* throughProgram(slice: Slice, compression: keyof typeof PROGRAMS): AsyncGenerator<Buffer> {
  const { argv, package: debianPackage } = PROGRAMS[compression];
  const [name = '', ...words] = argv;
  const program = findProgram(name);
  if (program === undefined) {
    throw new ArchiveError(`${name} is needed to unpack this archive: apt-get install -y ${debianPackage}`);
  }
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] });
  // A program that found damage does not read the rest.
  pipeline(rawBytes(slice), child.stdin, () => {});
  let errors = '';
  child.stderr.on('data', chunk => {
    errors = (errors + chunk).slice(0, ERROR_TEXT_MAX);
  });
  const ended = new Promise<number | null>(resolve => {
    child.once('close', resolve);
    child.once('error', () => resolve(null));
  });
  let isRead = false;
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    isRead = true;
  } finally {
    // A reader that has seen enough leaves it waiting for the pipe.
    if (!isRead) child.kill();
  }
  if ((await ended) !== 0) throw new ArchiveError(`damaged ${compression} data: ${errors.trim()}`);
}
