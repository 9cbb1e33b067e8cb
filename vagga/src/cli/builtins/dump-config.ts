// `_dump_config [--pretty]`: the merged config as JSON.
import { dumpConfig } from '../../core/dump.ts';
import type { Session } from '../session.ts';
import { flagsOf, print, usage } from './usage.ts';

export function dumpProject(session: Session, words: readonly string[]): number {
  const { flags, unknown, rest } = flagsOf(words, ['--pretty']);
  if (unknown !== undefined || rest.length > 0) {
    const message = unknown === undefined ? `Unexpected argument ${rest[0]}` : `Unknown option ${unknown}`;
    return usage('_dump_config', '', message, 2);
  }
  return print(JSON.stringify(dumpConfig(session.cache.project), null, flags.has('--pretty') ? 2 : 0));
}
