// What runs now, as far as the disk tells: the same view a supervisor starts with.
import { realDisk } from '@suite/shared/ports/real.ts';
import type { HostPaths } from '../adapters/paths.ts';
import { runningSupervisor } from '../adapters/pid-file.ts';
import { findRuns, sameProcess } from '../adapters/records.ts';
import { readStatus } from '../adapters/status-file.ts';
import type { Known } from '../core/plan/plan.ts';

/** By instance name. Without root's rights only what the status file says. */
export async function knownRuns(paths: HostPaths): Promise<Map<string, Known>> {
  const supervised = (await runningSupervisor(realDisk, paths.pidFile)) !== undefined;
  const found = new Map<string, Known>();
  for (const run of await findRuns(realDisk, paths).catch(() => [])) {
    if (run.kind !== 'complete' || !sameProcess(run.record.pid, run.record.processStart)) continue;
    found.set(run.record.name, { identity: run.record.identity, supervised });
  }
  const status = supervised ? await readStatus(realDisk, paths.statusFile) : undefined;
  for (const { name, identity } of status?.instances ?? []) {
    if (!found.has(name)) found.set(name, { identity: identity ?? undefined, supervised });
  }
  return found;
}
