// Which layers the step cache gives up: those nobody has used for long, then the least recently used until the rest fits.

export interface LayerUse {
  readonly id: string;
  readonly sizeBytes: number;
  /** A layer counts as used whenever one above it is. */
  readonly lastUseMs: number;
  /** Layers below it. */
  readonly depth: number;
}

export interface CacheLimits {
  readonly sizeBytes: number;
  readonly ageMs: number;
  /** Used more recently than this: a build that has just started may count on it. */
  readonly graceMs: number;
}

/** The one nobody needs first. Of a chain used at one time the top goes first: nothing below depends on it. */
const oldestFirst = (a: LayerUse, b: LayerUse) => a.lastUseMs - b.lastUseMs || b.depth - a.depth;

/** Ids to remove, in that order. */
export function collectLayers(layers: readonly LayerUse[], limits: CacheLimits, nowMs: number): string[] {
  let total = layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const gone: string[] = [];
  for (const layer of [...layers].sort(oldestFirst)) {
    const unusedMs = nowMs - layer.lastUseMs;
    if (unusedMs < limits.graceMs || (unusedMs < limits.ageMs && total <= limits.sizeBytes)) continue;
    gone.push(layer.id);
    total -= layer.sizeBytes;
  }
  return gone;
}
