// `after:`: who waits for whom, at the first start and, the other way round, at shutdown.
import { TIMES } from '../../config/defaults.ts';
import type { DesiredInstance } from '../desired/types.ts';
import type { Instance } from '../instance/types.ts';

/** Of all instances, looked at once: a host has hundreds, and many may wait. */
export interface NotReady {
  /** `sandbox/process` of which some wanted instance is not ready. */
  readonly processes: ReadonlySet<string>;
  /** When one of them counts as ready if nothing happens to it; null: something has to happen. */
  readonly lookAgainMs: number | null;
}

/** `sandbox/process` of `sandbox/process.N`. */
function processOf(name: string): string {
  return name.slice(0, name.lastIndexOf('.'));
}

/**
 * From when on others may rely on it; null: not as it is. A program of which nobody says that it is ready has to run
 * for a moment: most that fail do so at once.
 */
function reliableFromMs({ state }: Instance): number | null {
  if (state.kind !== 'running' || state.readySinceMs === null) return null;
  return state.run.waitsForReady ? state.readySinceMs : state.readySinceMs + TIMES.settleMs;
}

export function notReady(all: readonly Instance[], nowMs: number): NotReady {
  const processes = new Set<string>();
  let lookAgainMs: number | null = null;
  for (const instance of all) {
    const fromMs = reliableFromMs(instance);
    if (instance.desired === undefined || (fromMs !== null && fromMs <= nowMs)) continue;
    processes.add(processOf(instance.name));
    if (fromMs !== null) lookAgainMs = Math.min(fromMs, lookAgainMs ?? fromMs);
  }
  return { processes, lookAgainMs };
}

/** Those of `desired.after` that are not ready; empty: it may start. */
export function waitsFor({ sandbox, after }: DesiredInstance, { processes }: NotReady): string[] {
  return after.filter(process => processes.has(`${sandbox}/${process}`));
}

/**
 * Names of those that may stop now, because none of the living waits on them. `wanted` tells who came after whom. Of a
 * circle all may stop: it must not keep the host from going down.
 */
export function mayStop(
  living: readonly string[],
  wanted: ReadonlyMap<string, Pick<DesiredInstance, 'sandbox' | 'after'>>,
): string[] {
  const needed = new Set(
    living.flatMap(name => {
      const desired = wanted.get(name);
      return (desired?.after ?? []).map(process => `${desired?.sandbox}/${process}`);
    }),
  );
  const free = living.filter(name => !needed.has(processOf(name)));
  return free.length > 0 ? free : [...living];
}
