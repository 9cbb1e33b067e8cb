// Signals a program may be asked to stop with.
import { s } from '@suite/shared/schema/index.ts';

/** STOP and CONT do not end anything, CHLD and the faults mean something else. */
const STOP_SIGNALS = ['TERM', 'INT', 'QUIT', 'HUP', 'USR1', 'USR2', 'WINCH', 'PWR', 'ALRM', 'KILL'] as const;
const PREFIX = 'SIG';

export const stopSignalSchema = s.choice([
  ...STOP_SIGNALS,
  ...STOP_SIGNALS.map(name => `${PREFIX}${name}` as const),
]);

/** `TERM` or `SIGTERM` → `SIGTERM`. */
export function signalName(word: string): `SIG${string}` {
  return word.startsWith(PREFIX) ? (word as `SIG${string}`) : `${PREFIX}${word}`;
}
