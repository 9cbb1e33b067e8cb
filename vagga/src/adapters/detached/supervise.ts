// The supervisor of a detached command: no terminal, its state in a file, its orders from a socket.

import { runReport } from '../../core/supervise/run-state.ts';
import type { SuperviseOptions, SuperviseState } from '../../core/supervise/types.ts';
import { currentIds } from '../namespace/current.ts';
import type { Output } from '../supervise/output.ts';
import { supervise } from '../supervise/run.ts';
import type { SupervisedChild, Supervisor } from '../supervise/supervisor.ts';
import { type Answer, type Order, serveOrders } from './control.ts';
import { LogOutput } from './log-output.ts';
import type { DetachedPlace } from './place.ts';
import { type DetachedState, supervising, writeState } from './state.ts';

interface Waiter {
  readonly isDone: (state: SuperviseState) => boolean;
  readonly answer: (answer: Answer) => void;
}

class DetachedRun {
  readonly #place: DetachedPlace;
  readonly #base: Pick<DetachedState, 'command' | 'startedAt' | 'supervisor' | 'engine'>;
  readonly #waiters = new Set<Waiter>();
  #supervisor: Supervisor | undefined;

  constructor(place: DetachedPlace, engine: DetachedState['engine']) {
    this.#place = place;
    this.#base = {
      command: place.name,
      startedAt: new Date().toISOString(),
      supervisor: supervising(currentIds().ids.kind !== 'real'),
      engine,
    };
  }

  readonly begun = (supervisor: Supervisor): void => {
    this.#supervisor = supervisor;
  };

  readonly changed = (state: SuperviseState): void => {
    const containers = Object.keys(state.children).flatMap(name => {
      const process = this.#supervisor?.process(name);
      return process === undefined ? [] : [[name, process.prepared.bundle.id] as const];
    });
    const report = runReport(state);
    writeState(this.#place, { ...this.#base, containers: Object.fromEntries(containers), report });
    for (const waiter of this.#waiters) {
      if (!waiter.isDone(state)) continue;
      this.#waiters.delete(waiter);
      waiter.answer({ ok: true });
    }
  };

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

/** `started` is called when the processes run, as far as they need not wait. */
export async function superviseDetached(
  place: DetachedPlace,
  children: readonly SupervisedChild[],
  options: SuperviseOptions,
  started: () => void,
): Promise<number> {
  const engine = children[0]?.prepared.engine;
  if (engine === undefined) throw new RangeError('nothing to supervise');
  const output: Output & { close(): void } = new LogOutput(place);
  const run = new DetachedRun(place, engine);
  const close = serveOrders(place, run.obey);
  const begun = (supervisor: Supervisor) => {
    run.begun(supervisor);
    setImmediate(started);
  };
  const code = await supervise(children, options, output, { begun, changed: run.changed });
  close();
  output.close();
  return code;
}
