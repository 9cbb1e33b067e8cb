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

/** $$ is the shell itself; 1 is the container's init, or the shell too. A zombie is nobody: init takes it. */
const WAIT_FOR_ALL = `"$@"; code=$?
while :; do
  for p in /proc/[0-9]*; do case \${p#/proc/} in 1|$$) ;; *) sleep 0.1 || exit 127; continue 2;; esac; done
  exit $code
done`;

/** `pid1mode: wait-all-children`: the container lives as long as any process in it. The image needs a shell and sleep. */
export function waitingForAll(argv: readonly string[]): readonly string[] {
  return ['/bin/sh', '-c', WAIT_FOR_ALL, 'sh', ...argv];
}
