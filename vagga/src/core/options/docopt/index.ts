// `options` of a command (§1.8): the text that people read in `--help` is what the command line is parsed with.
import { parseGrammar } from './grammar.ts';
import { matchUsages } from './match.ts';
import { DocoptError } from './model.ts';
import { type Values, valuesOf } from './values.ts';
import { readWords } from './words.ts';

export type DocoptResult =
  | { readonly kind: 'values'; readonly values: Values }
  /** For stdout. */
  | { readonly kind: 'help'; readonly text: string }
  /** The command line does not fit; for stderr. */
  | { readonly kind: 'mismatch'; readonly text: string }
  /** The text itself is wrong. */
  | { readonly kind: 'malformed'; readonly message: string };

function failed<T>(action: () => T): T | DocoptError {
  try {
    return action();
  } catch (error) {
    if (error instanceof DocoptError) return error;
    throw error;
  }
}

/** `words` without the program's name. Help is only given where the rest of the line fits too. */
export function parseDocopt(text: string, words: readonly string[]): DocoptResult {
  const grammar = failed(() => parseGrammar(text));
  if (grammar instanceof DocoptError) return { kind: 'malformed', message: grammar.message };
  const mismatch = (message: string): DocoptResult => ({
    kind: 'mismatch',
    text: `${message}\n\n${grammar.usageText}\n`,
  });
  const read = failed(() => readWords(words, grammar.options));
  if (read instanceof DocoptError) return mismatch(read.message);
  const bindings = matchUsages(grammar, read);
  if (bindings === undefined) return mismatch('Invalid arguments.');
  if (read.given.has('--help')) return { kind: 'help', text: `${grammar.text}\n` };
  return { kind: 'values', values: valuesOf(grammar, read, bindings) };
}

/** All options of the text with their dashes; none when it is malformed. */
export function optionNames(text: string): readonly string[] {
  const grammar = failed(() => parseGrammar(text));
  return grammar instanceof DocoptError ? [] : grammar.options.names();
}
