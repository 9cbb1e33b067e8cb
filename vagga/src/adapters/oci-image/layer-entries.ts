// A layer of the step cache as the entries of an image's layer: what it removes is said by names, not by marks of overlayfs.
import type { Entry } from '../../core/archive/entry.ts';
import { type Found, TreeEntries, type TreeOptions } from '../archive/tree-entries.ts';
import { isOpaque, type Marks } from '../layers/marks.ts';

const OPAQUE = '.wh..wh..opq';
const GONE = '.wh.';

const isMark = ({ type, device }: Entry): boolean =>
  type === 'character-device' && device?.major === 0 && device.minor === 0;

function markNamed(name: string, path: string): Found {
  const plain = { mode: 0o644, uid: 0, gid: 0, mtimeS: 0, sizeBytes: 0, target: '', xattrs: {} };
  return { entry: { name, type: 'file', ...plain }, path };
}

function gone({ entry: { name }, path }: Found): Found {
  const slash = name.lastIndexOf('/') + 1;
  return markNamed(`${name.slice(0, slash)}${GONE}${name.slice(slash)}`, path);
}

/** `directory`: of a layer, or of a whole root. */
export function* layerEntries(directory: string, marks: Marks, options: TreeOptions): Generator<Found> {
  for (const found of new TreeEntries(options).below(directory)) {
    const { entry, path } = found;
    if (marks === 'overlayfs' && isMark(entry)) yield gone(found);
    else yield found;
    const hides = marks === 'overlayfs' && entry.type === 'directory' && isOpaque(path, marks);
    if (hides) yield markNamed(`${entry.name === './' ? '' : entry.name}${OPAQUE}`, path);
  }
}
