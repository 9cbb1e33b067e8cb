// Where lines of supervised processes go: the terminal, each with the name of its process in a colour of its own.
import type { ColourName, Colours } from '@suite/shared/cli/colours.ts';

export type StreamName = 'stdout' | 'stderr';

/** Takes lines without their newlines, in the order in which they came. */
export interface Output {
  /** False: nobody has read what was given before; no more should come until `whenRead`. */
  lines(name: string, to: StreamName, lines: readonly Uint8Array[]): boolean;
  say(to: StreamName, text: string): void;
  /** Calls back once, when there is room again. */
  whenRead(to: StreamName, callback: () => void): void;
  /** When everything has been taken by whoever reads, or nobody does any more. */
  flushed(): Promise<void>;
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

/** Nobody reads it any more. Node does not call its own output destroyed then. */
function isGone(stream: NodeJS.WriteStream): boolean {
  return stream.destroyed || stream.errored !== null || !stream.writable;
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise(resolve => {
    if (isGone(stream)) resolve();
    else stream.write('', () => resolve());
  });
}

export class TerminalOutput implements Output {
  readonly #prefixes: ReadonlyMap<string, string>;
  readonly #display: Display;

  constructor(names: readonly string[], display: Display) {
    this.#prefixes = prefixes(names, display);
    this.#display = display;
  }

  /** One write for all of them: a line is never torn by another's. `at`: when they came, if not now. */
  lines(name: string, to: StreamName, lines: readonly Uint8Array[], at?: string): boolean {
    const { timestamps, colours } = this.#display;
    const time = timestamps ? `${colours.dim(at ?? new Date().toISOString())} ` : '';
    const before = Buffer.from(`${time}${this.#prefixes.get(name) ?? ''}`);
    const stream = process[to];
    // Who reads no more wants none of it, and the processes must not wait for him.
    return isGone(stream) || stream.write(Buffer.concat(lines.flatMap(line => [before, line, NEWLINE])));
  }

  whenRead(to: StreamName, callback: () => void): void {
    const stream = process[to];
    const done = () => {
      stream.off('drain', done);
      stream.off('close', done);
      stream.off('error', done);
      callback();
    };
    stream.on('drain', done);
    stream.on('close', done);
    stream.on('error', done);
    if (isGone(stream)) done();
  }

  async flushed(): Promise<void> {
    await Promise.all([process.stdout, process.stderr].map(written));
  }

  say(to: StreamName, text: string): void {
    process[to].write(`${text}\n`);
  }
}
