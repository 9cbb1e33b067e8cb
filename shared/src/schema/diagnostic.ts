/**
 * What a user did wrong, as a value: where, what, and what to do about it. One printer for every tool.
 * Lines and columns count from 1; columns are UTF-16 units (what editors count).
 */

export interface Position {
  readonly line: number;
  readonly column: number;
  /** Exclusive; only when the text ends on the same line. */
  readonly endColumn?: number;
}

/** Facts behind a message, so that a tool can print it in words of its own. */
export type DiagnosticParams = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface Diagnostic {
  /** Stable word, e.g. `unknown-key`; the list is in `yaml/index.ts` and `schema/index.ts`. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn?: number;
  readonly hint?: string;
  readonly params?: DiagnosticParams;
  /** Where in the document: keys and list indexes from the root. Absent for syntax errors. */
  readonly path?: readonly (string | number)[];
}

export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Diagnostic[] }
  | { readonly ok: false; readonly errors: readonly Diagnostic[] };

export interface PrintOptions {
  readonly colour: boolean;
}

/** A line longer than this is cut in print: nobody reads a 10 kB line, and the squiggle must stay visible. */
const MAX_SHOWN_COLUMNS = 200;

const PLAIN = { error: '', warning: '', hint: '', squiggle: '', reset: '' };
const COLOURED = {
  error: '\x1b[31m',
  warning: '\x1b[33m',
  hint: '\x1b[36m',
  squiggle: '\x1b[32m',
  reset: '\x1b[0m',
};

/**
 * `file:line:col: error: message`, then the line, a squiggle under the wrong part, and the hint.
 * `sources` maps a file name to its text; a file that is absent there gets its first line only.
 * Ends with a newline unless there is nothing to print.
 */
export function printDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: ReadonlyMap<string, string>,
  options: PrintOptions,
): string {
  const ink = options.colour ? COLOURED : PLAIN;
  return diagnostics.map(item => printOne(item, sources.get(item.file), ink)).join('');
}

function printOne(item: Diagnostic, source: string | undefined, ink: typeof PLAIN): string {
  const place = `${item.file}:${item.line}:${item.column}`;
  const head = `${place}: ${ink[item.severity]}${item.severity}${ink.reset}: ${item.message}\n`;
  const excerpt = source === undefined ? '' : printExcerpt(item, source, ink);
  const hint = item.hint === undefined ? '' : `  ${ink.hint}hint${ink.reset}: ${item.hint}\n`;
  return head + excerpt + hint;
}

function printExcerpt(item: Diagnostic, source: string, ink: typeof PLAIN): string {
  const text = source.split('\n', item.line)[item.line - 1]?.replace(/\r$/, '');
  if (text === undefined || item.column > MAX_SHOWN_COLUMNS) return '';
  const shown = text.slice(0, MAX_SHOWN_COLUMNS);
  const end = Math.min(item.endColumn ?? item.column + 1, shown.length + 1);
  // Tabs are repeated in the margin so that the squiggle stays under its text at any tab width.
  const margin = shown.slice(0, item.column - 1).replace(/[^\t]/g, ' ');
  const squiggle = '~'.repeat(Math.max(1, end - item.column));
  return `    ${shown}\n    ${margin}${ink.squiggle}${squiggle}${ink.reset}\n`;
}
