// Errors of configs in the words, the layout and the order of the format (§1.1): one per line, our hint below.
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import type { AnySchema } from '@suite/shared/schema/shape.ts';
import { keyHint, tagHint } from './other-words.ts';
import { snake } from './spelling.ts';
import { valuePath } from './value-path.ts';

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

/** What is wrong with single characters, not with their order. */
const TOKENS = ['BAD_DQ_ESCAPE', 'BAD_SCALAR_START', 'TAB_AS_INDENT'];

const PATH_TEXTS: Readonly<Record<string, string>> = {
  empty: 'Path expected',
  absolute: 'Path must be absolute',
  relative: 'Path must not be absolute',
  parent: 'The /../ is not allowed in path',
};

type Params = NonNullable<Diagnostic['params']>;

const quoted = (words: readonly string[]) => words.map(word => JSON.stringify(word)).join(', ');
const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

const WORDS: Readonly<Record<string, (params: Params) => string | undefined>> = {
  'unknown-key': ({ key }) => `Keys {${JSON.stringify(key)}} are not expected`,
  'missing-field': ({ field }) => `Field ${String(field)} is expected`,
  'unknown-tag': ({ tag }) => `The tag ${String(tag)} is not expected`,
  'tag-expected': ({ tags }) => `One of the tags [${quoted(tags as readonly string[])}] expected`,
  'wrong-type': ({ expected, found }) =>
    expected === 'null'
      ? `Null expected, ${capital(String(found))} found`
      : `Value must be ${String(expected)}`,
  'duplicate-key': ({ key }) => `Duplicate key ${JSON.stringify(key)}`,
  'unknown-alias': ({ alias }) => `Unknown alias ${JSON.stringify(alias)}`,
  bool: ({ text }) => `bad boolean ${JSON.stringify(text)}`,
  number: ({ text }) => `number error: ${JSON.stringify(text)} is no whole number`,
  range: ({ rule, requirement }) => {
    if (rule === 'min_value') return `Value must be at least ${String(requirement)}`;
    return rule === 'max_value' ? `Value must be at most ${String(requirement)}` : undefined;
  },
  path: ({ reason }) => PATH_TEXTS[String(reason)],
};

function messageOf({ code, message, params }: Diagnostic): string {
  return (params === undefined ? undefined : WORDS[code]?.(params)) ?? message;
}

function kindOf({ code, params }: Diagnostic): string {
  if (code === 'decode') return `Decode error at ${String(params?.path)}`;
  if (code === 'wrong-type' && params?.expected === 'null') return 'Parse Error';
  const reason = params?.reason;
  if (code === 'syntax' && TOKENS.some(token => token === reason)) return 'Tokenizer Error';
  return KINDS[code] ?? 'Validation Error';
}

/** A name in a message may hold a line break. */
const onOneLine = (text: string): string => text.replace(/[\r\n]+/g, ' ');

const lineOf = (error: Diagnostic): string =>
  onOneLine(`${error.file}:${error.line}:${error.column}: ${kindOf(error)}: ${messageOf(error)}`);

/** There are 54 steps: nobody reads such a line. */
const short = (hint: string): string =>
  hint.startsWith('known tags: ') && hint.length > 200 ? 'the known tags are in docs/steps.md' : hint;

const FORMS: Readonly<Record<string, string>> = {
  'sequence scalar': 'a list is written [one, two], or as lines that begin with "- "',
  'mapping sequence': 'a mapping is written {NAME: value}, or as lines NAME: value',
  'mapping scalar': 'a mapping is written {NAME: value}, or as lines NAME: value',
};

/** How the wanted kind of value looks. */
function formHint({ code, params }: Diagnostic): string | undefined {
  if (code === 'wrong-type') return FORMS[`${String(params?.expected)} ${String(params?.found)}`];
  const tags = code === 'tag-expected' ? (params?.tags as readonly string[]) : [];
  return tags.includes('Supervise')
    ? 'a program in a container is a !Command, several together are a !Supervise'
    : undefined;
}

/** A word that other tools have for the thing says more than a similar word. */
function hintOf(error: Diagnostic): string | undefined {
  const { code, params, hint = formHint(error) } = error;
  if (code === 'unknown-key') return keyHint(String(params?.key)) ?? hint;
  const tags = code === 'unknown-tag' ? (params?.tags as readonly string[]) : [];
  return tagHint(String(params?.tag), tags) ?? (hint === undefined ? undefined : short(hint));
}

function hintLine(error: Diagnostic): string {
  const hint = hintOf(error);
  return hint === undefined ? '' : `\n    ${onOneLine(hint)}`;
}

/** Every line starts `PATH:LINE:COL: KIND: `; an empty line follows the block. */
export function formatErrors(errors: readonly Diagnostic[]): string {
  return `${errors.map(error => `${lineOf(error)}${hintLine(error)}`).join('\n')}\n\n`;
}

/** What makes a valid tree no project: older programs say only the first of these, and last. */
function decodeText({ code, params }: Diagnostic): string | undefined {
  if (code === 'missing-field') return `missing field \`${snake(String(params?.field))}\``;
  return code === 'bool' ? `bad boolean ${JSON.stringify(params?.text)}` : undefined;
}

/**
 * Errors of `decode` in the order of the format. The first that stops decoding comes last, in its own words; only a missing field is
 * a validation error too.
 */
export function ordered(schema: AnySchema, errors: readonly Diagnostic[]): Diagnostic[] {
  const first = errors.find(error => decodeText(error) !== undefined);
  if (first === undefined) return [...errors];
  const { hint: _, ...rest } = first;
  const path = valuePath(schema, first.path ?? []);
  const last = { ...rest, code: 'decode', message: decodeText(first) as string, params: { path } };
  return [...errors.filter(error => error !== first || first.code === 'missing-field'), last];
}
