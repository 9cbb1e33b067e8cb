// One start of a supervised process: the engine with its container, its output cut into lines.
import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { OUTPUT_LINE_BYTES_MAX } from '../../config/defaults.ts';
import { LineCutter } from '../../core/supervise/lines.ts';
import { engineCommand } from '../oci/engine.ts';
import { asEngine } from '../run/engine-process.ts';
import { passSignal } from '../run/pass-signal.ts';
import type { Prepared } from '../run/prepare.ts';
import type { StreamName } from './output.ts';

/** Long enough for an ordinary end, of which nobody has to be reminded. */
const KILL_AGAIN_MS = 500;

export interface ProcessEvents {
  lines(to: StreamName, lines: readonly Uint8Array[]): void;
  /** All output has come. `code`: 128 + number when a signal ended it. */
  ended(code: number): void;
  notStarted(reason: string): void;
}

function cutLines(source: Readable | null, to: StreamName, events: ProcessEvents): void {
  const cutter = new LineCutter(OUTPUT_LINE_BYTES_MAX);
  const pass = (lines: readonly Uint8Array[]) => {
    if (lines.length > 0) events.lines(to, lines);
  };
  source?.on('data', (chunk: Buffer) => pass(cutter.push(chunk)));
  source?.on('end', () => pass(cutter.end()));
}

export class SupervisedProcess {
  readonly prepared: Prepared;
  readonly startedMs = performance.now();
  readonly #child: ChildProcess;
  #killing: NodeJS.Timeout | undefined;

  constructor(prepared: Prepared, events: ProcessEvents) {
    this.prepared = prepared;
    const [program = '', ...rest] = prepared.argv;
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(prepared.fds ?? [])];
    // Own group: Ctrl-C reaches only us, and we tell the processes in order.
    this.#child = spawn(program, rest, { stdio, detached: true });
    cutLines(this.#child.stdout, 'stdout', events);
    cutLines(this.#child.stderr, 'stderr', events);
    this.#child.once('error', error => {
      if (this.#child.pid === undefined) this.#end(() => events.notStarted(error.message));
    });
    this.#child.once('close', (code, signal) => {
      const value = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      if (this.#child.pid !== undefined) this.#end(() => events.ended(value));
    });
  }

  #end(tell: () => void): void {
    clearInterval(this.#killing);
    this.prepared.bundle.remove();
    tell();
  }

  /** Of the engine; undefined: it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Its output waits in pipes, and it itself when they are full. */
  pause(): void {
    this.#child.stdout?.pause();
    this.#child.stderr?.pause();
  }

  resume(): void {
    this.#child.stdout?.resume();
    this.#child.stderr?.resume();
  }

  /** The engine passes it on. */
  send(signal: NodeJS.Signals): void {
    passSignal(asEngine(this.#child), this.prepared, signal);
  }

  /**
   * Killing the engine alone would leave its container. One that the engine has started between the two is found when its output does
   * not end.
   */
  kill(): void {
    this.#deleteContainer();
    this.#child.kill('SIGKILL');
    this.#killing ??= setInterval(() => this.#deleteContainer(), KILL_AGAIN_MS);
  }

  #deleteContainer(): void {
    const { engine, bundle } = this.prepared;
    const [program = '', ...rest] = engineCommand(engine, 'delete', '--force', bundle.id);
    spawnSync(program, rest, { stdio: 'ignore' });
  }
}
