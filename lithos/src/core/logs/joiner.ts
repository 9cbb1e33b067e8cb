// Lines of a log as the program wrote them: the parts of a long line are put together again.
import { type LogLine, parseLogLine, type Stream } from './line.ts';

/** The program's own line; time is that of its first part. */
export interface LogEntry {
  readonly time: string;
  readonly wallMs: number;
  /** Undefined: a line that nobody wrote as a whole (the disk was full). */
  readonly stream: Stream | undefined;
  readonly text: string;
}

export class LineJoiner {
  private readonly maxChars: number;
  private readonly parts = new Map<Stream, LogLine>();
  private last = { time: '', wallMs: Number.NaN };

  /** A line that is longer comes out in pieces of about this length. */
  constructor(maxChars: number) {
    this.maxChars = maxChars;
  }

  /** `line`: of the file, without its newline. Undefined: it goes on. */
  push(line: string): LogEntry | undefined {
    const parsed = parseLogLine(line);
    // It belongs to where it stands.
    if (parsed === undefined) return { ...this.last, stream: undefined, text: line };
    const { stream, time, wallMs } = parsed;
    this.last = { time, wallMs };
    const begun = this.parts.get(stream);
    const whole = begun === undefined ? parsed : { ...begun, text: begun.text + parsed.text };
    if (parsed.partial && whole.text.length < this.maxChars) {
      this.parts.set(stream, whole);
      return undefined;
    }
    this.parts.delete(stream);
    return { time: whole.time, wallMs: whole.wallMs, stream, text: whole.text };
  }

  /** Lines that were begun and have no end yet. */
  rest(): LogEntry[] {
    const rest = [...this.parts.values()];
    this.parts.clear();
    return rest.map(({ time, wallMs, stream, text }) => ({ time, wallMs, stream, text }));
  }
}
