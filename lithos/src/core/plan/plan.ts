// desired × known → named actions. The supervisor carries them out, `lithos_check --plan` prints the very same.

import { identityChanges } from './changes.ts';

export type Action =
  /** Configured, nothing known: start now. */
  | { readonly kind: 'start'; readonly name: string }
  /** Left running by an earlier supervisor and as configured: nothing is sent to it. */
  | { readonly kind: 'adopt'; readonly name: string }
  /** Under supervision and as configured. */
  | { readonly kind: 'keep'; readonly name: string }
  /** Configured differently: stop, then start the new one. */
  | { readonly kind: 'replace'; readonly name: string; readonly changes: readonly string[] }
  /** Not configured any more: stop. */
  | { readonly kind: 'retire'; readonly name: string };

export interface Known {
  /** Identity of the current run; undefined while nothing runs (waiting for its next start). */
  readonly identity: string | undefined;
  /** False for what was found on disk and is not in our table yet. */
  readonly supervised: boolean;
}

function actionFor(name: string, identity: string, known: Known | undefined): Action {
  if (known === undefined) return { kind: 'start', name };
  if (known.identity !== undefined && known.identity !== identity)
    return { kind: 'replace', name, changes: identityChanges(known.identity, identity) };
  return { kind: known.supervised ? 'keep' : 'adopt', name };
}

/** Names sorted; what is to be stopped comes first, so that it frees memory for what starts. */
export function plan(desired: ReadonlyMap<string, string>, known: ReadonlyMap<string, Known>): Action[] {
  const retired = [...known.keys()].filter(name => !desired.has(name)).sort();
  return [
    ...retired.map((name): Action => ({ kind: 'retire', name })),
    ...[...desired.keys()].sort().map(name => actionFor(name, desired.get(name) as string, known.get(name))),
  ];
}

const WORDS: Readonly<Record<Action['kind'], string>> = {
  start: 'starts',
  adopt: 'is adopted, untouched',
  keep: 'stays as it is',
  replace: 'is stopped, then started with its new configuration',
  retire: 'is stopped: not configured any more',
};

export function describeAction(action: Action): string {
  const changes =
    action.kind === 'replace' && action.changes.length > 0 ? `: ${action.changes.join(', ')}` : '';
  return `${action.name} ${WORDS[action.kind]}${changes}`;
}
