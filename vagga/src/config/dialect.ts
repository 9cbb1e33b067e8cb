// The YAML of the format (§1.1) on top of the suite's: what older files may hold that standard YAML refuses, and the order of errors.
import type { Diagnostic } from '@suite/shared/schema/index.ts';
import { type IncludeFile, parseYamlPartly, type YamlNode } from '@suite/shared/yaml/index.ts';
import { byCodePoint } from './order.ts';

export interface Document {
  readonly root: YamlNode;
  readonly errors: readonly Diagnostic[];
  /** Something is wrong at this place already. */
  isReported(at: { file: string; line: number; column: number }): boolean;
}

const BLOCK_HEADER = /(?:^|[:-] |[!&]\S+ ) *\|$/;
const BLANK = /^ +$/;

/** Blank lines that lead a literal block may be wider than its text here; in standard YAML they may not. */
function withNarrowBlanks(text: string): string {
  if (!/\| *\n +\n/.test(text)) return text;
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (!BLOCK_HEADER.test(line.trimEnd())) continue;
    for (let next = index + 1; BLANK.test(lines[next] ?? ''); next++) lines[next] = '';
  }
  return lines.join('\n');
}

const placeOf = ({ file, line, column }: { file: string; line: number; column: number }) =>
  `${line}:${column}:${file}`;

/** Maps in the order of their keys: errors then come in that order, and so does everything made from the tree. */
function sorted(root: YamlNode): YamlNode {
  const done = new Map<YamlNode, YamlNode>();
  const visit = (node: YamlNode): YamlNode => {
    const known = done.get(node);
    if (known !== undefined) return known;
    const made = rebuilt(node, visit);
    done.set(node, made);
    return made;
  };
  return visit(root);
}

function rebuilt(node: YamlNode, visit: (node: YamlNode) => YamlNode): YamlNode {
  if (node.kind === 'sequence') return { ...node, items: node.items.map(visit) };
  if (node.kind !== 'mapping') return node;
  const entries = node.entries.map(({ key, value }) => ({ key, value: visit(value) }));
  return { ...node, entries: entries.sort((a, b) => byCodePoint(a.key.text, b.key.text)) };
}

const SYNTAX = ['syntax', 'limit', 'duplicate-key', 'bad-key', 'bad-tag', 'unknown-alias'];

const NESTED = /^([ -]*)([^\s:][^:]*): +(.*)$/;

/** `a: b: c` was understood once. */
function nestedHint(line: string): string | undefined {
  const [, , outer, inner] = NESTED.exec(line.trimEnd()) ?? [];
  if (outer === undefined || inner === undefined || inner.length > 100) return undefined;
  return `after ${outer}: write ${inner} on a line of its own, indented deeper; or in quotes, if it is a text`;
}

const INDENT_HINT = 'lines after the first must be indented deeper than the key, to the end of the value';

/** What makes the file standard YAML, where it is known. */
function fixOf({ params, message }: Diagnostic, line: string): string | undefined {
  if (params?.reason === 'BLOCK_AS_IMPLICIT_KEY') return nestedHint(line);
  const bracket = /must be sufficiently indented and end with a ([\]}])/.exec(message)?.[1];
  if (bracket !== undefined) return `a ${bracket} is missing, or ${INDENT_HINT}`;
  return /^missing closing .quote/.test(message) ? INDENT_HINT : undefined;
}

function withFix(error: Diagnostic, texts: ReadonlyMap<string, string>): Diagnostic {
  const hint = fixOf(error, texts.get(error.file)?.split('\n')[error.line - 1] ?? '');
  return error.code !== 'syntax' || hint === undefined ? error : { ...error, hint };
}

/** A file that is no YAML has just the first of its errors; what stands in its tree would be misunderstood. */
function firstOfSyntax(file: string, errors: readonly Diagnostic[]): readonly Diagnostic[] {
  const syntax = errors.find(error => error.file === file && SYNTAX.includes(error.code));
  return syntax === undefined ? errors : [syntax];
}

export const isSyntax = (error: Diagnostic): boolean => SYNTAX.includes(error.code);

/** Without `include`, `!*Include` is an error. */
export function parseDocument(file: string, text: string, include?: IncludeFile): Document {
  const texts = new Map<string, string>();
  const readable = (name: string, content: string): string => {
    const better = withNarrowBlanks(content);
    texts.set(name, better);
    return better;
  };
  const nested: IncludeFile | undefined =
    include &&
    ((path, from) => {
      const found = include(path, from);
      return 'text' in found ? { ...found, text: readable(found.file, found.text) } : found;
    });
  const { root, errors, broken } = parseYamlPartly(readable(file, text), {
    file,
    ...(nested !== undefined && { include: nested }),
  });
  const reported = new Set([...broken].map(placeOf));
  return {
    root: sorted(root),
    errors: firstOfSyntax(file, errors).map(error => withFix(error, texts)),
    isReported: at => reported.has(placeOf(at)),
  };
}
