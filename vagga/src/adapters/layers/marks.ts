// How a layer says that a name of the layers below is gone, or that a directory hides them: as overlayfs does it, or, where the
// storage refuses its marks (it is an overlay itself, as in containers), by names as fuse-overlayfs and image archives do.
import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeWhiteout } from '@suite/shared/linux/whiteout.ts';
import { getXattr, setPathXattr } from '@suite/shared/linux/xattr.ts';
import { bytes } from './copy-file.ts';

export type Marks = 'overlayfs' | 'names';

/** In a directory of layers: the kind of marks that all of them have. */
const CHOICE = 'marks';
const OPAQUE = '.wh..wh..opq';
const PREFIX = '.wh.';

function tried(base: string): Marks {
  const trial = join(base, '.trial');
  rmSync(trial, { force: true });
  try {
    makeWhiteout(bytes(trial));
    rmSync(trial);
    return 'overlayfs';
  } catch {
    return 'names';
  }
}

function chosen(base: string): Marks | undefined {
  try {
    const text = readFileSync(join(base, CHOICE), 'utf8');
    return text === 'names' || text === 'overlayfs' ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Decided once, when the directory of layers is new. */
export function chooseMarks(base: string): Marks {
  if (chosen(base) === undefined) writeFileSync(join(base, CHOICE), tried(base), { flush: true });
  return marksOf(base);
}

export const marksOf = (base: string): Marks => chosen(base) ?? 'overlayfs';

/** What the name of an entry says; undefined: it is an ordinary one. */
export function namedMark(name: string): 'opaque' | { readonly gone: string } | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  return name === OPAQUE || name === '.wh..opq' ? 'opaque' : { gone: name.slice(PREFIX.length) };
}

export function isWhiteout(path: string): boolean {
  const stat = lstatSync(bytes(path));
  return stat.isCharacterDevice() && stat.rdev === 0;
}

export function isOpaque(directory: string, marks: Marks): boolean {
  if (marks === 'names') return existsSync(bytes(`${directory}/${OPAQUE}`));
  return ['trusted', 'user'].some(
    space => getXattr(bytes(directory), `${space}.overlay.opaque`)?.toString() === 'y',
  );
}

/** `path`: in a layer, of what is gone. */
export function markGone(path: string, marks: Marks): void {
  if (marks === 'overlayfs') makeWhiteout(bytes(path));
  else writeFileSync(bytes(`${dirname(path)}/${PREFIX}${path.slice(path.lastIndexOf('/') + 1)}`), '');
}

/** `space`: where overlayfs keeps its notes here. */
export function markOpaque(directory: string, marks: Marks, space: 'trusted' | 'user'): void {
  if (marks === 'names') writeFileSync(bytes(`${directory}/${OPAQUE}`), '');
  else setPathXattr(bytes(directory), `${space}.overlay.opaque`, Buffer.from('y'));
}
