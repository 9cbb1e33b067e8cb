// `--only` and `--exclude` of a supervise command: names or tags.
import type { RunCommand } from '../../config/model.ts';

type Children = Readonly<Record<string, RunCommand>>;

export interface Selection {
  readonly only?: readonly string[];
  readonly exclude?: readonly string[];
  readonly logPrefix: boolean;
}

export type SelectionResult =
  | { readonly ok: true; readonly selection: Selection }
  | { readonly ok: false; readonly message: string };

/** Each list option takes all following words up to the next one that starts with `-`. */
export function parseSelection(words: readonly string[]): SelectionResult {
  const lists: Record<string, string[]> = {};
  let logPrefix = true;
  let current: string[] | undefined;
  for (const word of words) {
    if (word === '--no-log-prefix') logPrefix = false;
    else if (word === '--only' || word === '--exclude') current = lists[word.slice(2)] ??= [];
    else if (word.startsWith('-')) return { ok: false, message: `Unknown option ${word}` };
    else if (current === undefined) return { ok: false, message: `Unexpected argument ${word}` };
    else current.push(word);
  }
  return { ok: true, selection: { ...lists, logPrefix } };
}

/** Names of the children to run, sorted: the order in which they start and get their colours. */
export function selectChildren(children: Children, { only, exclude }: Selection): string[] {
  const matches = (name: string, wanted: readonly string[]) =>
    wanted.some(word => word === name || children[name]?.tags.includes(word));
  return Object.keys(children)
    .sort()
    .filter(name => (only !== undefined ? matches(name, only) : !matches(name, exclude ?? [])));
}
