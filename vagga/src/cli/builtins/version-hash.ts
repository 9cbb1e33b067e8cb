// `_version_hash NAME`: the identity of a container.
import { type HashResult, hashContainer } from '../../adapters/image/identity.ts';
import { debugLine } from '../../core/image/debug.ts';
import { stepTitle } from '../../core/step-title.ts';
import { type Session, say } from '../session.ts';
import { flagsOf, print, unknownContainer, usage } from './usage.ts';

const FLAGS = ['-s', '--short', '--debug-versioning', '--dump-version-data'];

/** Not known yet is an answer that scripts expect: silent but for the reason. */
function refused(name: string, found: Exclude<HashResult, { kind: 'hashed' }>): number {
  if (found.kind === 'not-ready')
    return say(29, `Container "${name}" cannot be versioned yet: ${found.message}`);
  const where = found.step === undefined ? `container "${name}"` : `command ${stepTitle(found.step)}`;
  return say(124, `Error versioning ${where}: ${found.message}`);
}

export function versionHash(session: Session, words: readonly string[]): number {
  const { flags, unknown, rest } = flagsOf(words, FLAGS);
  if (unknown !== undefined) return usage('_version_hash', 'NAME', `Unknown option ${unknown}`);
  const [name, extra] = rest;
  if (name === undefined) return usage('_version_hash', 'NAME', 'Argument NAME is required');
  if (extra !== undefined) return usage('_version_hash', 'NAME', `Unexpected argument ${extra}`);
  const { layout, cache } = session;
  if (cache.project.containers[name] === undefined) return unknownContainer(session, name);
  const shown: (string | Uint8Array)[] = [];
  const found = hashContainer(layout, cache.project, name, {
    ...(flags.has('--dump-version-data') && { data: data => shown.push(data) }),
    ...(flags.has('--debug-versioning') && { part: part => shown.push(`${debugLine(part)}\n`) }),
  });
  if (found.kind !== 'hashed') return refused(name, found);
  for (const piece of shown) process.stdout.write(piece);
  if (flags.has('--debug-versioning')) process.stdout.write('\n');
  return print(flags.has('-s') || flags.has('--short') ? found.hash.slice(0, 8) : found.hash);
}
