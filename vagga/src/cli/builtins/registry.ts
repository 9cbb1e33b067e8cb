// What a built-in command is: one file per command, one line in the table of index.ts.
import { type CommandLine, parseCommandLine } from '../../core/options/parse.ts';
import type { CommandLineSpec } from '../../core/options/spec.ts';
import { type Session, say } from '../session.ts';

/** Returns the exit code. `words` follow the command's name. */
export type Builtin = (session: Session, words: readonly string[]) => number | Promise<number>;

export interface BuiltinEntry {
  /** One line for `_list --hidden`, help and completion. */
  readonly title: string;
  /** Its command line, for help and completion. */
  readonly spec?: CommandLineSpec;
  readonly run: Builtin;
  /** Touches neither images nor owners of files, so it needs no user namespace. */
  readonly outside?: boolean;
  /** For programs: not listed, not completed. */
  readonly hidden?: boolean;
}

export type ParsedLine = CommandLine & { readonly kind: 'parsed' };

/** What the words mean, or the exit code after help or an error was printed. */
export function parsedLine(
  spec: CommandLineSpec,
  words: readonly string[],
  wrongCode = 122,
): ParsedLine | number {
  const line = parseCommandLine(spec, words);
  if (line.kind === 'parsed') return line;
  if (line.kind === 'wrong') return say(wrongCode, line.text);
  if (line.kind === 'help') process.stdout.write(line.text);
  return 0;
}

/** A command whose words follow `spec`: help and errors (code `wrongCode`) are answered here. */
export function entry(
  spec: CommandLineSpec,
  body: (session: Session, line: ParsedLine) => number | Promise<number>,
  wrongCode = 122,
): BuiltinEntry {
  const run: Builtin = (session, words) => {
    const line = parsedLine(spec, words, wrongCode);
    return typeof line === 'number' ? line : body(session, line);
  };
  return { title: spec.description ?? '', spec, run };
}
