// How a stack of layers looks as one tree: one directory at a time, so that nothing has to hold a whole image.

/** What a layer says about a name: a file of whatever type, a directory, or that it is gone (overlayfs: "whiteout"). */
export type LayerEntry = 'file' | 'directory' | 'whiteout';

/** A name of the merged directory and the layers it comes from, topmost first; a file has exactly one. */
export interface MergedEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory';
  /** Indices into the listings. */
  readonly from: readonly number[];
}

function mergeName(
  name: string,
  listings: readonly ReadonlyMap<string, LayerEntry>[],
): MergedEntry | undefined {
  const from: number[] = [];
  for (const [index, listing] of listings.entries()) {
    const entry = listing.get(name);
    if (entry === undefined) continue;
    if (entry === 'file' && from.length === 0) return { name, kind: 'file', from: [index] };
    // A file or a whiteout below a directory hides everything deeper.
    if (entry !== 'directory') break;
    from.push(index);
  }
  return from.length === 0 ? undefined : { name, kind: 'directory', from };
}

/** `listings`: of the same directory in each layer that has it, topmost first, ending with the first opaque one. */
export function mergeDirectory(listings: readonly ReadonlyMap<string, LayerEntry>[]): MergedEntry[] {
  const names = new Set(listings.flatMap(listing => [...listing.keys()]));
  return [...names].flatMap(name => mergeName(name, listings) ?? []);
}
