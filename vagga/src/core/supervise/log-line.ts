// Lines of a detached command in its log: `TIME o|e|- NAME TEXT`; `-` with an empty name is vagga itself.

export interface LogLine {
  /** ISO 8601 in UTC, so that they sort as texts. */
  readonly time: string;
  readonly name: string;
  readonly to: 'stdout' | 'stderr';
  readonly text: string;
}

const STREAMS = { o: 'stdout', e: 'stderr' } as const;

/** What comes before the text. Names of children hold no blanks in practice; if one does, it is kept apart by a tab. */
export function logPrefix(time: string, name: string, to: LogLine['to']): string {
  return `${time} ${to === 'stdout' ? 'o' : 'e'} ${name}\t`;
}

/** Undefined: it is no line of ours, as the first one of a file that was cut may be. */
export function parseLogLine(line: string): LogLine | undefined {
  const [, time = '', stream, name = '', text = ''] = /^(\S+) ([oe]) ([^\t]*)\t(.*)$/s.exec(line) ?? [];
  return stream === undefined ? undefined : { time, name, to: STREAMS[stream as 'o' | 'e'], text };
}

export interface LogWish {
  /** Of children; none: all. */
  readonly names: readonly string[];
  /** Only lines from then on. */
  readonly since?: string;
}

export function isWished({ name, time }: LogLine, { names, since }: LogWish): boolean {
  return (names.length === 0 || names.includes(name)) && (since === undefined || time >= since);
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `10m`, `1h30m`, or a time as JavaScript understands it; undefined: neither. As ISO 8601 in UTC. */
export function sinceTime(text: string, nowMs: number): string | undefined {
  const parts = [...text.matchAll(/(\d+)([smhd])/g)];
  const isDuration = parts.length > 0 && parts.map(([part]) => part).join('') === text;
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit as 's'], 0);
  const atMs = isDuration ? nowMs - seconds * 1000 : Date.parse(text);
  return Number.isNaN(atMs) ? undefined : new Date(atMs).toISOString();
}
