// `!Tar`, `!TarInstall`, `!Unzip`, prebuilt images: one archive file into a directory of an image.
import { statSync } from 'node:fs';
import { ArchiveError } from '../../core/archive/error.ts';
import { type ArchiveLimits, Budget } from '../../core/archive/limits.ts';
import { Subdir } from '../../core/archive/names.ts';
import type { Parts } from './inside.ts';
import { limitsFor } from './limits.ts';
import { compressionOf, unpacked, wholeFile } from './packed.ts';
import { readTar } from './read-tar.ts';
import { readZip } from './read-zip.ts';
import { type Target, Unpacker, type UnpackRules } from './unpacker.ts';

export interface UnpackRequest {
  readonly archive: string;
  /** Directory of the host that stands for `/`. */
  readonly root: string;
  readonly base: Parts;
  /** Only what is below it, without it; `''` and `.` for everything. */
  readonly subdir: string;
  readonly owners: UnpackRules['owners'];
  readonly signal: AbortSignal;
  readonly limits?: ArchiveLimits;
  /** Without compression is fine too. */
  readonly plain?: boolean;
}

type Read = (unpacker: Unpacker, limits: ArchiveLimits) => Promise<void>;

async function unpack(request: UnpackRequest, read: Read): Promise<void> {
  const limits = request.limits ?? limitsFor(statSync(request.archive).size);
  const subdir = new Subdir(request.subdir);
  const target: Target = { ...request, place: parts => subdir.strip(parts) };
  const { owners } = request;
  const rules: UnpackRules = { limits, owners, replaces: 'files', devices: 'empty-files', hardLinks: 'last' };
  const unpacker = new Unpacker(target, rules);
  try {
    await read(unpacker, limits);
    subdir.mustBeFound();
    unpacker.finish();
  } finally {
    unpacker.close();
  }
}

/** Compressed tar; throws `ArchiveError`. */
export async function unpackTar(request: UnpackRequest): Promise<void> {
  const archive = wholeFile(request.archive);
  if (request.plain !== true && compressionOf(archive) === undefined) {
    throw new ArchiveError('unexpected compression: the archive is neither gzip, xz, bzip2 nor zstd');
  }
  await unpack(request, (unpacker, limits) =>
    readTar(unpacked(archive), new Budget(limits), unpacker, request.signal),
  );
}

/** Throws `ArchiveError`. */
export async function unpackZip(request: UnpackRequest): Promise<void> {
  await unpack(request, (unpacker, limits) =>
    readZip(request.archive, new Budget(limits), unpacker, request.signal),
  );
}
