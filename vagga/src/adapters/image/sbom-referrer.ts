// The list of packages as a document about an image, among the blobs of that image.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BlobDescriptor,
  EMPTY_CONFIG,
  layoutIndexText,
  MEDIA_TYPES,
  type Referrer,
  referrerText,
  withReferrerText,
} from '../../core/oci/compose.ts';
import type { Composed } from '../oci-image/compose-layout.ts';
import type { ExportRequest } from './export.ts';
import { sbomOf } from './sbom.ts';

export interface SbomReferrer extends Referrer {
  /** Text of its manifest. */
  readonly text: string;
  /** What that names. */
  readonly blobs: readonly BlobDescriptor[];
}

export function sbomReferrer(composed: Composed, { layout, name, hash }: ExportRequest): SbomReferrer {
  const { manifest: image, facts, blobs } = composed;
  const document = blobs.text(sbomOf(layout.image(name, hash), facts, image.digest), MEDIA_TYPES.spdx);
  const empty = blobs.text(EMPTY_CONFIG, MEDIA_TYPES.empty);
  const text = referrerText(facts, image, empty, document);
  const manifest = blobs.text(text, MEDIA_TYPES.manifest);
  return { manifest, artifactType: MEDIA_TYPES.spdx, text, blobs: [document, empty] };
}

/** Changes the layout so that its name means both; returns what that is. */
export function attachSbom(directory: string, composed: Composed, request: ExportRequest): BlobDescriptor {
  const { manifest, facts, blobs } = composed;
  const both = withReferrerText(facts, manifest, sbomReferrer(composed, request));
  const index = blobs.text(both, MEDIA_TYPES.index);
  writeFileSync(join(directory, 'index.json'), layoutIndexText(index, request.tag));
  return index;
}
