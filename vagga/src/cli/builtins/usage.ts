// What the built-in commands share: their usage errors and their flags.
import { containerNotFound } from '../../config/references.ts';
import { type Session, say } from '../session.ts';

export function usage(command: string, positionals: string, message: string, code = 122): number {
  return say(code, `Usage:\n  vagga ${command} [OPTIONS] ${positionals}\nvagga ${command}: ${message}`);
}

/** Splits off the flags `allowed`; the first unknown one is the error. */
export function flagsOf(words: readonly string[], allowed: readonly string[]) {
  const flags = new Set(words.filter(word => word.startsWith('-')));
  const unknown = [...flags].find(flag => !allowed.includes(flag));
  return { flags, unknown, rest: words.filter(word => !word.startsWith('-')) };
}

export function unknownContainer(session: Session, name: string): number {
  return say(121, containerNotFound(name, Object.keys(session.cache.project.containers)));
}

export function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
