// An image whose parts are on disk, wherever it came from.
import { createHash } from 'node:crypto';
import { ArchiveError } from '../../core/archive/error.ts';
import type { ImageConfig } from '../../core/oci/documents.ts';
import { rawBytes, type Slice } from '../archive/packed.ts';

export interface Layer {
  readonly blob: Slice;
  /** Digest of the unpacked layer. */
  readonly diffId: string;
}

export interface Image {
  /** For people: with the digest that was chosen. */
  readonly title: string;
  readonly config: ImageConfig;
  readonly layers: readonly Layer[];
}

/** Throws unless the bytes are those that `digest` names. */
export async function verifyBlob(blob: Slice, digest: string, what: string): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of rawBytes(blob) as AsyncIterable<Buffer>) hash.update(chunk);
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== digest) throw new ArchiveError(`damaged image: ${what} is ${found} instead of ${digest}`);
}

export function verifyText(text: string, digest: string, what: string): void {
  const found = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  if (found !== digest) throw new ArchiveError(`damaged image: ${what} is ${found} instead of ${digest}`);
}
