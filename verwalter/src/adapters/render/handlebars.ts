import type { Diagnostic } from '@suite/shared/schema/index.ts';
import Handlebars from 'handlebars';
import { RENDERED_BYTES_MAX } from '../../config/defaults.ts';

/** No HTML in config files; a name that does not exist is an error, not an empty place in a config. */
const OPTIONS: CompileOptions = { noEscape: true, strict: true, preventIndent: false };

/** Said explicitly, Handlebars does not print a warning for each. */
const OWN_ONLY = { allowProtoPropertiesByDefault: false, allowProtoMethodsByDefault: false };

export interface Templates {
  /** Renders the template registered under `path`. */
  render(path: string, variables: unknown): { readonly text: string } | { readonly problem: Diagnostic };
  has(path: string): boolean;
}

function problemAt(file: string, message: string, line: number, column: number): Diagnostic {
  return { code: 'template', severity: 'error', message, file, line, column };
}

/** jison draws the place as `...text` and `---^` below it; the text before the caret is looked up in the line. */
function caretColumn(lines: readonly string[], sourceLine: string): number {
  const caret = lines[2]?.indexOf('^') ?? -1;
  const before = lines[1]?.slice(0, Math.max(0, caret)).replace(/^\.\.\./, '') ?? '';
  for (let length = before.length; length > 0; length--) {
    const at = sourceLine.lastIndexOf(before.slice(-length));
    if (at >= 0) return at + length + 1;
  }
  return 1;
}

/** jison lists every token it would take; three cases cover nearly all mistakes. */
function syntaxMessage(expectation: string): string {
  if (/'CLOSE'/.test(expectation))
    return 'syntax error: this {{ is not closed by }}, or what is inside is no expression';
  if (/got 'EOF'/.test(expectation)) return 'syntax error: the text ends inside a block';
  if (/got '(OPEN_ENDBLOCK|INVERSE|OPEN_INVERSE_CHAIN)'/.test(expectation))
    return 'syntax error: no block is open here';
  return `syntax error: ${expectation}`;
}

/** Handlebars says the place in its text: `Parse error on line 3:` or `… - 3:5` (columns from 0). */
function toDiagnostic(error: unknown, file: string, source: string): Diagnostic {
  if (error instanceof RangeError) return problemAt(file, 'partials include each other without end', 1, 1);
  const message = error instanceof Error ? error.message : String(error);
  const placed = /^([\s\S]*) - (\d+):(\d+)$/.exec(message);
  if (placed !== null) {
    const text = (placed[1] ?? '')
      .replace(/ in \[object Object\]$/, '')
      .replace(/^"(.*)" not defined.*$/s, 'there is no variable "$1" here');
    return problemAt(file, text, Number(placed[2]), Number(placed[3]) + 1);
  }
  const line = Number(/on line (\d+)/.exec(message)?.[1] ?? 1);
  const lines = message.split('\n');
  return problemAt(
    file,
    syntaxMessage(lines.slice(3).join(' ') || message),
    line,
    caretColumn(lines, source.split('\n')[line - 1] ?? ''),
  );
}

/** `json VALUE` writes JSON, `eq A B` and `ne A B` compare; the rest is Handlebars' own. */
function register(env: typeof Handlebars, log: (line: string) => void): void {
  env.registerHelper('json', (value: unknown) => JSON.stringify(value ?? null));
  env.registerHelper('eq', (a: unknown, b: unknown) => a === b);
  env.registerHelper('ne', (a: unknown, b: unknown) => a !== b);
  env.registerHelper('log', (...args: unknown[]) => log(args.slice(0, -1).map(String).join(' ')));
}

/**
 * Handlebars' own strictness ends at the arguments of helpers: `{{#each upstreamz}}` would make an empty upstream of a typing mistake.
 * Its compiler takes the mark from the syntax tree, also there.
 */
class StrictArguments extends Handlebars.Visitor {
  override PathExpression(path: hbs.AST.PathExpression): void {
    Object.assign(path, { strict: true });
  }
}

/** Errors inside a partial carry its own lines: they have to carry its name as well. */
class PartialError extends Error {
  constructor(
    readonly path: string,
    override readonly cause: unknown,
  ) {
    super('in a partial');
  }
}

function asPartial(path: string, template: HandlebarsTemplateDelegate): HandlebarsTemplateDelegate {
  return (context, options) => {
    try {
      return template(context, options);
    } catch (error) {
      throw error instanceof PartialError || error instanceof RangeError
        ? error
        : new PartialError(path, error);
    }
  };
}

/**
 * Parses all `sources` (path → text) and registers each as a partial under its path. All syntax errors come together.
 * @param log gets what a template's `{{log}}` says
 */
export function compileTemplates(
  sources: ReadonlyMap<string, string>,
  log: (line: string) => void,
): { readonly templates: Templates } | { readonly problems: readonly Diagnostic[] } {
  const env = Handlebars.create();
  register(env, log);
  const compiled = new Map<string, HandlebarsTemplateDelegate>();
  const problems: Diagnostic[] = [];
  for (const [path, source] of sources) {
    try {
      const tree = Handlebars.parse(source);
      new StrictArguments().accept(tree);
      const template = env.compile(tree, OPTIONS);
      compiled.set(path, template);
      env.registerPartial(path, asPartial(path, template));
    } catch (error) {
      problems.push(toDiagnostic(error, path, source));
    }
  }
  if (problems.length > 0) return { problems };
  return { templates: { has: path => compiled.has(path), render: renderer(compiled, sources) } };
}

function renderer(
  compiled: ReadonlyMap<string, HandlebarsTemplateDelegate>,
  sources: ReadonlyMap<string, string>,
): Templates['render'] {
  return (path, variables) => {
    try {
      const text = compiled.get(path)?.(variables, OWN_ONLY) ?? '';
      if (Buffer.byteLength(text) <= RENDERED_BYTES_MAX) return { text };
      return { problem: problemAt(path, `the result is longer than ${RENDERED_BYTES_MAX} bytes`, 1, 1) };
    } catch (error) {
      const [place, cause] = error instanceof PartialError ? [error.path, error.cause] : [path, error];
      return { problem: toDiagnostic(cause, place, sources.get(place) ?? '') };
    }
  };
}
