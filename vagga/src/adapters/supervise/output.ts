// Where lines of supervised processes go: the terminal, each with the name of its process in a colour of its own.
import type { ColourName, Colours } from '@suite/shared/cli/colours.ts';

export type StreamName = 'stdout' | 'stderr';

/** Takes lines without their newlines, in the order in which they came. */
export interface Output {
  lines(name: string, to: StreamName, lines: readonly Uint8Array[]): void;
  say(to: StreamName, text: string): void;
}

export interface Display {
  readonly colours: Colours;
  readonly logPrefix: boolean;
  readonly timestamps: boolean;
}

/** By name order, so that a process keeps its colour from run to run, whichever of them run. */
const PREFIX_COLOURS: readonly ColourName[] = ['cyan', 'yellow', 'green', 'magenta', 'blue', 'red'];

const NEWLINE = Buffer.from('\n');

/** `names`: all there are, not only those that run. */
export function prefixes(
  names: readonly string[],
  { colours, logPrefix }: Display,
): ReadonlyMap<string, string> {
  const sorted = [...names].sort();
  const width = Math.max(0, ...sorted.map(name => name.length));
  return new Map(
    sorted.map((name, index) => {
      const colour = PREFIX_COLOURS[index % PREFIX_COLOURS.length] as ColourName;
      return [name, logPrefix ? `${colours[colour](`${name.padEnd(width)} |`)} ` : ''];
    }),
  );
}

export class TerminalOutput implements Output {
  readonly #prefixes: ReadonlyMap<string, string>;
  readonly #display: Display;

  constructor(names: readonly string[], display: Display) {
    this.#prefixes = prefixes(names, display);
    this.#display = display;
  }

  /** One write for all of them: a line is never torn by another's. `at`: when they came, if not now. */
  lines(name: string, to: StreamName, lines: readonly Uint8Array[], at?: string): void {
    const { timestamps, colours } = this.#display;
    const time = timestamps ? `${colours.dim(at ?? new Date().toISOString())} ` : '';
    const before = Buffer.from(`${time}${this.#prefixes.get(name) ?? ''}`);
    process[to].write(Buffer.concat(lines.flatMap(line => [before, line, NEWLINE])));
  }

  say(to: StreamName, text: string): void {
    process[to].write(`${text}\n`);
  }
}
