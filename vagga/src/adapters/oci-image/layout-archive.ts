// An image in one tar file: a layout, as `skopeo copy … oci-archive:` and `podman load` read it, or what `docker save` writes.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type BlobDescriptor, dockerManifestText } from '../../core/oci/compose.ts';
import { writeCompressed } from '../archive/compress.ts';
import type { Found } from '../archive/tree-entries.ts';
import { tarBytes } from '../archive/write-tar.ts';
import { writeWholeFile } from '../storage/whole-file.ts';
import type { Composed } from './compose-layout.ts';

/** Owners and times of the file are those of who made it just now. */
function member(path: string, name: string): Found {
  const stat = statSync(path);
  const common = { uid: 0, gid: 0, mtimeS: 0, target: '', xattrs: {} };
  const own = stat.isFile()
    ? ({ type: 'file', name, mode: 0o644, sizeBytes: stat.size } as const)
    : ({ type: 'directory', name: `${name}/`, mode: 0o755, sizeBytes: 0 } as const);
  return { entry: { ...own, ...common }, path: Buffer.from(path).toString('latin1') };
}

async function write(members: Iterable<Found>, file: string, signal: AbortSignal): Promise<void> {
  await writeWholeFile(file, sink => writeCompressed(tarBytes(members), 'none', sink, signal));
}

function* layoutMembers(directory: string): Generator<Found> {
  for (const name of ['oci-layout', 'index.json', 'blobs', 'blobs/sha256'])
    yield member(join(directory, name), name);
  for (const name of readdirSync(join(directory, 'blobs/sha256')).sort())
    yield member(join(directory, 'blobs/sha256', name), `blobs/sha256/${name}`);
}

export async function archiveLayout(directory: string, file: string, signal: AbortSignal): Promise<void> {
  await write(layoutMembers(directory), file, signal);
}

const hexOf = ({ digest }: BlobDescriptor): string => digest.slice('sha256:'.length);

/** The layers are not compressed: every reader of this format takes them so. Equal ones are there once. */
export async function archiveForDocker(
  { config, layers, blobs }: Composed,
  tag: string,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const paths = { config: `${hexOf(config)}.json`, layers: layers.map(layer => `${hexOf(layer)}.tar`) };
  const manifest = blobs.text(dockerManifestText(tag, paths), 'application/json');
  const members = new Map([
    ['manifest.json', manifest],
    [paths.config, config],
    ...layers.map((layer, index) => [paths.layers[index] as string, layer] as const),
  ]);
  const found = [...members].map(([name, blob]) => member(blobs.path(blob.digest), name));
  await write(found, file, signal);
}
