// `after:`: who waits for whom, at the first start and, the other way round, at shutdown.
import type { DesiredInstance } from '../desired/types.ts';
import { isReady } from '../instance/facts.ts';
import type { Instance } from '../instance/types.ts';

type Process = Pick<DesiredInstance, 'sandbox' | 'process'>;

function processOf(name: string): Process {
  const [sandbox = '', rest = ''] = name.split('/');
  return { sandbox, process: rest.slice(0, rest.lastIndexOf('.')) };
}

/** Names (`process`) of those of `desired.after` of which some wanted instance is not ready; empty: it may start. */
export function notReadyYet(desired: DesiredInstance, all: readonly Instance[]): string[] {
  return desired.after.filter(process =>
    all.some(other => {
      const its = processOf(other.name);
      const waitedFor = its.sandbox === desired.sandbox && its.process === process;
      return waitedFor && other.desired !== undefined && !isReady(other);
    }),
  );
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
  const free = living.filter(name => {
    const { sandbox, process } = processOf(name);
    return !needed.has(`${sandbox}/${process}`);
  });
  return free.length > 0 ? free : [...living];
}
