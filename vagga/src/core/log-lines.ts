// Lines for logs, in the format that scripts know, and which of them `RUST_LOG` lets through (§4.7).
import { isoTime } from './iso-time.ts';

const LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LEVELS)[number];

/** Of modules that start with `target`, the first `count` levels. */
interface Directive {
  readonly target: string;
  readonly count: number;
}

export type LogFilter = readonly Directive[];

/** `off` is 0; undefined: no level. */
function countOf(word: string): number | undefined {
  const at = LEVELS.indexOf(word.toLowerCase() as LogLevel);
  if (at >= 0) return at + 1;
  return word.toLowerCase() === 'off' ? 0 : undefined;
}

function directive(text: string): Directive[] {
  const [name = '', level] = text.trim().split('=', 2);
  if (level !== undefined) {
    const count = level === '' ? LEVELS.length : countOf(level);
    return count === undefined ? [] : [{ target: name, count }];
  }
  const count = countOf(name);
  if (count !== undefined) return [{ target: '', count }];
  return name === '' ? [] : [{ target: name, count: LEVELS.length }];
}

const USUAL: LogFilter = [{ target: '', count: LEVELS.indexOf('warn') + 1 }];

/** `level`, `module=level` and `module`, with commas between them; nothing is `warn`. */
export function parseLogFilter(text: string): LogFilter {
  const [levels = ''] = text.split('/', 1);
  const directives = levels.split(',').flatMap(directive);
  return directives.length === 0 ? USUAL : directives;
}

/** The longest name that fits decides, of two equal ones the later. */
export function isLogged(filter: LogFilter, level: LogLevel, module: string): boolean {
  const fitting = filter.filter(({ target }) => module.startsWith(target));
  const [first, ...others] = fitting;
  if (first === undefined) return false;
  const best = others.reduce((best, next) => (next.target.length >= best.target.length ? next : best), first);
  return LEVELS.indexOf(level) < best.count;
}

/** `paint`: of the level, on a terminal. */
export function logText(
  line: { readonly level: LogLevel; readonly module: string; readonly text: string; readonly timeS: number },
  paint: (level: string) => string,
): string {
  const { level, module, text, timeS } = line;
  return `${paint(level.toUpperCase().padStart(5))} ${isoTime(timeS)}: ${module}: ${text}`;
}

/** A program that is about to run. `env`: also its variables. */
export function commandDump(
  argv: readonly string[],
  env: Readonly<Record<string, string>> | undefined,
): string {
  const variables = env === undefined ? '' : `; environ: ${JSON.stringify(env)}`;
  return `Running ${JSON.stringify(argv)}${variables}`;
}
