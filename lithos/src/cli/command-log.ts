// The log of a sandbox, for what lithos_cmd has to say.
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createLogger, type Logger, parseLogLevel } from '@suite/shared/cli/log.ts';
import { realClock } from '@suite/shared/ports/real.ts';
import type { Master } from '../adapters/load-master.ts';

interface LogOptions {
  readonly logStderr: boolean;
  readonly logLevel: string | undefined;
}

export function commandLog({ paths, keys }: Master, sandbox: string, options: LogOptions): Logger {
  const file = resolve(paths.logDir, `${sandbox}.log`);
  const write = (line: string) => {
    try {
      mkdirSync(dirname(file), { recursive: true });
      appendFileSync(file, line);
    } catch {
      // A full disk must not keep an operator from running what may make room.
    }
    if (options.logStderr) process.stderr.write(line);
  };
  return createLogger({
    write,
    wallMs: () => realClock.wallMs(),
    level: parseLogLevel(options.logLevel ?? keys.logLevel) ?? 'warn',
    format: 'json',
    unit: 'lithos_cmd',
  });
}
