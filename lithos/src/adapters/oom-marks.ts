// Whether the kernel ended a process of a run for memory. With cgroup v2 the monitor's mark alone does not say so: it looks at a count that goes
// on over all runs in the same cgroup, so after the first such end it would be seen in every later one.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Written by the monitor. */
const MARK = 'oom';
const BEFORE = 'oom-kills-before';

/** Before a run. `kills`: of its cgroup until now; undefined where nobody counts. */
export function noteOomKills(persistDir: string, kills: number | undefined): void {
  if (kills !== undefined && kills > 0) writeFileSync(join(persistDir, BEFORE), String(kills));
}

function killsBefore(persistDir: string): number {
  try {
    return Number(readFileSync(join(persistDir, BEFORE), 'utf8'));
  } catch {
    return 0;
  }
}

/** After a run. `kills`: of its cgroup now; undefined when that is gone. */
export function ranOutOfMemory(persistDir: string, kills: () => number | undefined): boolean {
  if (!existsSync(join(persistDir, MARK))) return false;
  const before = killsBefore(persistDir);
  return before === 0 || (kills() ?? Number.POSITIVE_INFINITY) > before;
}
