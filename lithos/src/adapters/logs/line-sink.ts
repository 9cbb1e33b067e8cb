// Where lines of our own logs go. Neither a full disk nor a syslog that does not listen may end or stop the supervisor:
// what could not be written is counted, and told when it works again.
import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { openDatagram, sendDatagram } from '@suite/shared/linux/unix-datagram.ts';
import type { Clock } from '@suite/shared/ports/index.ts';
import { LOGS } from '../../config/defaults.ts';
import type { LogLevel } from '../../core/desired/types.ts';
import { syslogMessage } from '../../core/logs/syslog.ts';
import { type LogLimits, rotateOwn } from './rotation.ts';

/** One message, as the logger made it. */
export interface SinkLine {
  readonly level: LogLevel;
  /** A whole line of JSON, newline included. */
  readonly json: string;
}

export interface LineSink {
  /** Throws the system's error when it could not be written; then nothing of it was. */
  write(line: SinkLine): void;
  /** The next line goes to whatever has the name then. */
  reopen(): void;
}

export class FileSink implements LineSink {
  private readonly path: string;
  private readonly limits: LogLimits;
  private readonly clock: Clock;
  private readonly mode: number | undefined;
  private fd: number | undefined;
  private lookAgainMs = 0;

  /** `mode`: of a file that is made; default: as the umask says. */
  constructor(path: string, limits: LogLimits, clock: Clock, mode?: number) {
    this.path = path;
    this.limits = limits;
    this.clock = clock;
    this.mode = mode;
  }

  write({ json }: SinkLine): void {
    const fd = this.open();
    const data = Buffer.from(json);
    const written = writeSync(fd, data);
    const { size } = fstatSync(fd);
    if (written < data.length) {
      // Half a line would spoil the next one as well.
      ftruncateSync(fd, size - written);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    }
    if (size > this.limits.sizeBytes) this.rotate();
  }

  reopen(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }

  private open(): number {
    const nowMs = this.clock.monotonicMs();
    if (this.fd !== undefined && nowMs > this.lookAgainMs) {
      this.lookAgainMs = nowMs + LOGS.sweepMs;
      const there = statSync(this.path, { throwIfNoEntry: false });
      if (there?.ino !== fstatSync(this.fd).ino) this.reopen();
    }
    if (this.fd === undefined) {
      mkdirSync(dirname(this.path), { recursive: true });
      this.fd = openSync(this.path, 'a', this.mode);
    }
    return this.fd;
  }

  private rotate(): void {
    try {
      rotateOwn(this.path, this.limits.files);
    } catch {
      // No room for another file: this one goes on.
      return;
    }
    this.reopen();
  }
}

/** Time and level are said by syslog itself. */
function plainText(json: string): string {
  const { time: _time, level: _level, unit: _unit, message, ...fields } = JSON.parse(json);
  return Object.keys(fields).length === 0 ? message : `${message} ${JSON.stringify(fields)}`;
}

export class SyslogSink implements LineSink {
  private readonly facility: number;
  private readonly tag: string;
  private readonly clock: Clock;
  private fd: number | undefined;

  constructor(facility: number, tag: string, clock: Clock) {
    this.facility = facility;
    this.tag = tag;
    this.clock = clock;
  }

  write({ level, json }: SinkLine): void {
    this.fd ??= openDatagram();
    const text = plainText(json);
    const { facility, tag } = this;
    const time = new Date(this.clock.wallMs());
    const message = syslogMessage({ facility, level, tag, pid: process.pid, time, text });
    sendDatagram(this.fd, LOGS.syslogSocket, Buffer.from(message).subarray(0, LOGS.syslogBytes));
  }

  reopen(): void {
    // Every message names the socket: whoever listens there now gets it.
  }
}

/** Counts what a sink did not take, and says so before the next line it takes. */
export class CountingSink {
  private readonly sink: LineSink;
  private readonly about: (lost: number, why: string) => SinkLine;
  private lost = 0;
  private why = '';

  constructor(sink: LineSink, about: (lost: number, why: string) => SinkLine) {
    this.sink = sink;
    this.about = about;
  }

  write(line: SinkLine): void {
    try {
      this.tellLoss();
      this.sink.write(line);
    } catch (error) {
      this.why = (error as Error).message;
      this.lost++;
    }
  }

  /** Lines that were lost and not told of yet. */
  get untold(): number {
    return this.lost;
  }

  /** Also to be called now and then, because there may be nothing else to say. */
  tell(): void {
    try {
      this.tellLoss();
    } catch (error) {
      this.why = (error as Error).message;
    }
  }

  reopen(): void {
    this.sink.reopen();
  }

  private tellLoss(): void {
    if (this.lost === 0) return;
    this.sink.write(this.about(this.lost, this.why));
    this.lost = 0;
  }
}
