// A symlink to vagga runs the command that has the symlink's name (§4.6).
import type { Project } from '../../config/model.ts';

/** `program`: base name of what was started. */
export function isOwnName(program: string): boolean {
  const name = program.replace(/\.cjs$/, '');
  return name === 'vagga' || name.startsWith('vagga_');
}

/** The command that wants this name; of several the last by name. */
export function symlinkCommand({ commands }: Project, program: string): string | undefined {
  return Object.keys(commands)
    .sort()
    .findLast(name => commands[name]?.symlinkName === program);
}
