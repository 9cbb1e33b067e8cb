// The log of one build, beside the image, and its last lines for the user.
import { closeSync, openSync, writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { FAILURE_TAIL_LINES } from '../../config/defaults.ts';

/** A progress bar may write for hours without a newline. */
const LINE_CHARACTERS_MAX = 4096;

export class BuildLog {
  readonly path: string;
  readonly #fd: number;
  readonly #decoder = new StringDecoder('utf8');
  #tail: string[] = [];
  #rest = '';
  /** Called with each complete line, for the progress display. */
  onLine: (line: string) => void = () => {};
  onWarning: (text: string) => void = () => {};

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'a', 0o644);
  }

  write(data: Buffer | string): void {
    const text = typeof data === 'string' ? data : this.#decoder.write(data);
    writeSync(this.#fd, data as Buffer);
    const lines = (this.#rest + text).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-LINE_CHARACTERS_MAX);
    for (const line of lines) this.#add(line.slice(line.lastIndexOf('\r') + 1).trimEnd());
  }

  /** For the user to see, too, although nothing has failed. */
  warn(text: string): void {
    this.write(`Warning: ${text}\n`);
    this.onWarning(text);
  }

  #add(line: string): void {
    this.#tail = [...this.#tail, line].slice(-FAILURE_TAIL_LINES);
    this.onLine(line);
  }

  /** The lines of another step are no news about this one. */
  beginStep(title: string): void {
    this.#tail = [];
    this.#rest = '';
    writeSync(this.#fd, `\n=== ${title}\n`);
  }

  tail(): readonly string[] {
    return this.#rest === '' ? this.#tail : [...this.#tail, this.#rest].slice(-FAILURE_TAIL_LINES);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
