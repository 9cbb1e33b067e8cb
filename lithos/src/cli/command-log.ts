// The log of a sandbox, for what lithos_cmd has to say: a file, or syslog where the master config wants that.
import { resolve } from 'node:path';
import { createLogger, type Logger, type LogLevel, parseLogLevel } from '@suite/shared/cli/log.ts';
import { realClock } from '@suite/shared/ports/real.ts';
import type { Master } from '../adapters/load-master.ts';
import { FileSink, type LineSink, SyslogSink } from '../adapters/logs/line-sink.ts';
import type { DesiredSandbox } from '../core/desired/types.ts';
import { facilityNumber } from '../core/logs/syslog.ts';

interface LogOptions {
  readonly logStderr: boolean;
  readonly logLevel: string | undefined;
}

function sinkOf({ paths, keys }: Master, sandbox: string, file: string): LineSink {
  const facility = facilityNumber(keys.syslogFacility ?? '');
  if (facility !== undefined) return new SyslogSink(facility, `${keys.syslogAppName}-${sandbox}`, realClock);
  const limits = { sizeBytes: keys.stdioLogSize, files: keys.stdioLogFiles };
  return new FileSink(resolve(paths.logDir, file), limits, realClock);
}

/** `log`: what the sandbox says of its own log. */
export function commandLog(
  master: Master,
  sandbox: string,
  { file, level }: DesiredSandbox['log'],
  options: LogOptions,
): Logger {
  const sink = sinkOf(master, sandbox, file);
  const write = (json: string) => {
    try {
      sink.write({ level: (JSON.parse(json) as { level: LogLevel }).level, json });
    } catch {
      // A full disk must not keep an operator from running what may make room.
    }
    if (options.logStderr) process.stderr.write(json);
  };
  return createLogger({
    write,
    wallMs: () => realClock.wallMs(),
    level: parseLogLevel(options.logLevel ?? level ?? master.keys.logLevel) ?? 'warn',
    format: 'json',
    unit: 'lithos_cmd',
  });
}
