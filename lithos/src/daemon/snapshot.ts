// What the tree says of itself: the content of the status file.
import { realClock } from '@suite/shared/ports/real.ts';
import type { TreeStatus } from '@suite/shared/wire/lithos.ts';
import type { Instance } from '../core/instance/types.ts';
import { notReadyYet } from '../core/order/order.ts';
import type { Reading } from './configuration.ts';
import { instanceStatus } from './status.ts';
import type { Supervisor } from './supervisor.ts';
import type { Surroundings } from './wiring.ts';

/** How far the tree is; changed by its loop only. */
export interface Progress {
  reading: Reading;
  reloads: number;
  stopping: boolean;
}

export const NOTHING_READ: Reading = { desired: undefined, sandboxes: [], errors: [] };

function waitsFor({ state, desired }: Instance, all: readonly Instance[]): string | undefined {
  if (state.kind !== 'held' || state.reason !== 'after' || desired === undefined) return undefined;
  return `${notReadyYet(desired, all).join(', ')} not ready`;
}

export function snapshot(
  { options, runtime }: Surroundings,
  { reading, reloads, stopping }: Progress,
  supervisor: Supervisor,
): Omit<TreeStatus, 'schemaVersion' | 'writtenWallMs'> {
  const all = supervisor.all();
  const wallFromMonotonicMs = realClock.wallMs() - realClock.monotonicMs();
  return {
    pid: process.pid,
    version: options.version,
    config: options.config,
    reloads,
    stopping,
    runtime: runtime.kind,
    errors: reading.errors,
    sandboxes: reading.sandboxes,
    rollouts: [],
    instances: all
      .map(instance => {
        const { name } = instance;
        const lost = supervisor.monitorLost(name);
        const status = instanceStatus(instance, supervisor.pidOf(name), lost, wallFromMonotonicMs);
        return { ...status, problem: waitsFor(instance, all) ?? status.problem };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
