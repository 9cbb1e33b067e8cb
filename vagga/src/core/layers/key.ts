// What a step's result depends on, as text to be hashed: the layer below (that very one, not one like it), what the step
// is, and what it will do. Two builds with the same text may share the result.
import { isProjectPath } from '../image/project-path.ts';
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
  /** Unique ids of the builds of other containers that the step takes files from, and stamps of archives it reads. */
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

/** Archives of the project and of external volumes that an action reads: only their addresses are part of the identity. */
export function localFilesOf(actions: readonly BuildAction[]): string[] {
  return actions.flatMap(action => {
    const { url } = action as { readonly url?: unknown };
    return typeof url === 'string' && /^(\.|\/volumes\/)/.test(url) ? [url] : [];
  });
}

/** Files that go to the project are not in the layer: taking it from the cache would not bring them back. */
export function leavesTheImage(actions: readonly BuildAction[]): boolean {
  return actions.some(
    action => (action.kind === 'download' || action.kind === 'unpack') && isProjectPath(action.path),
  );
}
