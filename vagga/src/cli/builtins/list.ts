// `_list`: commands, aliases and containers for people and scripts.
import { listRows } from '../../core/listing.ts';
import type { Session } from '../session.ts';
import { flagsOf, usage } from './usage.ts';

/** `titles`: the built-in commands and what they do. */
export function list(
  session: Session,
  words: readonly string[],
  titles: readonly (readonly [string, string])[],
): number {
  const known = ['--containers', '-A', '--all', '--builtin', '--hidden', '--no-aliases', '-v', '--verbose'];
  const { flags, unknown, rest } = flagsOf(words, known);
  if (unknown !== undefined || rest.length > 0) {
    const message = unknown === undefined ? `Unexpected argument ${rest[0]}` : `Unknown option ${unknown}`;
    return usage('_list', '', message, 2);
  }
  const { project } = session.cache;
  if (flags.has('--containers')) {
    process.stdout.write(
      Object.keys(project.containers)
        .sort()
        .map(name => `${name}\n`)
        .join(''),
    );
    return 0;
  }
  const has = (...names: string[]) => names.some(name => flags.has(name));
  const options = {
    hidden: has('--hidden', '--all', '-A'),
    aliases: !has('--no-aliases'),
    verbose: has('-v', '--verbose'),
  };
  process.stdout.write(listRows(project, titles, options));
  return 0;
}
