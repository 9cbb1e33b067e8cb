// What the tree itself has to say: everything in its own log, and what is about a sandbox in that sandbox's log too, each
// with its own level. Messages begin with whom they are about: `SANDBOX/PROCESS.N …` or `sandbox SANDBOX …`.
import { resolve } from 'node:path';
import { createLogger, LOG_LEVELS, type LogFields, type Logger } from '@suite/shared/cli/log.ts';
import type { Clock } from '@suite/shared/ports/index.ts';
import type { DesiredSandbox, LogLevel } from '../../core/desired/types.ts';
import { facilityNumber } from '../../core/logs/syslog.ts';
import type { Master } from '../load-master.ts';
import { CountingSink, FileSink, type LineSink, type SinkLine, SyslogSink } from './line-sink.ts';

const ABOUT = /^(?:sandbox ([\w-]+)|([\w-]+)\/[\w-]+\.\d+)(?:[ :]|$)/;

function sandboxOf(message: string): string | undefined {
  const [, sandbox, ofInstance] = ABOUT.exec(message) ?? [];
  return sandbox ?? ofInstance;
}

export interface TreeLogOptions {
  readonly master: Master;
  readonly clock: Clock;
  readonly level: LogLevel;
  /** Further readers of the tree's own lines: a terminal, the console. */
  readonly also: readonly ((line: string) => void)[];
}

type SandboxLog = DesiredSandbox['log'];

/** Undefined: no syslog is wanted. A name that no syslog knows is an error for the operator, and files are used. */
function syslogFacility(master: Master, say: (message: string) => void): number | undefined {
  const { syslogFacility: name } = master.keys;
  if (name === null) return undefined;
  const number = facilityNumber(name);
  if (number === undefined) say(`syslog-facility: there is no facility ${name}: logging to files\n`);
  return number;
}

export class TreeLog {
  /** As every other logger. */
  readonly logger: Logger;
  private readonly options: TreeLogOptions;
  private readonly facility: number | undefined;
  private readonly own: CountingSink;
  private readonly sandboxes = new Map<string, { readonly log: SandboxLog; readonly sink: CountingSink }>();

  constructor(options: TreeLogOptions) {
    this.options = options;
    this.facility = syslogFacility(options.master, text => process.stderr.write(text));
    const { paths, keys } = options.master;
    this.own = this.sink(paths.logFile, keys.syslogAppName, 'lithos_tree');
    this.logger = this.loggerOf('lithos_tree');
  }

  /** From now on; a sandbox that is not named any more has no log of its own. */
  configure(sandboxes: ReadonlyMap<string, SandboxLog>): void {
    for (const [name, { sink }] of this.sandboxes) {
      if (sandboxes.has(name)) continue;
      sink.reopen();
      this.sandboxes.delete(name);
    }
    const { paths, keys } = this.options.master;
    for (const [name, log] of sandboxes) {
      const before = this.sandboxes.get(name);
      if (before?.log.file === log.file && before.log.level === log.level) continue;
      before?.sink.reopen();
      const sink = this.sink(resolve(paths.logDir, log.file), `${keys.syslogAppName}-${name}`, name);
      this.sandboxes.set(name, { log, sink });
    }
  }

  /** How many lines were lost, where that can be written by now; called on a timer. */
  tellLosses(): void {
    this.own.tell();
    for (const { sink } of this.sandboxes.values()) sink.tell();
  }

  /** Whoever rotates logs by hand has moved them away. */
  reopen(): void {
    this.own.reopen();
    for (const { sink } of this.sandboxes.values()) sink.reopen();
  }

  private sink(path: string, tag: string, unit: string): CountingSink {
    const { clock, master } = this.options;
    const limits = { sizeBytes: master.keys.stdioLogSize, files: master.keys.stdioLogFiles };
    const sink: LineSink =
      this.facility === undefined
        ? new FileSink(path, limits, clock)
        : new SyslogSink(this.facility, tag, clock);
    return new CountingSink(sink, (lost, why) =>
      this.line(unit, 'error', `${lost} lines of this log were lost: ${why}`, {}),
    );
  }

  private line(unit: string, level: LogLevel, message: string, fields: LogFields): SinkLine {
    let json = '';
    const write = (line: string) => {
      json = line;
    };
    const { clock } = this.options;
    createLogger({ write, wallMs: () => clock.wallMs(), level: 'trace', format: 'json', unit })[level](
      message,
      fields,
    );
    return { level, json };
  }

  private loggerOf(unit: string): Logger {
    const say = (level: LogLevel) => (message: string, fields?: LogFields) =>
      this.say(unit, level, message, fields ?? {});
    const { level } = this.options;
    const [error, warn, info, debug, trace] = LOG_LEVELS.map(say) as [Say, Say, Say, Say, Say];
    return { level, error, warn, info, debug, trace, child: name => this.loggerOf(name) };
  }

  private say(unit: string, level: LogLevel, message: string, fields: LogFields): void {
    const rank = LOG_LEVELS.indexOf(level);
    const isHeard = (wanted: LogLevel) => rank <= LOG_LEVELS.indexOf(wanted);
    const about = this.sandboxes.get(sandboxOf(message) ?? '');
    const forSandbox = about !== undefined && isHeard(about.log.level ?? this.options.level);
    if (!forSandbox && !isHeard(this.options.level)) return;
    const line = this.line(unit, level, message, fields);
    if (forSandbox) about.sink.write(line);
    if (!isHeard(this.options.level)) return;
    this.own.write(line);
    if (this.facility === undefined) for (const also of this.options.also) also(line.json);
  }
}

type Say = (message: string, fields?: LogFields) => void;
