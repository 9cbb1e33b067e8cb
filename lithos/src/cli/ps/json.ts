// What lithos_ps shows to programs.
import { readFileSync } from 'node:fs';
import { bootTime } from '@suite/shared/linux/proc.ts';
import { type ProcessInfo, type ProcessTable, sum } from '../../adapters/process-table.ts';
import { describeState } from '../../core/instance/words.ts';
import type { SeenInstance, SeenTree } from './find-trees.ts';
import type { InstanceSecurity } from './security.ts';
import { cpuPercent, secondsSinceBoot, show, TICKS_PER_S } from './shown.ts';
import { imageOf, type Usage, usageOf } from './usage.ts';

export interface JsonOptions {
  readonly nowMs: number;
  /** The newest log lines of one that is not well. */
  readonly log: (instance: SeenInstance) => readonly string[];
  /** Undefined: not asked for. */
  readonly security: ReadonlyMap<string, InstanceSecurity> | undefined;
}

function processJson(root: ProcessInfo, table: ProcessTable, bootS: number): object {
  const total = sum(table.subtree(root.pid));
  return {
    pid: root.pid,
    processes: total.processes,
    threads: total.threads,
    mem_rss: total.residentBytes,
    mem_swap: total.swapBytes,
    start_time: Math.floor(bootS + root.startTicks / TICKS_PER_S),
    user_time: total.userTime,
    system_time: total.systemTime,
    child_user_time: total.childUserTime,
    child_system_time: total.childSystemTime,
  };
}

function statusJson(instance: SeenInstance, { nowMs, log }: JsonOptions): object {
  const { status } = instance;
  if (status === undefined) return {};
  return {
    state: status.state,
    ready: status.ready,
    words: describeState(status, nowMs),
    says: status.says,
    run: status.run,
    restarts: status.restarts,
    failures: status.failures,
    last_exit: status.lastExit?.words ?? null,
    problem: status.problem,
    lost_log_lines: status.lostLines,
    log: log(instance),
  };
}

/** Null: not known, or no limit. */
function usageJson({ memoryBytes, memoryLimitBytes, pids, pidsMax, throttledMs }: Usage): object {
  return {
    memory: memoryBytes ?? null,
    memory_limit: memoryLimitBytes ?? null,
    pids: pids ?? null,
    pids_limit: pidsMax ?? null,
    throttled_ms: throttledMs ?? null,
  };
}

/** The documented shape, with the state of each instance, and errors and roll-outs of the tree, beside it. */
export function jsonOf(tree: SeenTree, table: ProcessTable, options: JsonOptions): object {
  const bootS = bootTime(readFileSync('/proc/stat', 'utf8')) ?? 0;
  const bootAgeS = secondsSinceBoot();
  const children = tree.instances.map(instance => {
    const shown = show(instance, table);
    return {
      name: instance.name,
      pid: instance.pid ?? 0,
      ok: shown.ok,
      processes: shown.roots.map(root => processJson(root, table, bootS)),
      cpu_percent: cpuPercent(shown, bootAgeS) ?? 0,
      image: imageOf(instance) ?? null,
      ...usageJson(usageOf(tree.cgroups, instance.name)),
      ...statusJson(instance, options),
      ...(options.security === undefined ? {} : { security: options.security.get(instance.name) ?? [] }),
    };
  });
  const { errors = [], sandboxes = [], rollouts = [] } = tree.status ?? {};
  return { pid: tree.pid ?? 0, config: tree.config, children, errors, sandboxes, rollouts };
}
