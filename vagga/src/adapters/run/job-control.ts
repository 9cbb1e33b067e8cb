// Ctrl-Z and `fg` of a command in the foreground. A program in a terminal of its own is stopped by the keys itself and we
// have to notice; in all other cases the signal comes to us and we stop the program.
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { resizeTerminal, setTerminal, terminalSettings } from '@suite/shared/linux/terminal.ts';
import { consoleSize } from '../oci/bundle.ts';
import { programPid, signalGroups } from '../oci/processes.ts';
import type { EngineProcess } from './engine-process.ts';
import type { Prepared } from './prepare.ts';
import { isInBackground } from './terminal.ts';

/** People wait that long for their prompt without noticing; a look reads three small files. */
const POLL_MS = 100;
/** A stop that takes less was none: nobody would wake us up, so the kernel has ignored it. */
const STOP_MS_MIN = 2;
/** bash wakes us first and gives us the terminal then; it takes less than a millisecond, more where processors are few. */
const TERMINAL_GIVEN_MS_MAX = 50;
const PAUSE_MS = 1;

function isStopped(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.charAt(text.lastIndexOf(')') + 2) === 'T';
  } catch {
    return false;
  }
}

/** After `bg`; after `fg` the terminal comes soon. */
function staysInBackground(): boolean {
  const endMs = performance.now() + TERMINAL_GIVEN_MS_MAX;
  const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  while (isInBackground()) {
    if (performance.now() > endMs) return true;
    Atomics.wait(never, 0, 0, PAUSE_MS);
  }
  return false;
}

function giveBack(settings: Buffer | undefined): void {
  if (settings !== undefined) setTerminal(0, settings);
}

/** The one on the input of a process. */
function resizeTerminalOf(pid: number): void {
  try {
    const fd = openSync(`/proc/${pid}/fd/0`, constants.O_RDONLY | constants.O_NOCTTY);
    resizeTerminal(fd, consoleSize());
    closeSync(fd);
  } catch {
    // It has just ended.
  }
}

export class JobControl {
  readonly #prepared: Prepared;
  readonly #engine: EngineProcess;
  readonly #settings: Buffer | undefined;
  readonly #timer: NodeJS.Timeout | undefined;

  /** `settings`: of the terminal before the program changed it. */
  constructor(prepared: Prepared, engine: EngineProcess, settings: Buffer | undefined) {
    this.#prepared = prepared;
    this.#engine = engine;
    this.#settings = settings;
    process.on('SIGTSTP', this.#asked);
    if (!prepared.terminal) return;
    this.#timer = setInterval(() => this.#look(), POLL_MS);
    process.on('SIGWINCH', this.#resized);
  }

  close(): void {
    clearInterval(this.#timer);
    process.off('SIGWINCH', this.#resized);
    process.off('SIGTSTP', this.#asked);
  }

  readonly #asked = () => {
    signalGroups(this.#prepared.bundle.id, 'SIGTSTP');
    this.#suspend();
  };

  /** The engine knows the size of its start only. */
  readonly #resized = () => {
    const pid = this.#prepared.terminalPid?.();
    if (pid !== undefined) resizeTerminalOf(pid);
  };

  #look(): void {
    const { bundle, hasInit } = this.#prepared;
    if (hasInit && isStopped(programPid(bundle.id, hasInit))) this.#suspend();
  }

  /** Returns when we are in the foreground again. */
  #suspend(): void {
    const { terminal, bundle } = this.#prepared;
    const own = terminal ? terminalSettings(0) : undefined;
    if (terminal) giveBack(this.#settings);
    // In the background it would read the terminal, and fail.
    if (terminal) this.#engine.kill('SIGSTOP');
    process.off('SIGTSTP', this.#asked);
    this.#stopUntilForeground(terminal);
    process.on('SIGTSTP', this.#asked);
    // All this before the keys go to the program again: engine and init pass SIGCONT on, and that undoes a Ctrl-Z that was before it.
    // Until then the terminal makes a signal of Ctrl-Z, which comes to us.
    if (terminal) this.#engine.kill('SIGCONT');
    signalGroups(bundle.id, 'SIGCONT');
    giveBack(own);
    if (terminal) this.#resized();
  }

  /** The whole group: the shell looks at its own child, which may be one that has started us. */
  #stopUntilForeground(terminal: boolean): void {
    let stoppedMs: number;
    do {
      const beforeMs = performance.now();
      process.kill(terminal ? 0 : process.pid, 'SIGTSTP');
      stoppedMs = performance.now() - beforeMs;
    } while (terminal && stoppedMs > STOP_MS_MIN && staysInBackground());
  }
}
