// Bytes on their way into a compressed file. The same bytes give the same file: nothing of the clock or the number of
// processors goes in.
import { spawn } from 'node:child_process';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { ArchiveError } from '../../core/archive/error.ts';
import type { Compression } from './packed.ts';

/** xz cuts its data into blocks as soon as there are two threads, wherever that may be. */
const PROGRAMS: Readonly<Record<Exclude<Compression, 'gzip'>, { argv: readonly string[]; package: string }>> =
  {
    xz: { argv: ['xz', '-c', '-T2'], package: 'xz-utils' },
    bzip2: { argv: ['bzip2', '-c'], package: 'bzip2' },
    zstd: { argv: ['zstd', '-cq'], package: 'zstd' },
  };

const ERROR_TEXT_MAX = 2000;

/** Ends `sink`. Rejects when one of the two sides fails, and when `signal` says so. */
export async function writeCompressed(
  source: Iterable<Buffer>,
  compression: Compression | 'none',
  sink: Writable,
  signal: AbortSignal,
): Promise<void> {
  const bytes = Readable.from(source, { objectMode: false });
  if (compression === 'none') await pipeline(bytes, sink, { signal });
  else if (compression === 'gzip') await pipeline(bytes, createGzip(), sink, { signal });
  else await throughProgram(bytes, compression, sink, signal);
}

async function throughProgram(
  source: Readable,
  compression: keyof typeof PROGRAMS,
  sink: Writable,
  signal: AbortSignal,
) {
  const { argv, package: debianPackage } = PROGRAMS[compression];
  const [name = '', ...words] = argv;
  const program = findProgram(name);
  if (program === undefined)
    throw new ArchiveError(`${name} is needed to compress: apt-get install -y ${debianPackage}`);
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', chunk => {
    errors = (errors + chunk).slice(0, ERROR_TEXT_MAX);
  });
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  // A program that fails does not read the rest: its own words say more than the broken pipe to it.
  let unread: Error | undefined;
  const input = pipeline(source, child.stdin, { signal }).catch(error => {
    if (error.code !== 'EPIPE') throw error;
    unread = error;
  });
  try {
    await Promise.all([input, pipeline(child.stdout, sink, { signal })]);
  } catch (error) {
    child.kill();
    throw error;
  }
  if ((await ended) !== 0) throw new ArchiveError(`${name} failed: ${errors.trim()}`);
  if (unread !== undefined) throw unread;
}
