// A run that others can see and give orders: its state in a file, and a socket for what they want.
import { readlinkSync } from 'node:fs';
import { isatty } from 'node:tty';
import { runReport } from '../../core/supervise/run-state.ts';
import type { SuperviseState } from '../../core/supervise/types.ts';
import { currentIds } from '../namespace/current.ts';
import type { RunHooks } from '../supervise/run.ts';
import type { SupervisedChild, Supervisor } from '../supervise/supervisor.ts';
import { type Answer, type Order, serveOrders } from './control.ts';
import type { RunPlace } from './place.ts';
import { type RunState, supervising, writeState } from './state.ts';

interface Waiter {
  readonly isDone: (state: SuperviseState) => boolean;
  readonly answer: (answer: Answer) => void;
}

function ownTerminal(): Pick<RunState, 'terminal'> {
  const fd = [1, 2].find(isatty);
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
      if (!waiter.isDone(state)) continue;
      this.#waiters.delete(waiter);
      waiter.answer({ ok: true });
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

  readonly obey = ({ names }: Order): Promise<Answer> => {
    const supervisor = this.#supervisor;
    if (supervisor === undefined) return Promise.resolve({ ok: false, message: 'it is not there yet' });
    const unknown = names.find(name => supervisor.state.children[name] === undefined);
    if (unknown !== undefined) return Promise.resolve({ ok: false, message: `no child ${unknown}` });
    const isOver = (state: SuperviseState, name: string) => state.children[name]?.kind === 'done';
    return new Promise(answer => {
      const isDone = (state: SuperviseState) =>
        state.kind === 'ended' || (names.length > 0 && names.every(name => isOver(state, name)));
      this.#waiters.add({ isDone, answer });
      supervisor.dispatch(
        names.length === 0 ? { kind: 'signal', signal: 'SIGTERM' } : { kind: 'stop', names },
      );
      if (isDone(supervisor.state)) this.changed(supervisor.state);
    });
  };
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
