// Blobs of an image that we make, in a directory by digest.
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { BlobDescriptor, LayerCompression } from '../../core/oci/compose.ts';
import { LAYER_TYPES } from '../../core/oci/compose.ts';
import { writeCompressed } from '../archive/compress.ts';

const digestText = (hex: string): string => `sha256:${hex}`;

export class BlobsOut {
  readonly directory: string;

  /** `layout`: directory that becomes an image layout. */
  constructor(layout: string) {
    this.directory = join(layout, 'blobs/sha256');
    mkdirSync(this.directory, { recursive: true });
  }

  path(digest: string): string {
    return join(this.directory, digest.slice('sha256:'.length));
  }

  text(text: string, mediaType: string): BlobDescriptor {
    const digest = digestText(createHash('sha256').update(text).digest('hex'));
    writeFileSync(this.path(digest), text);
    return { mediaType, digest, size: Buffer.byteLength(text) };
  }

  /** Resolves to the blob and the digest of what went in. */
  async layer(
    tar: Iterable<Buffer>,
    compression: LayerCompression,
    signal: AbortSignal,
  ): Promise<{ descriptor: BlobDescriptor; diffId: string }> {
    const plain = createHash('sha256');
    const seen = (function* () {
      for (const piece of tar) {
        plain.update(piece);
        yield piece;
      }
    })();
    const { digest, size } = await this.#write(sink => writeCompressed(seen, compression, sink, signal));
    const descriptor = { mediaType: LAYER_TYPES[compression], digest, size };
    return { descriptor, diffId: digestText(plain.digest('hex')) };
  }

  async #write(fill: (sink: Writable) => Promise<void>): Promise<{ digest: string; size: number }> {
    const unfinished = join(this.directory, '.new');
    const hash = createHash('sha256');
    let size = 0;
    const fd = openSync(unfinished, 'w');
    const take = (piece: Buffer) => {
      hash.update(piece);
      size += piece.length;
      for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
    };
    try {
      await fill(new Writable({ write: (piece, _encoding, done) => done(attempt(() => take(piece))) }));
    } finally {
      closeSync(fd);
    }
    const digest = digestText(hash.digest('hex'));
    renameSync(unfinished, this.path(digest));
    return { digest, size };
  }
}

function attempt(work: () => void): Error | null {
  try {
    work();
    return null;
  } catch (error) {
    return error as Error;
  }
}
