// Errors of configs in the words and the layout of the format (§1.1): one per line, our hint below.
import type { Diagnostic } from '@suite/shared/schema/index.ts';

const KINDS: Readonly<Record<string, string>> = {
  'minimum-vagga': 'Minimum Vagga Error',
  merge: 'Preprocess Error',
  unpack: 'Preprocess Error',
  include: 'Preprocess Error',
  syntax: 'Parse Error',
  limit: 'Parse Error',
  'duplicate-key': 'Parse Error',
  'bad-key': 'Parse Error',
  'bad-tag': 'Parse Error',
  'unknown-alias': 'Parse Error',
};

const PATH_TEXTS: Readonly<Record<string, string>> = {
  empty: 'Path expected',
  absolute: 'Path must be absolute',
  relative: 'Path must not be absolute',
  parent: 'The /../ is not allowed in path',
};

type Params = NonNullable<Diagnostic['params']>;

const quoted = (words: readonly string[]) => words.map(word => JSON.stringify(word)).join(', ');

const WORDS: Readonly<Record<string, (params: Params) => string | undefined>> = {
  'unknown-key': ({ key }) => `Keys {${JSON.stringify(key)}} are not expected`,
  'missing-field': ({ field }) => `Field ${String(field)} is expected`,
  'unknown-tag': ({ tag }) => `The tag ${String(tag)} is not expected`,
  'tag-expected': ({ tags }) => `One of the tags [${quoted(tags as readonly string[])}] expected`,
  'wrong-type': ({ expected }) => `Value must be ${String(expected)}`,
  bool: ({ text }) => `bad boolean ${JSON.stringify(text)}`,
  range: ({ rule, requirement }) => {
    if (rule === 'min_value') return `Value must be at least ${String(requirement)}`;
    return rule === 'max_value' ? `Value must be at most ${String(requirement)}` : undefined;
  },
  path: ({ reason }) => PATH_TEXTS[String(reason)],
};

function messageOf({ code, message, params }: Diagnostic): string {
  return (params === undefined ? undefined : WORDS[code]?.(params)) ?? message;
}

/** There are 48 steps: nobody reads such a line. */
function knownTags(hint: string): string {
  return hint.length > 200 ? 'the known tags are in docs/config.md' : hint;
}

/** Every line starts `PATH:LINE:COL: KIND: `; an empty line follows the block. */
export function formatErrors(errors: readonly Diagnostic[]): string {
  const lines = errors.map(error => {
    const { file, line, column, code } = error;
    const hint = error.hint?.startsWith('known tags: ') ? knownTags(error.hint) : error.hint;
    const head = `${file}:${line}:${column}: ${KINDS[code] ?? 'Validation Error'}: ${messageOf(error)}`;
    return hint === undefined ? head : `${head}\n    ${hint}`;
  });
  return `${lines.join('\n')}\n\n`;
}
