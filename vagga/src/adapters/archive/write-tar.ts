// Entries and the files behind them as the bytes of a tar archive.
import { closeSync, openSync, readSync } from 'node:fs';
import { shown } from '../../core/archive/byte-text.ts';
import { ArchiveError } from '../../core/archive/error.ts';
import { TAR_END, tarHeader, tarPadding } from '../../core/archive/tar-write.ts';
import { bytes } from '../layers/copy-file.ts';
import type { Found } from './tree-entries.ts';

/** Small files travel together. */
const CHUNK_BYTES = 256 * 1024;

function* content({ path, entry: { name, sizeBytes } }: Found): Generator<Uint8Array> {
  const fd = openSync(bytes(path), 'r');
  try {
    for (let rest = sizeBytes; rest > 0; ) {
      const piece = Buffer.allocUnsafe(Math.min(rest, CHUNK_BYTES));
      const read = readSync(fd, piece);
      if (read === 0) throw new ArchiveError(`${shown(name)} became shorter while it was read`);
      yield piece.subarray(0, read);
      rest -= read;
    }
  } finally {
    closeSync(fd);
  }
}

function* pieces(found: Iterable<Found>): Generator<Uint8Array> {
  for (const one of found) {
    yield* tarHeader(one.entry);
    if (one.entry.sizeBytes === 0) continue;
    yield* content(one);
    yield tarPadding(one.entry.sizeBytes);
  }
  yield TAR_END;
}

/** In pieces of at least `CHUNK_BYTES`. */
export function* tarBytes(found: Iterable<Found>): Generator<Buffer> {
  let waiting: Uint8Array[] = [];
  let count = 0;
  for (const piece of pieces(found)) {
    waiting.push(piece);
    count += piece.length;
    if (count < CHUNK_BYTES) continue;
    yield Buffer.concat(waiting, count);
    waiting = [];
    count = 0;
  }
  yield Buffer.concat(waiting, count);
}
