// `_version_hash NAME`: the identity of a container.
import { type HashResult, hashContainer } from '../../adapters/image/identity.ts';
import { debugLine } from '../../core/image/debug.ts';
import type { Part } from '../../core/image/fields.ts';
import { has } from '../../core/options/parse.ts';
import { flag } from '../../core/options/spec.ts';
import { stepTitle } from '../../core/step-title.ts';
import { say } from '../session.ts';
import { entry } from './registry.ts';
import { print, unknownContainer } from './usage.ts';

/** Not known yet is an answer that scripts expect: silent but for the reason. */
function refused(name: string, found: Exclude<HashResult, { kind: 'hashed' }>): number {
  if (found.kind === 'not-ready')
    return say(29, `Container "${name}" cannot be versioned yet: ${found.message}`);
  const where = found.step === undefined ? `container "${name}"` : `command ${stepTitle(found.step)}`;
  return say(124, `Error versioning ${where}: ${found.message}`);
}

export const versionHash = entry(
  {
    name: 'vagga _version_hash',
    description: 'Print the identity of a container',
    options: [
      flag('short', ['-s', '--short'], 'Only the eight digits that name the image'),
      flag('debug', ['--debug-versioning'], 'Before it, what it is made of, a line for each piece'),
      flag('dump', ['--dump-version-data'], 'Before it, the bytes that are hashed'),
    ],
    positionals: [{ name: 'container', takes: 'required', help: 'The container' }],
  },
  (session, { given, words }) => {
    const { layout, cache } = session;
    const [name = ''] = words;
    if (cache.project.containers[name] === undefined) return unknownContainer(session, name);
    const shown: (string | Uint8Array)[] = [];
    const line = (part: Part) => {
      const text = debugLine(part);
      if (text !== undefined) shown.push(`${text}\n`);
    };
    const found = hashContainer(layout, cache.project, name, {
      ...(has(given, 'dump') && { data: data => shown.push(data) }),
      ...(has(given, 'debug') && { part: line }),
    });
    if (found.kind !== 'hashed') return refused(name, found);
    for (const piece of shown) process.stdout.write(piece);
    if (has(given, 'debug')) process.stdout.write('\n');
    return print(has(given, 'short') ? found.hash.slice(0, 8) : found.hash);
  },
);
