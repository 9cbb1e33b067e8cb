// What a step's result depends on, as text to be hashed: the layer below (that very one, not one like it), what the step
// is, and what it will do. Two builds with the same text may share the result.
import { isProjectPath } from '../image/project-path.ts';
import type { Mounts } from '../steps/mounts.ts';
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

/** With the actions of sub-steps in place of those. */
function flat(actions: readonly BuildAction[]): readonly BuildAction[] {
  return actions.flatMap(action => (action.kind === 'sub-step' ? flat(action.actions) : [action]));
}

function containersOf(action: BuildAction): string[] {
  const { container, caches = {} } = action as { readonly container?: unknown; readonly caches?: Mounts };
  const shown = Object.values(caches).flatMap(what => (typeof what === 'string' ? [] : [what.container]));
  return typeof container === 'string' ? [container, ...shown] : shown;
}

/** Containers that actions take files from. */
export function sourcesOf(actions: readonly BuildAction[]): string[] {
  return flat(actions).flatMap(containersOf);
}

/** Archives of the project and of external volumes that an action reads: only their addresses are part of the identity. */
export function localFilesOf(actions: readonly BuildAction[]): string[] {
  return flat(actions).flatMap(action => {
    const { url } = action as { readonly url?: unknown };
    return typeof url === 'string' && /^(\.|\/volumes\/)/.test(url) ? [url] : [];
  });
}

/** Files that go to the project are not in the layer: taking it from the cache would not bring them back. */
export function leavesTheImage(actions: readonly BuildAction[]): boolean {
  return flat(actions).some(
    action => (action.kind === 'download' || action.kind === 'unpack') && isProjectPath(action.path),
  );
}
