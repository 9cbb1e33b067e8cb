// An OCI image layout: index.json and blobs by digest.
import { lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { IMAGE_DOCUMENT_BYTES_MAX } from '../../config/defaults.ts';
import { ArchiveError } from '../../core/archive/error.ts';
import {
  chooseManifest,
  type Descriptor,
  isIndex,
  parseConfig,
  parseDocument,
  parseManifest,
} from '../../core/oci/documents.ts';
import type { Platform } from '../../core/oci/platform.ts';
import type { Slice } from '../archive/packed.ts';
import { inRoot } from '../build/in-root.ts';
import { type Image, verifyBlob, verifyText } from './image.ts';
import { textOf } from './tar-index.ts';

export interface LayoutChoice {
  /** A file of the layout by its name; throws `ArchiveError` when it is not there. */
  readonly read: (name: string) => Slice;
  readonly title: string;
  /** Which of several images, by its annotation. */
  readonly name?: string;
  readonly platform: Platform;
}

/** An index may hold indexes: one level is usual, more than this is a circle. */
const INDEXES_MAX = 4;

const blobName = ({ digest }: Descriptor): string => `blobs/${digest.replace(':', '/')}`;

function document(layout: LayoutChoice, descriptor: Descriptor, what: string) {
  const text = textOf(layout.read(blobName(descriptor)), IMAGE_DOCUMENT_BYTES_MAX);
  verifyText(text, descriptor.digest, what);
  return parseDocument(text, what);
}

function manifestOf(layout: LayoutChoice) {
  const text = textOf(layout.read('index.json'), IMAGE_DOCUMENT_BYTES_MAX);
  let found = parseDocument(text, 'index.json');
  for (let depth = 0; isIndex(found) && depth < INDEXES_MAX; depth++) {
    const chosen = chooseManifest(found, layout.platform, depth === 0 ? layout.name : undefined);
    found = document(layout, chosen, 'the manifest');
  }
  return parseManifest(found);
}

async function layerOf(layout: LayoutChoice, descriptor: Descriptor): Promise<Slice> {
  const blob = layout.read(blobName(descriptor));
  await verifyBlob(blob, descriptor.digest, 'a layer');
  return blob;
}

/** Throws `ArchiveError`. */
export async function fromLayout(layout: LayoutChoice): Promise<Image> {
  const manifest = manifestOf(layout);
  const config = parseConfig(document(layout, manifest.config, 'the config'), manifest.layers.length);
  const layers = [];
  for (const [at, descriptor] of manifest.layers.entries()) {
    layers.push({ blob: await layerOf(layout, descriptor), diffId: config.diffIds[at] as string });
  }
  return { title: layout.title, config, layers };
}

/** Files of a layout in a directory; links in it may not lead out of it. */
export function directoryReader(directory: string): (name: string) => Slice {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ArchiveError(`${directory} is not a directory with an OCI image layout`);
  }
  return name => {
    const path = inRoot(directory, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile()) throw new ArchiveError(`damaged image: ${join(directory, name)} is not there`);
    return { path, start: 0, bytes: stat.size };
  };
}
