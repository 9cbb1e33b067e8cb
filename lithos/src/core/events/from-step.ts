// What a step of one instance means to those who watch.
import type { InstanceStatus, LithosEventBody } from '@suite/shared/wire/lithos.ts';
import { describeState } from '../instance/words.ts';

export interface SeenStep {
  readonly before: InstanceStatus;
  readonly after: InstanceStatus;
  /** This step was told of the end of a run. */
  readonly ended: boolean;
}

function differs(before: InstanceStatus, after: InstanceStatus): boolean {
  return (
    before.state !== after.state ||
    before.ready !== after.ready ||
    before.reason !== after.reason ||
    before.problem !== after.problem
  );
}

/** The end of a run comes before the state it leads to. `nowMs`: wall clock. */
export function stepEvents({ before, after, ended }: SeenStep, nowMs: number): LithosEventBody[] {
  const { name, state, ready, run, pid, lastExit } = after;
  const events: LithosEventBody[] = [];
  if (ended && lastExit !== null) {
    const failed = after.failures > before.failures;
    events.push({ type: 'exit', name, run: before.run, failed, exit: lastExit });
  }
  if (ended || differs(before, after)) {
    const words = describeState(after, nowMs);
    events.push({ type: 'state', name, from: before.state, to: state, ready, run, pid, words });
  }
  return events;
}
