// What a command makes of its words, and the argv that the container gets.
import type { Container, RunCommand } from '../../config/model.ts';

export type Arguments =
  | { readonly kind: 'run'; readonly argv: readonly string[] }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'unexpected'; readonly text: string };

function usage(name: string): string {
  return `Usage:\n  vagga ${name} [OPTIONS]\n`;
}

function help(name: string, command: RunCommand): string {
  const description = command.description === undefined ? '' : `\n${command.description.trimEnd()}\n`;
  const option = '  -h,--help             Show this help message and exit';
  return `${usage(name)}${description}\nOptional arguments:\n${option}\n`;
}

/** A script's arguments follow the shell's `--`; every word `$cmdline` of the shell's words is the script. */
function argvOf(command: RunCommand, shell: readonly string[], words: readonly string[]): readonly string[] {
  const { run } = command;
  if (typeof run !== 'string') return [...run, ...words];
  const [program = '', ...rest] = shell;
  return [program, ...rest.map(word => (word === '$cmdline' ? run : word)), ...words];
}

/** `words` follow the command's name. A command that takes none still answers `--help`. */
export function commandArguments(
  name: string,
  command: RunCommand,
  container: Container,
  words: readonly string[],
): Arguments {
  const [first] = words;
  if (!command.acceptsArguments && first !== undefined) {
    if (first === '--help' || first === '-h') return { kind: 'help', text: help(name, command) };
    const what = first.startsWith('--') ? `Unknown option ${first}` : `Unexpected argument ${first}`;
    return { kind: 'unexpected', text: `${usage(name)}vagga ${name}: ${what}\n` };
  }
  return { kind: 'run', argv: argvOf(command, container.defaultShell, words) };
}
