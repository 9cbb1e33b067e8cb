// `_version_hash NAME`: the identity of a container.
import { hashContainer } from '../../adapters/image/identity.ts';
import { type Session, say } from '../session.ts';
import { flagsOf, unknownContainer, usage } from './usage.ts';

export function versionHash(session: Session, words: readonly string[]): number {
  const { flags, unknown, rest } = flagsOf(words, ['-s', '--short', '--dump-version-data']);
  if (unknown !== undefined) return usage('_version_hash', 'NAME', `Unknown option ${unknown}`);
  const [name] = rest;
  if (name === undefined) return usage('_version_hash', 'NAME', 'Argument NAME is required');
  const { layout, cache } = session;
  if (cache.project.containers[name] === undefined) return unknownContainer(session, name);
  const dump = flags.has('--dump-version-data')
    ? (data: string | Uint8Array) => void process.stdout.write(data)
    : undefined;
  const found = hashContainer(layout.root, cache.project, name, dump);
  if (found.kind === 'not-ready')
    return say(29, `Container "${name}" cannot be versioned yet: ${found.message}`);
  if (found.kind === 'failed') return say(124, `Error versioning container "${name}": ${found.message}`);
  process.stdout.write(`${flags.has('-s') || flags.has('--short') ? found.hash.slice(0, 8) : found.hash}\n`);
  return 0;
}
