// `--only` and `--exclude` of a supervise command: names or tags.
import type { RunCommand } from '../../config/model.ts';
import { type Given, has, valuesOf } from '../options/parse.ts';

type Children = Readonly<Record<string, RunCommand>>;

export interface Selection {
  readonly only?: readonly string[];
  readonly exclude?: readonly string[];
  readonly logPrefix: boolean;
}

/** An option that was given without a name selects nothing, which is not the same as an absent one. */
export function selectionOf(given: readonly Given[]): Selection {
  return {
    ...(has(given, 'only') && { only: valuesOf(given, 'only') }),
    ...(has(given, 'exclude') && { exclude: valuesOf(given, 'exclude') }),
    logPrefix: !has(given, 'no-log-prefix'),
  };
}

/** Names of the children to run, sorted: the order in which they start and get their colours. */
export function selectChildren(children: Children, { only, exclude }: Selection): string[] {
  const matches = (name: string, wanted: readonly string[]) =>
    wanted.some(word => word === name || children[name]?.tags.includes(word));
  return Object.keys(children)
    .sort()
    .filter(name => (only !== undefined ? matches(name, only) : !matches(name, exclude ?? [])));
}
