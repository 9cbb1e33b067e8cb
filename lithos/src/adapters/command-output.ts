// The output of a command that has no terminal: appended to a log of the sandbox, in the format and with the limits of
// all its logs. Whatever becomes of the log, the program goes on.
import type { ChildProcess } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';
import { realClock } from '@suite/shared/ports/real.ts';
import { LOGS } from '../config/defaults.ts';
import { logColumns, markerLine } from '../core/logs/line.ts';
import { CountingSink, FileSink } from './logs/line-sink.ts';
import { LOG_MODE, type LogLimits } from './logs/rotation.ts';

export interface CopiedOutput {
  /** Lines that the disk did not take, and that the log does not tell of either. */
  readonly lostLines: number;
}

class Lines {
  private readonly decoder = new StringDecoder('utf8');
  private readonly write: (text: string, isPartial: boolean) => void;
  private begun = '';

  constructor(write: (text: string, isPartial: boolean) => void) {
    this.write = write;
  }

  push(chunk: Buffer): void {
    const lines = `${this.begun}${this.decoder.write(chunk)}`.split('\n');
    this.begun = lines.pop() as string;
    for (const line of lines) this.write(line, false);
    // A program that never ends its line must not fill our memory.
    if (this.begun.length < LOGS.pipeLookBytes) return;
    this.write(this.begun, true);
    this.begun = '';
  }

  end(): void {
    const rest = this.begun + this.decoder.end();
    if (rest !== '') this.write(rest, false);
  }
}

/** Resolves when both pipes have ended; never rejects. */
export async function copyToLog(child: ChildProcess, file: string, limits: LogLimits): Promise<CopiedOutput> {
  const about = (lost: number, why: string) => ({
    level: 'error' as const,
    json: markerLine(realClock.wallMs(), `${lost} lines lost: ${why}`),
  });
  const sink = new CountingSink(new FileSink(file, limits, realClock, LOG_MODE), about);
  const copy = async (stream: 'stdout' | 'stderr') => {
    // Whole lines, so that two runs at once do not mix within one.
    const lines = new Lines((text, isPartial) => {
      const columns = logColumns(realClock.wallMs(), stream, isPartial);
      sink.write({ level: 'info', json: `${columns}${text}\n` });
    });
    for await (const chunk of child[stream] ?? []) lines.push(chunk as Buffer);
    lines.end();
  };
  await Promise.allSettled([copy('stdout'), copy('stderr')]);
  sink.reopen();
  return { lostLines: sink.untold };
}
