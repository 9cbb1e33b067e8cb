// Which children of a supervise command run, and in which order: `--only` and `--exclude` name them or their tags.
import type { ChildCommand, Life } from '../../config/model.ts';
import { type Given, has, valuesOf } from '../options/parse.ts';
import type { ChildOptions } from './child.ts';

type Children = Readonly<Record<string, ChildCommand>>;

export interface Selection {
  readonly only?: readonly string[];
  readonly exclude?: readonly string[];
  readonly logPrefix: boolean;
  readonly timestamps: boolean;
}

/** An option that was given without a name selects nothing, which is not the same as an absent one. */
export function selectionOf(given: readonly Given[]): Selection {
  return {
    ...(has(given, 'only') && { only: valuesOf(given, 'only') }),
    ...(has(given, 'exclude') && { exclude: valuesOf(given, 'exclude') }),
    logPrefix: !has(given, 'no-log-prefix'),
    timestamps: has(given, 'timestamps'),
  };
}

/** Children in a network of their own come after those of the host's, those of the bridge last. */
function rank({ bridge, network }: ChildCommand): number {
  if (bridge) return 2;
  return network === undefined ? 0 : 1;
}

/** Names of the children to run, in the order in which they start as far as `after` says nothing else. */
export function selectChildren(
  children: Children,
  { only, exclude }: Pick<Selection, 'only' | 'exclude'>,
): string[] {
  const matches = (name: string, wanted: readonly string[]) =>
    wanted.some(word => word === name || children[name]?.tags.includes(word));
  const rankOf = (name: string) => rank(children[name] as ChildCommand);
  return Object.keys(children)
    .sort()
    .sort((a, b) => rankOf(a) - rankOf(b))
    .filter(name => (only !== undefined ? matches(name, only) : !matches(name, exclude ?? [])));
}

const READY = { Log: 'checked', Tcp: 'checked', Http: 'checked', Exec: 'checked', Exit: 'ended' } as const;

export function childOptions(child: Life & { readonly after?: readonly string[] }): ChildOptions {
  const { after = [], ready, restart, restartBackoffMax, maxRestarts, stopSignal } = child;
  return {
    after,
    ready: ready === undefined ? 'started' : READY[ready.tag],
    restart,
    restartBackoffMaxS: restartBackoffMax,
    maxRestarts,
    stopSignal,
  };
}
