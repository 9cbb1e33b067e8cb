import { Composer, type CST, type ParsedNode, Parser } from 'yaml';
import type { Diagnostic } from '../schema/diagnostic.ts';
import { utf8Length, type YamlLimits } from './limits.ts';
import type { Lines } from './lines.ts';

/** Failsafe: every scalar stays text. Keys are compared and merged by us, since `-`/`_`, tags and positions matter. */
const COMPOSER_OPTIONS = {
  schema: 'failsafe',
  uniqueKeys: false,
  merge: false,
  keepSourceTokens: false,
  prettyErrors: false,
  logLevel: 'silent',
} as const;

export type Syntax = { readonly root: ParsedNode | null } | { readonly errors: readonly Diagnostic[] };

/** Text → the library's tree, checked for size and depth before anything recursive runs over it. */
export function readSyntax(text: string, file: string, lines: Lines, limits: YamlLimits): Syntax {
  const fail = (code: string, message: string, start: number, end = start, params = {}): Syntax => ({
    errors: [{ code, severity: 'error', message, file, ...lines.span(start, end), params }],
  });
  if (utf8Length(text) > limits.bytes) {
    return fail('limit', `the file is larger than ${limits.bytes} bytes`, 0, 0, { limit: 'bytes' });
  }
  const tokens = [...new Parser().parse(text)];
  const excess = findExcess(tokens, limits);
  if (excess !== undefined)
    return fail('limit', excess.message, excess.offset, excess.offset, { limit: excess.limit });
  const documents = [...new Composer(COMPOSER_OPTIONS).compose(tokens, true, text.length)];
  // Later errors are mostly echoes of the first one.
  const error = documents.flatMap(document => document.errors)[0];
  if (error !== undefined) {
    const code = error.code === 'TAG_RESOLVE_FAILED' ? 'bad-tag' : 'syntax';
    return fail(code, sentence(error.message), error.pos[0], error.pos[1], { reason: error.code });
  }
  const second = documents[1];
  if (second !== undefined) {
    const reason = { reason: 'MULTIPLE_DOCS' };
    return fail(
      'syntax',
      'one file holds one document: a second one starts here',
      second.range[0],
      undefined,
      reason,
    );
  }
  return { root: documents[0]?.contents ?? null };
}

function sentence(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

interface Excess {
  readonly message: string;
  readonly offset: number;
  readonly limit: string;
}

/** Walks the concrete syntax with a stack of its own: `[[[[…` must not reach the library's recursive composer. */
function findExcess(tokens: readonly CST.Token[], limits: YamlLimits): Excess | undefined {
  const stack = tokens.map(token => ({ token, depth: 0 }));
  let nodes = 0;
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { token, depth } = next;
    if (++nodes > limits.nodes) return tooMany(token.offset, limits);
    if (depth > limits.depth) {
      return {
        message: `collections are nested deeper than ${limits.depth}`,
        offset: token.offset,
        limit: 'depth',
      };
    }
    for (const child of children(token)) stack.push({ token: child, depth: depth + 1 });
  }
  return undefined;
}

function tooMany(offset: number, limits: YamlLimits): Excess {
  return { message: `the file has more than ${limits.nodes} values`, offset, limit: 'nodes' };
}

function children(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!('items' in token)) return [];
  return token.items
    .flatMap(item => [item.key, item.value])
    .filter(child => child !== undefined && child !== null);
}
