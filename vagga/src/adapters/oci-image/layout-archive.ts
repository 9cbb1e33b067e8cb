// An image layout as one tar file, as `skopeo copy … oci-archive:` and `podman load` read it.
import { createWriteStream, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeCompressed } from '../archive/compress.ts';
import type { Found } from '../archive/tree-entries.ts';
import { tarBytes } from '../archive/write-tar.ts';

/** Owners and times of the directory are those of who made it just now. */
function member(directory: string, name: string): Found {
  const path = Buffer.from(join(directory, name)).toString('latin1');
  const stat = statSync(join(directory, name));
  const isFile = stat.isFile();
  const common = { uid: 0, gid: 0, mtimeS: 0, target: '', xattrs: {} };
  const own = isFile
    ? ({ type: 'file', name, mode: 0o644, sizeBytes: stat.size } as const)
    : ({ type: 'directory', name: `${name}/`, mode: 0o755, sizeBytes: 0 } as const);
  return { entry: { ...own, ...common }, path };
}

function* members(directory: string): Generator<Found> {
  for (const name of ['oci-layout', 'index.json', 'blobs', 'blobs/sha256']) yield member(directory, name);
  for (const name of readdirSync(join(directory, 'blobs/sha256')).sort())
    yield member(directory, `blobs/sha256/${name}`);
}

/** `file` appears whole or not at all. */
export async function archiveLayout(directory: string, file: string): Promise<void> {
  const unfinished = `${file}.new`;
  try {
    await writeCompressed(tarBytes(members(directory)), 'none', createWriteStream(unfinished));
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}
