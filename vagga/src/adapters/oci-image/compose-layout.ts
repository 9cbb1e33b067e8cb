// A container as an OCI image layout: its root as one layer, or each step's changes as one.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BlobDescriptor,
  type ComposedLayer,
  configText,
  type ImageFacts,
  type LayerCompression,
  layoutIndexText,
  MEDIA_TYPES,
  manifestText,
} from '../../core/oci/compose.ts';
import type { Found } from '../archive/tree-entries.ts';
import { tarBytes } from '../archive/write-tar.ts';
import type { Marks } from '../layers/marks.ts';
import { BlobsOut } from './blobs-out.ts';
import { layerEntries } from './layer-entries.ts';

export interface LayerSource {
  readonly directory: string;
  /** What made it, for people. */
  readonly title: string;
}

export interface ComposeRequest {
  readonly facts: Omit<ImageFacts, 'createdS'>;
  /** Bottom first. */
  readonly layers: readonly LayerSource[];
  readonly marks: Marks;
  readonly compression: LayerCompression;
  readonly tag: string;
  /** Later times become this one (seconds), and it is when the image was made; else that is the latest time there is. */
  readonly epochS?: number;
  readonly signal: AbortSignal;
}

export interface Composed {
  readonly manifest: BlobDescriptor;
  readonly config: BlobDescriptor;
  /** Bottom first. */
  readonly layers: readonly BlobDescriptor[];
  readonly facts: ImageFacts;
  readonly blobs: BlobsOut;
}

/** `directory` exists and is empty. */
export async function composeLayout(directory: string, request: ComposeRequest): Promise<Composed> {
  const { epochS, marks, compression, tag, signal } = request;
  const options = { prefix: '', ...(epochS !== undefined && { latestS: epochS }) };
  const blobs = new BlobsOut(directory);
  let newestS = 0;
  const noting = function* (all: Iterable<Found>) {
    for (const found of all) {
      newestS = Math.max(newestS, found.entry.mtimeS ?? 0);
      yield found;
    }
  };
  const layers: ComposedLayer[] = [];
  for (const source of request.layers) {
    const entries = noting(layerEntries(source.directory, marks, options));
    layers.push({ ...(await blobs.layer(tarBytes(entries), compression, signal)), title: source.title });
  }
  const facts: ImageFacts = { ...request.facts, createdS: epochS ?? newestS };
  const config = blobs.text(configText(facts, layers), MEDIA_TYPES.config);
  const manifest = blobs.text(manifestText(facts, config, layers), MEDIA_TYPES.manifest);
  writeFileSync(
    join(directory, 'index.json'),
    layoutIndexText({ ...manifest, platform: facts.platform }, tag),
  );
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return { manifest, config, layers: layers.map(({ descriptor }) => descriptor), facts, blobs };
}
