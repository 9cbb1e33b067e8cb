// What a step's result depends on, as text to be hashed: the layer below (that very one, not one like it), what the step
// is, and what it will do. Two builds with the same text may share the result.
import type { BuildAction } from '../steps/state.ts';

/** Raised when layers of before must not be used any more. */
const KEY_FORMAT = 1;

export interface StepKey {
  /** Id of the layer below, or what the first one starts from. */
  readonly below: string;
  /** Digest of the step's part of the identity: files that it reads count here. */
  readonly identity: string;
  /** Planned without the caller's proxies: they say where bytes come from, not which. */
  readonly actions: readonly BuildAction[];
  /** Unique ids of the builds of other containers that the step takes files from. */
  readonly sources: readonly string[];
}

export function stepKeyText(key: StepKey): string {
  return JSON.stringify([KEY_FORMAT, key.below, key.identity, key.actions, key.sources]);
}

/** Containers that an action takes files from. */
export function sourcesOf(actions: readonly BuildAction[]): string[] {
  return actions.flatMap(action => {
    const { container } = action as { readonly container?: unknown };
    return typeof container === 'string' ? [container] : [];
  });
}
