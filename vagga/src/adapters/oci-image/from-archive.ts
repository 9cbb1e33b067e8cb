// An image in one file: what `docker save` and `podman save` write, or an OCI layout in a tar.
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { IMAGE_DOCUMENT_BYTES_MAX } from '../../config/defaults.ts';
import { ArchiveError } from '../../core/archive/error.ts';
import { Budget } from '../../core/archive/limits.ts';
import {
  type ArchivedImage,
  parseArchiveManifest,
  parseConfig,
  parseDocument,
} from '../../core/oci/documents.ts';
import type { Platform } from '../../core/oci/platform.ts';
import { limitsFor } from '../archive/limits.ts';
import { compressionOf, type Slice, unpacked, wholeFile } from '../archive/packed.ts';
import { fromLayout } from './from-layout.ts';
import { type Image, verifyText } from './image.ts';
import { indexTar, type TarIndex, textOf } from './tar-index.ts';

export interface ArchiveChoice {
  readonly path: string;
  /** Which of several images. */
  readonly name?: string;
  readonly platform: Platform;
  /** A file that may be made, for a compressed archive; the caller deletes it after the layers were read. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/** `name:tag` as it stands in the archive; docker writes names of its hub without the host. */
function choose(images: readonly ArchivedImage[], name: string | undefined): ArchivedImage {
  const [first, second] = images;
  if (first === undefined) throw new ArchiveError('there is no image in the archive');
  const names = images.flatMap(image => image.names);
  if (name === undefined) {
    if (second === undefined) return first;
    throw new ArchiveError(
      `there are several images in the archive, choose with \`image:\` one of ${names.join(', ')}`,
    );
  }
  const wanted = name.includes(':') ? name : `${name}:latest`;
  const found = images.find(image =>
    image.names.some(text => text === wanted || text.endsWith(`/${wanted}`)),
  );
  if (found === undefined)
    throw new ArchiveError(`there is no image "${wanted}" in the archive, only: ${names.join(', ')}`);
  return found;
}

/** The name of the config is its digest, in both ways that Docker wrote it. */
function configDigest(path: string): string | undefined {
  const hex = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(path)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

function fromDocker(index: TarIndex, name: string | undefined, path: string): Image {
  const manifest = textOf(index.find('manifest.json'), IMAGE_DOCUMENT_BYTES_MAX);
  const chosen = choose(parseArchiveManifest(manifest), name);
  const text = textOf(index.find(chosen.config), IMAGE_DOCUMENT_BYTES_MAX);
  const digest = configDigest(chosen.config);
  if (digest !== undefined) verifyText(text, digest, 'the config');
  const config = parseConfig(parseDocument(text, 'the config'), chosen.layers.length);
  const layers = chosen.layers.map((layer, at) => ({
    blob: index.find(layer),
    diffId: config.diffIds[at] as string,
  }));
  return { title: chosen.names[0] ?? path, config, layers };
}

/** `docker save | gzip`: layers are read from their places in the plain archive, so that is made once. */
async function plainArchive(path: string, { scratch, signal }: ArchiveChoice): Promise<Slice> {
  const file = wholeFile(path);
  if (compressionOf(file) === undefined) return file;
  const budget = new Budget(limitsFor(file.bytes));
  const counted = async function* () {
    for await (const chunk of unpacked(file)) {
      budget.bytes(chunk.length);
      yield chunk;
    }
  };
  await pipeline(counted, createWriteStream(scratch), { signal });
  return wholeFile(scratch);
}

/** Throws `ArchiveError`. */
export async function fromArchive(choice: ArchiveChoice): Promise<Image> {
  const { name, platform, signal } = choice;
  const archive = await plainArchive(choice.path, choice);
  const index = await indexTar(archive.path, archive, limitsFor(archive.bytes), signal);
  if (index.has('manifest.json')) return fromDocker(index, name, choice.path);
  if (!index.has('index.json'))
    throw new ArchiveError('the archive holds no image: neither manifest.json nor index.json');
  const read = (file: string) => index.find(file);
  return await fromLayout({ read, title: choice.path, platform, ...(name !== undefined && { name }) });
}
