// The argv that a command's container gets.
import type { CapsuleCommand, RunCommand } from '../../config/model.ts';

/** A script's arguments follow the shell's `--`; every word `$cmdline` of the shell's words is the script. */
export function argvOf(
  { run }: Pick<RunCommand | CapsuleCommand, 'run'>,
  shell: readonly string[],
  words: readonly string[],
): readonly string[] {
  if (typeof run !== 'string') return [...run, ...words];
  const [program = '', ...rest] = shell;
  return [program, ...rest.map(word => (word === '$cmdline' ? run : word)), ...words];
}
