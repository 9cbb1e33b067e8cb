// A run that others can see and give orders: its state in a file, and a socket for what they want.
import { readlinkSync } from 'node:fs';
import { isTerminal } from '@suite/shared/linux/terminal.ts';
import type { Children } from '../../core/supervise/child.ts';
import { runReport } from '../../core/supervise/run-state.ts';
import { pidOf } from '../../core/supervise/stopping.ts';
import type { SuperviseEvent, SuperviseState } from '../../core/supervise/types.ts';
import { currentIds } from '../namespace/current.ts';
import type { RunHooks } from '../supervise/run.ts';
import type { SupervisedChild, Supervisor } from '../supervise/supervisor.ts';
import { type Answer, type Order, serveOrders } from './control.ts';
import type { RunPlace } from './place.ts';
import { type RunState, supervising, writeState } from './state.ts';

/** The answer to an order, as soon as the state has one. */
type Judge = (state: SuperviseState) => Answer | undefined;

interface Waiter {
  readonly judge: Judge;
  readonly answer: (answer: Answer) => void;
}

const ALL_STOP: SuperviseEvent = { kind: 'signal', signal: 'SIGTERM' };
const DONE: Answer = { ok: true };

const haveStopped =
  (names: readonly string[]): Judge =>
  state =>
    state.kind === 'ended' || (names.length > 0 && names.every(name => state.children[name]?.kind === 'done'))
      ? DONE
      : undefined;

/** `before`: the processes that are to be replaced. */
const haveStarted =
  (names: readonly string[], before: Children): Judge =>
  state => {
    if (state.kind !== 'running') return { ok: false, message: 'the whole command is ending' };
    const isNew = ([pid]: number[], old: number[]) => pid !== undefined && pid !== 0 && pid !== old[0];
    return names.every(name => isNew(pidOf(state.children[name]), pidOf(before[name]))) ? DONE : undefined;
  };

function ownTerminal(): Pick<RunState, 'terminal'> {
  const fd = [1, 2].find(isTerminal);
  return fd === undefined ? {} : { terminal: readlinkSync(`/proc/self/fd/${fd}`) };
}

class PublishedRun implements Required<RunHooks> {
  readonly #place: RunPlace;
  readonly #base: Omit<RunState, 'containers' | 'report'>;
  readonly #waiters = new Set<Waiter>();
  #supervisor: Supervisor | undefined;
  #isTold = false;

  constructor(place: RunPlace, command: string, engine: RunState['engine']) {
    this.#place = place;
    this.#base = {
      command,
      startedAt: new Date().toISOString(),
      supervisor: supervising(currentIds().ids.kind !== 'real'),
      engine,
      ...ownTerminal(),
    };
  }

  readonly begun = (supervisor: Supervisor): void => {
    this.#supervisor = supervisor;
  };

  readonly changed = (state: SuperviseState): void => {
    this.#write(state);
    for (const waiter of this.#waiters) {
      const answer = waiter.judge(state);
      if (answer === undefined) continue;
      this.#waiters.delete(waiter);
      waiter.answer(answer);
    }
  };

  /** What runs goes on when nobody can be told about it, on a full disk for example. */
  #write(state: SuperviseState): void {
    const containers = Object.keys(state.children).flatMap(name => {
      const process = this.#supervisor?.process(name);
      return process === undefined ? [] : [[name, process.prepared.bundle.id] as const];
    });
    try {
      const report = runReport(state);
      writeState(this.#place, { ...this.#base, containers: Object.fromEntries(containers), report });
    } catch (error) {
      if (!this.#isTold) process.stderr.write(`vagga _ps will not be right: ${(error as Error).message}\n`);
      this.#isTold = true;
    }
  }

  readonly obey = ({ do: what, names }: Order): Promise<Answer> => {
    const supervisor = this.#supervisor;
    if (supervisor === undefined) return Promise.resolve({ ok: false, message: 'it is not there yet' });
    const { children } = supervisor.state;
    const unknown = names.find(name => children[name] === undefined);
    if (unknown !== undefined) return Promise.resolve({ ok: false, message: `no child ${unknown}` });
    if (what === 'restart') {
      const all = names.length === 0 ? Object.keys(children) : names;
      return this.#carryOut(supervisor, { kind: 'restart', names: all }, haveStarted(all, children));
    }
    const event = names.length === 0 ? ALL_STOP : ({ kind: 'stop', names } as const);
    return this.#carryOut(supervisor, event, haveStopped(names));
  };

  #carryOut(supervisor: Supervisor, event: SuperviseEvent, judge: Judge): Promise<Answer> {
    return new Promise(answer => {
      this.#waiters.add({ judge, answer });
      supervisor.dispatch(event);
      // An event that changes nothing is no step that would be told.
      this.changed(supervisor.state);
    });
  }
}

interface Published {
  readonly hooks: Required<RunHooks>;
  /** Nobody can give orders any more. */
  close(): void;
}

/** `place` is there. Call it just before the run begins. */
export function publish(place: RunPlace, command: string, children: readonly SupervisedChild[]): Published {
  const engine = children[0]?.prepared.engine;
  if (engine === undefined) throw new RangeError('nothing to supervise');
  const run = new PublishedRun(place, command, engine);
  return { hooks: run, close: serveOrders(place, run.obey) };
}
