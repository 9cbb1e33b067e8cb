// Variables that the command line sets: `--env-file`, `-e`, `-E`, each over the one before.

type Variables = Readonly<Record<string, string | undefined>>;

export type Assigned =
  | { readonly ok: true; readonly variables: Variables }
  | { readonly ok: false; readonly message: string };

const CANNOT_HAVE_EQUALS =
  "Error propagating environment: Environment variable name (for option `-e`/`--use-env`) can't contain equals `=` " +
  'character. To set key-value pair use `-E`/`--environ` option';

/** Lines NAME=VALUE; blank ones and those that start with `#` are skipped. The line that is neither, or the variables. */
export function parseVariables(text: string): Record<string, string> | number {
  const variables: Record<string, string> = {};
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const equals = line.indexOf('=');
    if (equals < 1) return index + 1;
    variables[line.slice(0, equals).trim()] = line.slice(equals + 1).replace(/\r$/, '');
  }
  return variables;
}

function copiedFrom(caller: Variables, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map(name => [name, caller[name] ?? '']));
}

/** Without `=` a variable is taken away. */
function written(assignments: readonly string[]): Variables {
  return Object.fromEntries(
    assignments.map(text => {
      const equals = text.indexOf('=');
      return equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

export interface AssignedParts {
  readonly caller: Variables;
  /** Name and text of each `--env-file`, in their order. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly copied: readonly string[];
  readonly assigned: readonly string[];
}

export function assignedVariables({ caller, files, copied, assigned }: AssignedParts): Assigned {
  if (copied.some(name => name.includes('='))) return { ok: false, message: CANNOT_HAVE_EQUALS };
  let variables: Variables = {};
  for (const { name, text } of files) {
    const parsed = parseVariables(text);
    if (typeof parsed === 'number')
      return { ok: false, message: `${name}:${parsed}: error: write NAME=VALUE, or # in front of a comment` };
    variables = { ...variables, ...parsed };
  }
  return { ok: true, variables: { ...variables, ...copiedFrom(caller, copied), ...written(assigned) } };
}
