// What a built-in command is: one file per command, one line in the table of index.ts.
import type { Session } from '../session.ts';

/** Returns the exit code. `words` follow the command's name. */
export type Builtin = (session: Session, words: readonly string[]) => number | Promise<number>;

export interface BuiltinEntry {
  /** One line for `_list --hidden` and `_help`. */
  readonly title: string;
  readonly run: Builtin;
}
