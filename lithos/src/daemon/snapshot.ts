// What the tree says of itself: the content of the status file.
import { realClock } from '@suite/shared/ports/real.ts';
import type { InstanceStatus, TreeStatus } from '@suite/shared/wire/lithos.ts';
import type { Instance } from '../core/instance/types.ts';
import { waitsFor } from '../core/order/order.ts';
import type { Reading } from './configuration.ts';
import type { Rollouts } from './rollouts.ts';
import { instanceStatus } from './status.ts';
import type { Supervisor } from './supervisor.ts';
import type { Surroundings } from './wiring.ts';

/** How far the tree is; changed by its loop only. */
export interface Progress {
  reading: Reading;
  reloads: number;
  /** What changes in the files now may come too late for it. */
  isReading: boolean;
  stopping: boolean;
}

function whyHeld({ state, desired }: Instance, supervisor: Supervisor): string | undefined {
  if (state.kind !== 'held' || state.reason !== 'after' || desired === undefined) return undefined;
  return `${waitsFor(desired, supervisor.order.notReady()).join(', ')} not ready`;
}

/** `instance`: as it is, or as it was a moment ago. */
export function describeInstance(supervisor: Supervisor, instance: Instance): InstanceStatus {
  const { name } = instance;
  const wallFromMonotonicMs = realClock.wallMs() - realClock.monotonicMs();
  const around = {
    pid: supervisor.pidOf(name),
    monitorLost: supervisor.monitorLost(name),
    lost: supervisor.lostOf(name),
  };
  const status = instanceStatus(instance, around, wallFromMonotonicMs);
  const says = supervisor.saysOf(name) ?? null;
  return { ...status, says, problem: whyHeld(instance, supervisor) ?? status.problem };
}

export function snapshot(
  { options, runtime }: Surroundings,
  { reading, reloads, isReading, stopping }: Progress,
  supervisor: Supervisor,
  rollouts: Rollouts,
): TreeStatus {
  return {
    schemaVersion: 1,
    writtenWallMs: realClock.wallMs(),
    pid: process.pid,
    version: options.version,
    config: options.config,
    reloads,
    reading: isReading,
    stopping,
    runtime: runtime.choice.kind,
    errors: reading.errors,
    sandboxes: reading.sandboxes,
    rollouts: rollouts.status(),
    instances: supervisor
      .all()
      .map(instance => describeInstance(supervisor, instance))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
