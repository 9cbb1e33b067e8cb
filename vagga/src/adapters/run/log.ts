// What the program logs, on stderr: in the format of logs for programs, and as plain sentences for people, who see a terminal.
import { colours } from '@suite/shared/cli/colours.ts';
import type { Progress } from '@suite/shared/cli/progress.ts';
import { commandDump, isLogged, type LogLevel, logText, parseLogFilter } from '../../core/log-lines.ts';

const COLOURS = { error: 'red', warn: 'yellow', info: 'green', debug: 'cyan', trace: 'dim' } as const;

/** Undefined: `RUST_LOG` hides it. `plain`: for people. */
function logLine(level: LogLevel, module: string, text: string, plain = text): string | undefined {
  const asked = process.env.RUST_LOG ?? '';
  if (!isLogged(parseLogFilter(asked), level, module)) return undefined;
  if (asked === '' && process.stderr.isTTY) return plain;
  const ink = colours(process.stderr, process.env);
  return logText({ level, module, text, timeS: Math.floor(Date.now() / 1000) }, ink[COLOURS[level]]);
}

export function log(level: LogLevel, module: string, text: string, plain = text): void {
  const line = logLine(level, module, text, plain);
  if (line !== undefined) process.stderr.write(`${line}\n`);
}

/** Beside the moving lines of a build. */
export function noteWarning(progress: Progress, module: string, text: string, plain = text): void {
  const line = logLine('warn', module, text, plain);
  if (line !== undefined) progress.note(progress.mode === 'json' ? text : line);
}

/** A line about a program that starts, for `RUST_LOG=info`; with its variables when `VAGGA_DEBUG_CMDENV` is set. */
export function logCommand(
  module: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): void {
  const withEnv = (process.env.VAGGA_DEBUG_CMDENV ?? '') !== '';
  log('info', module, commandDump(argv, withEnv ? env : undefined));
}
