import { Composer, type CST, Lexer, type ParsedNode } from 'yaml';
import type { Diagnostic } from '../schema/diagnostic.ts';
import { utf8Length, type YamlLimits } from './limits.ts';
import type { Lines } from './lines.ts';
import { Tokens } from './tokens.ts';

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
  const tokens = new Tokens();
  const size = tokenise(text, limits, tokens);
  const excess =
    'message' in size ? size : isSmall(size, limits) ? undefined : findExcess(tokens.found, limits);
  if (excess !== undefined)
    return fail('limit', excess.message, excess.offset, excess.offset, { limit: excess.limit });
  const documents = withoutStacks(() => [
    ...new Composer(COMPOSER_OPTIONS).compose(tokens.found, true, text.length),
  ]);
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

/** The library makes an exception of each of thousands of errors, and their stacks, which nobody reads, cost most of it. */
function withoutStacks<T>(work: () => T): T {
  const errors = Error as { stackTraceLimit?: number };
  const before = errors.stackTraceLimit;
  errors.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    if (before !== undefined) errors.stackTraceLimit = before;
  }
}

function sentence(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

interface Excess {
  readonly message: string;
  readonly offset: number;
  readonly limit: string;
}

/** A level of nesting takes at most this many places on the parser's stack: a collection and what waits for its value. */
const STACK_PER_LEVEL = 4;

interface Size {
  /** Pieces of text: no fewer than values. */
  readonly lexemes: number;
  /** Of the parser: no lower than the deepest collection. */
  readonly stack: number;
}

/** Nothing of that size can be beyond a limit, so nobody has to count. */
function isSmall({ lexemes, stack }: Size, limits: YamlLimits): boolean {
  return lexemes <= limits.nodes && stack <= limits.depth;
}

/**
 * Appends the library's tokens to `tokens`; answers where its stack grew far beyond any allowed depth: a hundred thousand brackets would keep it
 * busy for a quarter of a second. What comes close is left to the exact count.
 */
function tokenise(text: string, limits: YamlLimits, tokens: Tokens): Excess | Size {
  const highest = (limits.depth + 1) * STACK_PER_LEVEL;
  let lexemes = 0;
  let stack = 0;
  for (const lexeme of new Lexer().lex(text)) {
    tokens.take(lexeme);
    lexemes++;
    stack = Math.max(stack, tokens.height);
    if (stack > highest) return tooDeep(tokens.offset, limits);
  }
  tokens.end();
  return { lexemes, stack };
}

function tooDeep(offset: number, limits: YamlLimits): Excess {
  return { message: `collections are nested deeper than ${limits.depth}`, offset, limit: 'depth' };
}

/** Walks the concrete syntax with a stack of its own: `[[[[…` must not reach the library's recursive composer. */
function findExcess(tokens: readonly CST.Token[], limits: YamlLimits): Excess | undefined {
  const stack: CST.Token[] = [...tokens];
  const depths = stack.map(() => 0);
  let nodes = 0;
  for (let token = stack.pop(); token !== undefined; token = stack.pop()) {
    const depth = depths.pop() ?? 0;
    if (++nodes > limits.nodes) return tooMany(token.offset, limits);
    if (depth > limits.depth) return tooDeep(token.offset, limits);
    const before = stack.length;
    pushChildren(token, stack);
    for (let index = before; index < stack.length; index++) depths.push(depth + 1);
  }
  return undefined;
}

function tooMany(offset: number, limits: YamlLimits): Excess {
  return { message: `the file has more than ${limits.nodes} values`, offset, limit: 'nodes' };
}

function pushChildren(token: CST.Token, stack: CST.Token[]): void {
  if (token.type === 'document') {
    if (token.value !== undefined) stack.push(token.value);
    return;
  }
  if (!('items' in token)) return;
  for (const { key, value } of token.items) {
    if (key !== undefined && key !== null) stack.push(key);
    if (value !== undefined) stack.push(value);
  }
}
