// Holds a container back that is made and started in one go, until somebody has looked at its mounts. A hook of the runtime
// (runtime-spec: createRuntime, after the mounts and before the new root is entered) tells the pid and waits for a word.
//
//   hook: state ──▶ BUNDLE/gate.json, then reads `go` from the pipe BUNDLE/gate; anything else ends the container
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@suite/shared/ports/index.ts';
import { TIMES } from '../config/defaults.ts';

const WORD = 'go';
const SCRIPT = `cat > "$1.json.tmp" && mv "$1.json.tmp" "$1.json" && read -r word < "$1" && [ "$word" = ${WORD} ]`;

export class MountGate {
  /** Of the pipe. */
  readonly path: string;
  private readonly clock: Clock;
  /** Both ends, so that nobody waits for the other to open it. */
  private readonly fd: number;

  constructor(bundle: string, clock: Clock) {
    this.path = join(bundle, 'gate');
    this.clock = clock;
    const made = spawnSync('mkfifo', ['-m', '600', this.path]);
    if (made.status !== 0) throw new Error(`${this.path}: ${made.error?.message ?? made.stderr}`);
    this.fd = openSync(this.path, constants.O_RDWR | constants.O_NONBLOCK);
  }

  /** For the container's config.json. */
  hooks(): object {
    const env = [`PATH=${process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin'}`];
    return { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', SCRIPT, 'sh', this.path], env }] };
  }

  /**
   * Lets it pass when `check` resolves; `check` is told the pid of the container's first process. Rejects with its error,
   * and nothing of the image runs. Also resolves when the runtime `isOver` without having come so far.
   */
  async open(isOver: () => boolean, check: (pid: number) => Promise<void>): Promise<void> {
    const pid = await this.pid(isOver);
    if (pid === undefined) return;
    try {
      await check(pid);
      this.say(WORD);
    } catch (error) {
      this.say('no');
      throw error;
    }
  }

  /** Not before the runtime is over: what is said waits in the pipe until the hook reads it. */
  close(): void {
    closeSync(this.fd);
  }

  private say(word: string): void {
    writeSync(this.fd, `${word}\n`);
  }

  private async pid(isOver: () => boolean): Promise<number | undefined> {
    while (!isOver()) {
      try {
        return (JSON.parse(readFileSync(`${this.path}.json`, 'utf8')) as { pid: number }).pid;
      } catch {
        await new Promise<void>(resolve => this.clock.after(TIMES.killPollMs, resolve));
      }
    }
    return undefined;
  }
}
