// Finds out when a process that has been started can be counted on.
import { setTimeout as sleep } from 'node:timers/promises';
import { READY_REPORT_MS } from '../../config/defaults.ts';
import type { Readiness } from '../../config/model.ts';
import { lookFromInside } from './inside.ts';
import { tryConnection, tryProgram } from './try.ts';

export interface CheckPlace {
  /** The command line that runs a program in its container. */
  readonly exec: (argv: readonly string[]) => readonly string[];
  /** Its default shell with the script in its place. */
  readonly shell: (script: string) => readonly string[];
  /** Where its network is not ours: the path of the namespace, once there is one. */
  readonly network?: () => string | undefined;
}

export interface CheckEvents {
  ready(): void;
  /** Its time is over. */
  failed(reason: string): void;
  /** From time to time while it is not ready. */
  report(text: string): void;
}

const NOTHING = 'nothing yet';

export class ReadyCheck {
  readonly #readiness: Readiness;
  readonly #events: CheckEvents;
  readonly #ending = new AbortController();
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #startedMs = performance.now();
  readonly #pattern: RegExp | undefined;
  #answer = NOTHING;

  constructor(readiness: Readiness, place: CheckPlace, events: CheckEvents) {
    this.#readiness = readiness;
    this.#events = events;
    this.#pattern = readiness.tag === 'Log' ? new RegExp(readiness.pattern, 'u') : undefined;
    if (readiness.tag === 'Log') this.#answer = `no line matches ${readiness.pattern}`;
    this.#timers = [
      setTimeout(() => this.#fail(), readiness.timeout * 1000),
      setInterval(() => this.#report(), READY_REPORT_MS),
    ];
    void this.#look(place);
  }

  /** A line of its output. */
  line(text: string): void {
    if (this.#pattern?.test(text)) this.#succeed();
  }

  cancel(): void {
    this.#ending.abort();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  async #look(place: CheckPlace): Promise<void> {
    const { signal } = this.#ending;
    const readiness = this.#readiness;
    if (readiness.tag === 'Log' || readiness.tag === 'Exit') return;
    if (readiness.tag !== 'Exec' && place.network !== undefined) {
      const network = await this.#whenThere(place.network);
      if (network !== undefined) lookFromInside(readiness, network, problem => this.#take(problem), signal);
      return;
    }
    while (!signal.aborted) {
      // A signal of its own: sockets never take back their listeners, of which there would be hundreds on a common one.
      this.#take(await this.#try(place, AbortSignal.any([signal])));
      await sleep(readiness.interval, undefined, { signal }).catch(() => undefined);
    }
  }

  /** A container that has just been started needs some milliseconds for its network. */
  async #whenThere(find: () => string | undefined): Promise<string | undefined> {
    const { signal } = this.#ending;
    for (let found = find(); !signal.aborted; found = find()) {
      if (found !== undefined) return found;
      await sleep(this.#readiness.interval, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }

  #try({ exec, shell }: CheckPlace, signal: AbortSignal): Promise<string | undefined> {
    const readiness = this.#readiness;
    if (readiness.tag === 'Tcp' || readiness.tag === 'Http') return tryConnection(readiness, signal);
    const command = readiness.tag === 'Exec' ? readiness.command : [];
    return tryProgram(exec(typeof command === 'string' ? shell(command) : command), signal);
  }

  #take(problem: string | undefined): void {
    if (this.#ending.signal.aborted) return;
    if (problem === undefined) this.#succeed();
    else this.#answer = problem;
  }

  #succeed(): void {
    if (this.#ending.signal.aborted) return;
    this.cancel();
    this.#events.ready();
  }

  #fail(): void {
    this.cancel();
    this.#events.failed(`${this.#readiness.timeout} s are over, the last answer was: ${this.#answer}`);
  }

  #report(): void {
    const seconds = Math.round((performance.now() - this.#startedMs) / 1000);
    this.#events.report(`not ready after ${seconds} s: ${this.#answer}`);
  }
}
