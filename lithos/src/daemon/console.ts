// The console of a machine: what PID 1 has to say must be seen when there is nobody to read a file.
import { constants, openSync, writeSync } from 'node:fs';

const CONSOLE = '/dev/console';

/**
 * Writes lines to the console; undefined when there is none. It must not become our controlling terminal, and must
 * never make us wait: a serial line that nobody drains drops what does not fit.
 */
export function consoleWriter(path = CONSOLE): ((line: string) => void) | undefined {
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
    return line => {
      try {
        writeSync(fd, line);
      } catch {
        // Gone, or full: the log file has it.
      }
    };
  } catch {
    return undefined;
  }
}
