/** From rare to chatty; a logger prints its level and those before it. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFields = Readonly<Record<string, unknown>>;

export interface LoggerOptions {
  /** Gets whole lines, newline included. */
  readonly write: (line: string) => unknown;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  readonly level?: LogLevel;
  readonly format?: 'json' | 'plain';
  /** What is speaking, e.g. `lithos_tree` or a sandbox. */
  readonly unit?: string;
}

type Say = (message: string, fields?: LogFields) => void;
export type Logger = { readonly [K in LogLevel]: Say } & {
  readonly level: LogLevel;
  /** The same log with another unit. */
  child(unit: string): Logger;
};

/** Fields of these names carry secrets in every tool. */
const SECRET = /pass(word|phrase)?$|secret|token|private-?key/i;

/** A message longer than this is cut: a log line must not fill a disk. */
const MAX_TEXT = 16_384;

/** `{"time":"…","level":"info","unit":"…","message":"…",…fields}` or `TIME LEVEL unit: message key=value`. */
export function createLogger(options: LoggerOptions): Logger {
  const { level = 'warn', format = 'plain', unit } = options;
  const print = format === 'json' ? jsonLine : plainLine;
  const say =
    (name: LogLevel): Say =>
    (message, fields = {}) => {
      if (LOG_LEVELS.indexOf(name) > LOG_LEVELS.indexOf(level)) return;
      const time = new Date(options.wallMs()).toISOString();
      options.write(`${print(time, name, unit, message.slice(0, MAX_TEXT), fields)}\n`);
    };
  return {
    level,
    error: say('error'),
    warn: say('warn'),
    info: say('info'),
    debug: say('debug'),
    trace: say('trace'),
    child: name => createLogger({ ...options, unit: name }),
  };
}

/** Case does not matter; undefined for a word that is no level. */
export function parseLogLevel(word: string): LogLevel | undefined {
  return LOG_LEVELS.find(level => level === word.toLowerCase());
}

function jsonLine(
  time: string,
  level: LogLevel,
  unit: string | undefined,
  message: string,
  fields: LogFields,
): string {
  return JSON.stringify(
    { time, level, ...(unit !== undefined && { unit }), message, ...fields },
    (key, value) => plainValue(key, value),
  );
}

function plainLine(
  time: string,
  level: LogLevel,
  unit: string | undefined,
  message: string,
  fields: LogFields,
): string {
  const pairs = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${JSON.stringify(plainValue(key, value))}`,
  );
  // A line break in a message could forge a second log line.
  const text = message.replaceAll('\n', '\\n');
  return `${time} ${level.toUpperCase().padEnd(5)} ${unit === undefined ? '' : `${unit}: `}${text}${pairs.join('')}`;
}

function plainValue(key: string, value: unknown): unknown {
  if (SECRET.test(key)) return '***';
  if (value instanceof Error) return value.message;
  return typeof value === 'bigint' ? value.toString() : value;
}
