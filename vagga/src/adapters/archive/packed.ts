// Compressed files as streams of their content. gzip through zlib, the others through their own programs.
import { spawn } from 'node:child_process';
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { findProgram } from '@suite/shared/oci/probe.ts';
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

const ERROR_TEXT_MAX = 2000;

/** By the first bytes; undefined for everything else. */
export function compressionOf(path: string): Compression | undefined {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(6);
    const bytes = readSync(fd, head, 0, head.length, 0);
    return MAGIC.find(([, magic]) => magic.every((byte, at) => at < bytes && head[at] === byte))?.[0];
  } finally {
    closeSync(fd);
  }
}

/** The content of `path` in pieces. Throws `ArchiveError` in words when it is damaged. */
export function unpacked(path: string, compression: Compression | undefined): AsyncIterable<Buffer> {
  if (compression === undefined) return createReadStream(path);
  return compression === 'gzip' ? gunzipped(path) : throughProgram(path, compression);
}

async function* gunzipped(path: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 64 * 1024 });
  pipeline(createReadStream(path, { highWaterMark: 64 * 1024 }), gunzip, () => {});
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    throw new ArchiveError(`damaged gzip data: ${(error as Error).message}`);
  }
}

async function* throughProgram(path: string, compression: keyof typeof PROGRAMS): AsyncGenerator<Buffer> {
  const { argv, package: debianPackage } = PROGRAMS[compression];
  const [name = '', ...words] = argv;
  const program = findProgram(name);
  if (program === undefined) {
    throw new ArchiveError(`${name} is needed to unpack this archive: apt-get install -y ${debianPackage}`);
  }
  const input = openSync(path, 'r');
  const child = spawn(program, words, { stdio: [input, 'pipe', 'pipe'] });
  closeSync(input);
  let errors = '';
  child.stderr?.on('data', chunk => {
    errors = (errors + chunk).slice(0, ERROR_TEXT_MAX);
  });
  const ended = new Promise<number | null>(resolve => {
    child.once('close', resolve);
    child.once('error', () => resolve(null));
  });
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
  } finally {
    // Does nothing when it ended by itself; when the reader has seen enough it must not wait for the pipe.
    child.kill();
  }
  if ((await ended) !== 0) throw new ArchiveError(`damaged ${compression} data: ${errors.trim()}`);
}
