// A stack of layers as one plain directory of hard links: the file system of a finished image.
import { type Dirent, linkSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { getXattr } from '@suite/shared/linux/xattr.ts';
import { type LayerEntry, mergeDirectory } from '../../core/layers/merge.ts';
import { bytes, copyFile, dress, fromBytes } from './copy-file.ts';

function isWhiteout(path: string): boolean {
  const stat = lstatSync(bytes(path));
  return stat.isCharacterDevice() && stat.rdev === 0;
}

function isOpaque(directory: string): boolean {
  return ['trusted', 'user'].some(
    space => getXattr(bytes(directory), `${space}.overlay.opaque`)?.toString() === 'y',
  );
}

function kindOf(directory: string, entry: Dirent): LayerEntry {
  if (entry.isDirectory()) return 'directory';
  return entry.isCharacterDevice() && isWhiteout(`${directory}/${entry.name}`) ? 'whiteout' : 'file';
}

function listing(directory: string): Map<string, LayerEntry> {
  const entries = readdirSync(bytes(directory), { withFileTypes: true, encoding: 'latin1' });
  return new Map(entries.map(entry => [entry.name, kindOf(directory, entry)]));
}

/** A file system without hard links between the two places, or a file that has as many as fit. */
const CANNOT_LINK = new Set(['EXDEV', 'EMLINK', 'EPERM']);

function linkFile(source: string, target: string): void {
  try {
    linkSync(bytes(source), bytes(target));
  } catch (error) {
    if (!CANNOT_LINK.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    copyFile(source, target);
  }
}

export type PlaceFile = (source: string, target: string) => void;

function flattenInto(sources: readonly string[], target: string, place: PlaceFile): void {
  const [top = ''] = sources;
  const opaque = sources.findIndex((source, index) => index < sources.length - 1 && isOpaque(source));
  const visible = opaque < 0 ? sources : sources.slice(0, opaque + 1);
  for (const { name, kind, from } of mergeDirectory(visible.map(listing))) {
    const paths = from.map(index => `${visible[index]}/${name}`);
    const place1 = `${target}/${name}`;
    if (kind === 'file') place(paths[0] as string, place1);
    else {
      mkdirSync(bytes(place1));
      flattenInto(paths, place1, place);
    }
  }
  dress(top, target);
}

/**
 * `layers`: directories, bottom first. `target` must not exist. A file keeps being the same inode as in its layer, so nobody may
 * ever write into one in place: runs see images read-only, writable copies are copies.
 */
export function flatten(layers: readonly string[], target: string, place: PlaceFile = linkFile): void {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  flattenInto([...layers].reverse().map(fromBytes), fromBytes(target), place);
}
