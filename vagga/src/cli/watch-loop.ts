// A command that is run again whenever files change: as a process of its own, so that everything a start does is done anew,
// building included.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { KILL_UNRESPONSIVE_AFTER_S } from '../config/defaults.ts';

/** Beside the time that its processes get: it has to notice and to clean up. */
const SLACK_MS = 3000;

export interface Loop {
  /** Something has changed: run again. */
  again(why: string): void;
  /** Resolves to the exit code when the user has ended it. */
  readonly ended: Promise<number>;
}

const tell = (text: string) => void process.stderr.write(`[watch] ${text}\n`);

//            change                   change
//   running ───────▶ ending ──its end──▶ running        idle ──▶ running
//      │ its end                                            ▲
//      └────────────────────────────────────────────────────┘      INT, TERM: ──▶ over, as soon as nothing runs
class WatchLoop implements Loop {
  readonly ended: Promise<number>;
  readonly #argv: readonly string[];
  readonly #killAfterMs: number;
  #end: (code: number) => void = () => {};
  #child: ReturnType<typeof spawn> | undefined;
  #wanted = false;
  #signal: NodeJS.Signals | undefined;

  constructor(argv: readonly string[], killAfterS: number) {
    this.#argv = argv;
    this.#killAfterMs = killAfterS * 1000 + SLACK_MS;
    this.ended = new Promise(resolve => {
      this.#end = resolve;
    });
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const)
      process.on(signal, () => this.#interrupt(signal));
    this.#start();
  }

  again(why: string): void {
    tell(`${why}: running again`);
    this.#wanted = true;
    if (this.#child === undefined) this.#start();
    else this.#ask(this.#child);
  }

  #ask(child: ReturnType<typeof spawn>): void {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), this.#killAfterMs);
    child.once('exit', () => clearTimeout(timer));
  }

  #start(): void {
    this.#wanted = false;
    const child = spawn(process.execPath, ['--', ...this.#argv], { stdio: 'inherit' });
    this.#child = child;
    child.once('exit', (code, signal) => this.#gone(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  }

  #gone(code: number): void {
    this.#child = undefined;
    if (this.#signal !== undefined) this.#end(128 + constants.signals[this.#signal]);
    else if (this.#wanted) this.#start();
    else tell(`it ended with code ${code}; waiting for a change`);
  }

  /** A terminal sends it to the child, too; whoever sends it to us alone means both. */
  #interrupt(signal: NodeJS.Signals): void {
    this.#signal ??= signal;
    if (this.#child === undefined) this.#end(128 + constants.signals[signal]);
    else this.#child.kill(signal);
  }
}

/** `argv`: of our own program. `killAfterS`: what the command gives its processes. */
export function startLoop(argv: readonly string[], killAfterS = KILL_UNRESPONSIVE_AFTER_S): Loop {
  return new WatchLoop(argv, killAfterS);
}
