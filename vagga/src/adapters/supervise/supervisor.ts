// Carries out what the supervise machine decides, with real containers, timers and checks.

import { STOP_REMINDER_MS } from '../../config/defaults.ts';
import type { Readiness } from '../../config/model.ts';
import { superviseStart, superviseStep } from '../../core/supervise/machine.ts';
import type {
  SuperviseEffect,
  SuperviseEvent,
  SuperviseOptions,
  SuperviseState,
} from '../../core/supervise/types.ts';
import { type CheckPlace, ReadyCheck } from '../ready/check.ts';
import type { NotStarted, Prepared } from '../run/prepare.ts';
import type { Output, StreamName } from './output.ts';
import { SupervisedProcess } from './process.ts';

export interface SupervisedChild {
  readonly name: string;
  /** For the first start; the others are prepared when they come. */
  readonly prepared: Prepared;
  prepareAgain(): Promise<Prepared | NotStarted>;
  readonly ready?: Readiness;
  /** Said when it is ready, each time. */
  readonly banner?: { readonly text: string; readonly delayMs: number };
  checkPlace(prepared: Prepared): CheckPlace;
}

export interface SupervisorEvents {
  /** After each step. */
  changed?(state: SuperviseState): void;
  finished(code: number): void;
}

const decoder = new TextDecoder();

export class Supervisor {
  readonly #options: SuperviseOptions;
  readonly #children: ReadonlyMap<string, SupervisedChild>;
  readonly #output: Output;
  readonly #events: SupervisorEvents;
  readonly #unused: Map<string, Prepared>;
  readonly #processes = new Map<string, SupervisedProcess>();
  readonly #checks = new Map<string, ReadyCheck>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #queue: SuperviseEvent[] = [];
  /** Streams of ours whose readers are slow. */
  readonly #waiting = new Set<StreamName>();
  #reminder: NodeJS.Timeout | undefined;
  #state: SuperviseState;
  #busy = false;

  constructor(
    children: readonly SupervisedChild[],
    options: SuperviseOptions,
    output: Output,
    events: SupervisorEvents,
  ) {
    this.#options = options;
    this.#output = output;
    this.#events = events;
    this.#children = new Map(children.map(child => [child.name, child]));
    this.#unused = new Map(children.map(({ name, prepared }) => [name, prepared]));
    this.#state = superviseStart(children.map(({ name }) => name));
  }

  get state(): SuperviseState {
    return this.#state;
  }

  /** The running start of a child. */
  process(name: string): SupervisedProcess | undefined {
    return this.#processes.get(name);
  }

  processes(): readonly SupervisedProcess[] {
    return [...this.#processes.values()];
  }

  /** What an effect causes comes after the effects that are still to be done. */
  dispatch(event: SuperviseEvent): void {
    this.#queue.push(event);
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#step(next);
    this.#busy = false;
  }

  #step(event: SuperviseEvent): void {
    const before = this.#state;
    const { state, effects } = superviseStep(before, event, this.#options);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    this.#events.changed?.(state);
    if (state.kind === 'ended' && before.kind !== 'ended') this.#finish(state.code);
  }

  #finish(code: number): void {
    for (const timer of this.#timers) clearTimeout(timer);
    clearTimeout(this.#reminder);
    for (const check of this.#checks.values()) check.cancel();
    for (const prepared of this.#unused.values()) prepared.bundle.remove();
    this.#events.finished(code);
  }

  #perform(effect: SuperviseEffect): void {
    switch (effect.kind) {
      case 'say':
        this.#output.say(effect.to, effect.text);
        return;
      case 'start':
        void this.#start(effect.name);
        return;
      case 'send':
        for (const name of effect.names) this.#processes.get(name)?.send(effect.signal as NodeJS.Signals);
        return;
      case 'kill':
        for (const name of effect.names) this.#processes.get(name)?.kill();
        return;
      case 'give-time':
        this.#later(effect.seconds * 1000, { kind: 'time-is-up', pids: effect.pids });
        return;
      case 'back-off':
        this.#later(effect.delayMs, { kind: 'back-off-over', name: effect.name });
        return;
      case 'remind':
        clearTimeout(this.#reminder);
        if (this.#options.killUnresponsiveAfterS * 1000 > STOP_REMINDER_MS)
          this.#reminder = setTimeout(() => this.dispatch({ kind: 'reminder' }), STOP_REMINDER_MS);
    }
  }

  #later(delayMs: number, event: SuperviseEvent): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.dispatch(event);
    }, delayMs);
    this.#timers.add(timer);
  }

  async #start(name: string): Promise<void> {
    const child = this.#children.get(name) as SupervisedChild;
    const first = this.#unused.get(name);
    this.#unused.delete(name);
    const prepared = first ?? (await child.prepareAgain());
    if (prepared.kind === 'ended') {
      const reason = (prepared.stderr ?? `code ${prepared.code}`).trim();
      this.dispatch({ kind: 'not-started', name, reason });
      return;
    }
    if (this.#state.kind === 'running') {
      this.#spawn(child, prepared);
      return;
    }
    // Meanwhile another has brought the whole command down.
    prepared.bundle.remove();
    this.dispatch({ kind: 'exited', name, pid: 0, code: 0, ranMs: 0 });
  }

  #spawn(child: SupervisedChild, prepared: Prepared): void {
    const { name } = child;
    const process = new SupervisedProcess(prepared, {
      lines: (to, lines) => this.#lines(name, to, lines),
      notStarted: reason => {
        this.#gone(name);
        this.dispatch({ kind: 'not-started', name, reason });
      },
      ended: code => {
        const { pid = 0, startedMs } = process;
        this.#gone(name);
        this.dispatch({ kind: 'exited', name, pid, code, ranMs: performance.now() - startedMs });
      },
    });
    this.#processes.set(name, process);
    if (process.pid === undefined) return;
    this.#check(child, prepared, process.pid);
    this.dispatch({ kind: 'started', name, pid: process.pid });
  }

  #gone(name: string): void {
    this.#checks.get(name)?.cancel();
    this.#checks.delete(name);
    this.#processes.delete(name);
  }

  #announce({ name, banner }: SupervisedChild, pid: number): void {
    if (banner === undefined) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#processes.get(name)?.pid === pid) this.#output.say('stderr', banner.text.replace(/\n$/, ''));
    }, banner.delayMs);
    this.#timers.add(timer);
  }

  #check(child: SupervisedChild, prepared: Prepared, pid: number): void {
    const { name, ready, checkPlace } = child;
    if (ready === undefined || ready.tag === 'Exit') {
      this.#announce(child, pid);
      return;
    }
    const check = new ReadyCheck(ready, checkPlace(prepared), {
      ready: () => {
        this.#announce(child, pid);
        this.dispatch({ kind: 'ready', name, pid });
      },
      failed: reason => this.dispatch({ kind: 'not-ready', name, pid, reason }),
      report: text => this.#output.say('stderr', `${name} is ${text}`),
    });
    this.#checks.set(name, check);
  }

  /** Nothing piles up here while nobody reads. */
  #waitForReader(to: StreamName): void {
    for (const process of this.processes()) process.pause();
    if (this.#waiting.has(to)) return;
    this.#waiting.add(to);
    this.#output.whenRead(to, () => {
      this.#waiting.delete(to);
      if (this.#waiting.size === 0) for (const process of this.processes()) process.resume();
    });
  }

  #lines(name: string, to: StreamName, lines: readonly Uint8Array[]): void {
    if (!this.#output.lines(name, to, lines)) this.#waitForReader(to);
    const check = this.#checks.get(name);
    if (check !== undefined) for (const line of lines) check.line(decoder.decode(line));
  }
}
