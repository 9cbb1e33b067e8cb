// What a command of the project makes of the words behind its name.
import type { Command } from '../../config/model.ts';
import { type BuildMode, buildMode } from '../options/build-modes.ts';
import { describedOptions } from '../options/described.ts';
import { parseCommandLine } from '../options/parse.ts';
import type { CommandLineSpec } from '../options/spec.ts';
import { type Selection, selectionOf } from '../supervise/select.ts';
import { superviseSpec } from '../supervise/spec.ts';

export type CommandLine =
  | {
      readonly kind: 'run';
      /** Passed on to the process. */
      readonly words: readonly string[];
      readonly variables: Readonly<Record<string, string>>;
      readonly build: BuildMode;
      /** Which children of a supervise command, and how they are shown. */
      readonly selection: Selection;
    }
  /** For stdout, code 0. */
  | { readonly kind: 'help'; readonly text: string }
  /** For stderr. */
  | { readonly kind: 'wrong'; readonly text: string; readonly code: 121 | 122 };

const ALL: Selection = { logPrefix: true, timestamps: false };

/** A command that takes no arguments still answers `--help`. */
function plainSpec(name: string, { description }: Command): CommandLineSpec {
  return {
    name: `vagga ${name}`,
    options: [],
    positionals: [],
    ...(description !== undefined && { description }),
  };
}

function described(name: string, command: Command, words: readonly string[], build: BuildMode): CommandLine {
  const found = describedOptions(name, command, words);
  if (found.kind === 'wrong') return { ...found, code: 121 };
  if (found.kind === 'help') return found;
  const list = (key: string) => {
    const value = command.kind === 'supervise' ? found.values.get(key) : undefined;
    return value?.kind === 'list' && value.items.length > 0 ? value.items : undefined;
  };
  const only = list('--only');
  const exclude = list('--exclude');
  const selection = { ...ALL, ...(only && { only }), ...(exclude && { exclude }) };
  return { kind: 'run', words: [], variables: found.variables, build, selection };
}

/** `build` is the choice before the command's name; a supervise command may make its own. */
export function commandLine(
  name: string,
  command: Command,
  words: readonly string[],
  build: BuildMode,
): CommandLine {
  if (command.options !== undefined) return described(name, command, words, build);
  if (command.kind !== 'supervise' && command.acceptsArguments)
    return { kind: 'run', words, variables: {}, build, selection: ALL };
  const spec = command.kind === 'supervise' ? superviseSpec(name, command) : plainSpec(name, command);
  const line = parseCommandLine(spec, words);
  if (line.kind === 'wrong') return { ...line, code: 122 };
  if (line.kind !== 'parsed') return line.kind === 'help' ? line : { kind: 'help', text: '' };
  return {
    kind: 'run',
    words: [],
    variables: {},
    build: buildMode(line.given, build),
    selection: selectionOf(line.given),
  };
}
