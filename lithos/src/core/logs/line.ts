// One line of an instance's log, as the monitor writes it (the k8s-file format of CRI):
//
//   2026-11-20T10:12:55.211131525+00:00 stdout F whole line, or the end of one
//   2026-11-20T10:12:55.211131525+00:00 stdout P a part of a line that goes on
//
// Lines of the stream `lithos` are ours: no program can write those.

export type Stream = 'stdout' | 'stderr' | 'lithos';

export interface LogLine {
  /** As in the file. */
  readonly time: string;
  /** ms since 1970; NaN when the time cannot be read. */
  readonly wallMs: number;
  readonly stream: Stream;
  /** The line goes on in the next one of its stream. */
  readonly partial: boolean;
  readonly text: string;
}

const LINE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) (stdout|stderr|lithos) ([PF]) (.*)$/s;
/** What a write that was cut short leaves: the columns without any text. */
const ONLY_COLUMNS = /^\d{4}-\d\d-\d\dT\S+ (stdout|stderr) [PF] $/;

/** Undefined for what no monitor writes (a line torn by a full disk). */
export function parseLogLine(line: string): LogLine | undefined {
  const found = LINE.exec(line);
  if (found === null) return undefined;
  const [, time = '', stream, flag, text = ''] = found;
  return { time, wallMs: Date.parse(time), stream: stream as Stream, partial: flag === 'P', text };
}

/** The columns before the text, in UTC; ends with a blank. */
export function logColumns(wallMs: number, stream: Stream, partial: boolean): string {
  const time = new Date(wallMs).toISOString().replace('Z', '000000+00:00');
  return `${time} ${stream} ${partial ? 'P' : 'F'} `;
}

/** A line of ours, newline included. */
export function markerLine(wallMs: number, text: string): string {
  return `${logColumns(wallMs, 'lithos', false)}----- ${text.replaceAll(/[\r\n]+/g, ' ')} -----\n`;
}

/** True when the last line of a log, which has no newline, holds columns and nothing else. */
export function isOnlyColumns(line: string): boolean {
  return ONLY_COLUMNS.test(line);
}
