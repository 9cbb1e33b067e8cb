// What the built-in commands share.
import { containerNotFound } from '../../config/references.ts';
import { type Session, say } from '../session.ts';

export function unknownContainer(session: Session, name: string): number {
  return say(121, containerNotFound(name, Object.keys(session.cache.project.containers)));
}

export function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
