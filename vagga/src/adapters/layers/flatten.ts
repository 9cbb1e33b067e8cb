// A stack of layers as one plain directory of hard links: the file system of a finished image.
import { type Dirent, linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { type LayerEntry, mergeDirectory } from '../../core/layers/merge.ts';
import { bytes, copyFile, dress, fromBytes } from './copy-file.ts';
import { isOpaque, isWhiteout, type Marks, namedMark } from './marks.ts';

function kindOf(directory: string, entry: Dirent): LayerEntry {
  if (entry.isDirectory()) return 'directory';
  return entry.isCharacterDevice() && isWhiteout(`${directory}/${entry.name}`) ? 'whiteout' : 'file';
}

function marksIn(entries: readonly Dirent[]): [string, LayerEntry][] {
  return entries.flatMap(({ name }): [string, LayerEntry][] => {
    const mark = namedMark(name);
    return mark === undefined || mark === 'opaque' ? [] : [[mark.gone, 'whiteout']];
  });
}

function listing(directory: string, marks: Marks): Map<string, LayerEntry> {
  const all = readdirSync(bytes(directory), { withFileTypes: true, encoding: 'latin1' });
  const entries = marks === 'names' ? all.filter(({ name }) => namedMark(name) === undefined) : all;
  const gone = marks === 'names' ? marksIn(all) : [];
  // What is there wins over a mark of the same name.
  return new Map([
    ...gone,
    ...entries.map((entry): [string, LayerEntry] => [entry.name, kindOf(directory, entry)]),
  ]);
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

function flattenInto(sources: readonly string[], target: string, marks: Marks, place: PlaceFile): void {
  const [top = ''] = sources;
  const opaque = sources.findIndex((source, index) => index < sources.length - 1 && isOpaque(source, marks));
  const visible = opaque < 0 ? sources : sources.slice(0, opaque + 1);
  for (const { name, kind, from } of mergeDirectory(visible.map(source => listing(source, marks)))) {
    const paths = from.map(index => `${visible[index]}/${name}`);
    const place1 = `${target}/${name}`;
    if (kind === 'file') place(paths[0] as string, place1);
    else {
      mkdirSync(bytes(place1));
      flattenInto(paths, place1, marks, place);
    }
  }
  dress(top, target);
}

/**
 * `layers`: directories, bottom first. `target` must not exist. A file keeps being the same inode as in its layer, so nobody may
 * ever write into one in place: runs see images read-only, writable copies are copies.
 */
export function flatten(
  layers: readonly string[],
  target: string,
  marks: Marks,
  place: PlaceFile = linkFile,
): void {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  flattenInto([...layers].reverse().map(fromBytes), fromBytes(target), marks, place);
}
