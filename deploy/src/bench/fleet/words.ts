import { spawnSync } from 'node:child_process';
import { constants, mkdirSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What every supervised program does, in busybox's shell: one word into the fifo of `directory`, then sleep. */
export function program(directory: string): string {
  return `echo $$ > ${directory}/fifo; exec /bin/busybox sleep 100000`;
}

/** The fifo into which programs write when they run, so that a stopwatch does not rely on what supervisors believe. */
export class Words {
  readonly directory: string;
  readonly #socket: Socket;
  readonly #waiting: (() => void)[] = [];

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
    const fifo = join(directory, 'fifo');
    spawnSync('mkfifo', ['-m', '666', fifo]);
    // For writing too, so that it never ends. A file stream would keep a thread of the pool in its read for ever.
    const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    this.#socket = new Socket({ fd, readable: true, writable: false });
    createInterface({ input: this.#socket }).on('line', () => this.#waiting.shift()?.());
  }

  /** Resolves when `count` more have been said. */
  async next(count = 1): Promise<void> {
    const words = Array.from(
      { length: count },
      () => new Promise<void>(resolve => this.#waiting.push(resolve)),
    );
    await Promise.all(words);
  }

  close(): void {
    this.#socket.destroy();
  }
}
