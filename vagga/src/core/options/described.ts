// Commands with `options`: their description, the user's text and a block of our own make one text, which is help and grammar at once (§1.8).
import type { Command } from '../../config/model.ts';
import { optionNames, parseDocopt } from './docopt/index.ts';
import { optionVariables, type Values } from './docopt/values.ts';

const BLOCKS: Readonly<Record<Command['kind'], string>> = {
  command: `Common options:
  -h, --help           Show this help message and exit`,
  capsule: `Common options:
  -h, --help           Show this help message and exit`,
  supervise: `Supervise options:
  -h, --help           Show this help message and exit
  --only <tag> ...     Run only the children with these names or tags
  --exclude <tag> ...  Run all but the children with these names or tags`,
};

export type DescribedOptions =
  | { readonly kind: 'values'; readonly values: Values; readonly variables: Readonly<Record<string, string>> }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'wrong'; readonly text: string };

/** The whole text that `--help` prints, before trimming. */
export function describedText(name: string, command: Command): string {
  const about = command.description?.trimEnd() ?? `vagga ${name}`;
  return `${about}\n\n${(command.options ?? '').trimEnd()}\n\n${BLOCKS[command.kind]}\n`;
}

/** `words` follow the command's name; the user's usage lines name the command themselves. */
export function describedOptions(name: string, command: Command, words: readonly string[]): DescribedOptions {
  const parsed = parseDocopt(describedText(name, command), [name, ...words]);
  switch (parsed.kind) {
    case 'values':
      return { kind: 'values', values: parsed.values, variables: optionVariables(parsed.values) };
    case 'help':
      return parsed;
    case 'mismatch':
      return { kind: 'wrong', text: parsed.text };
    case 'malformed':
      return { kind: 'wrong', text: `Error parsing \`options\` in command "${name}": ${parsed.message}\n` };
  }
}

/** Names of the options that the text knows, for completion. */
export function describedNames(name: string, command: Command): readonly string[] {
  return optionNames(describedText(name, command));
}
