// `_build NAME`: a container, without running anything in it.
import type { Session } from '../session.ts';
import { flagsOf, unknownContainer, usage } from './usage.ts';

export async function build(session: Session, words: readonly string[]): Promise<number> {
  const { flags, unknown, rest } = flagsOf(words, ['--force']);
  if (unknown !== undefined) return usage('_build', 'NAME', `Unknown option ${unknown}`);
  const [name = '', extra] = rest;
  if (extra !== undefined) return usage('_build', 'NAME', `Unexpected argument ${extra}`);
  if (session.cache.project.containers[name] === undefined) return unknownContainer(session, name);
  const built = await session.build([name], { force: flags.has('--force'), whole: true });
  return typeof built === 'number' ? built : 0;
}
