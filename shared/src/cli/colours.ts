/** The part of a stream this room needs; `process.stdout` and `process.stderr` fit. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

export type ColourName = keyof typeof CODES;
export type Colours = { readonly enabled: boolean } & {
  readonly [K in ColourName]: (text: string) => string;
};

/**
 * FORCE_COLOR wins (`0` and `false` mean no), then NO_COLOR (no-color.org: set and not empty), then TERM=dumb, then whether it is a terminal.
 * @param wanted an explicit option of the user, stronger than the environment
 */
export function colours(
  stream: Pick<OutputStream, 'isTTY'>,
  env: Environment,
  wanted: 'auto' | 'always' | 'never' = 'auto',
): Colours {
  const enabled = wanted === 'auto' ? isColourful(stream, env) : wanted === 'always';
  const paint = ([open, close]: readonly [number, number]) =>
    enabled ? (text: string) => `\x1b[${open}m${text}\x1b[${close}m` : (text: string) => text;
  const entries = Object.entries(CODES).map(([name, code]) => [name, paint(code)]);
  return { enabled, ...Object.fromEntries(entries) } as Colours;
}

function isColourful(stream: Pick<OutputStream, 'isTTY'>, env: Environment): boolean {
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  return env.TERM !== 'dumb' && stream.isTTY === true;
}
