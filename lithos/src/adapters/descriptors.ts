// Descriptors on their way into a container: the monitor passes on 3, 4, … without gaps.
import { closeSync, openSync } from 'node:fs';

const FIRST_FD = 3;

/** `fds`: descriptor inside → ours. A gap is filled with /dev/null; `close` closes what was opened for that. */
export function withoutGaps(fds: ReadonlyMap<number, number>): {
  readonly preserve: readonly number[];
  readonly close: () => void;
} {
  const last = Math.max(FIRST_FD - 1, ...fds.keys());
  const wanted = Array.from({ length: last - FIRST_FD + 1 }, (_, index) => fds.get(FIRST_FD + index));
  if (!wanted.includes(undefined)) return { preserve: wanted as number[], close: () => undefined };
  const filler = openSync('/dev/null', 'r+');
  return { preserve: wanted.map(fd => fd ?? filler), close: () => closeSync(filler) };
}
