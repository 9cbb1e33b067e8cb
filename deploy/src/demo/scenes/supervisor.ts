// Scene c: lithos_tree, PID 1 of a host, replaces itself by exec. No container may notice, and restarts must go on.

import { execMark, processesOf } from '../cluster/processes.ts';
import { instancesOf, treeOf } from '../cluster/view.ts';
import { LIMITS_MS } from '../defaults.ts';
import type { Demo } from '../demo.ts';
import { DemoError } from '../run.ts';
import { waitFor } from '../wait.ts';
import { type SceneResult, type Stage, secondsSince } from './scene.ts';
import { hostWithWorkers, replaceWorker } from './worker.ts';

/** A worker killed right after the exec must come back in the time a restart may take at all, and a little for the exec. */
const RESTART_BAR_S = 2;

export async function reexecSupervisor({ demo }: Stage): Promise<SceneResult> {
  const host = await hostWithWorkers(demo);
  const pid = demo.hosts.get(host)?.pid;
  if (pid === undefined) throw new DemoError(`${host} is not up`);
  const before = containers(demo, host);
  const mark = execMark(pid);
  const startedMs = performance.now();
  process.kill(pid, 'SIGQUIT');
  await waitFor(
    () => (execMark(pid) === mark ? undefined : true),
    options(demo, 'lithos_tree executes itself'),
  );
  const executedWallMs = Date.now();
  await waitFor(
    () => (knowsAgain(demo, host, before, executedWallMs) ? true : undefined),
    options(demo, 'it knows its instances again'),
  );
  const seconds = secondsSince(startedMs);
  const after = containers(demo, host);
  const restarted = await replaceWorker(demo, host, 0);
  const same = sameProcesses(before, after);
  const ok = same && restarted < RESTART_BAR_S;
  const details = { host, instances: before.size, sameProcesses: same, killedWorkerReplacedAfter: restarted };
  return {
    id: 'c',
    name: 'lithos_tree re-executes as PID 1',
    ok,
    seconds,
    barSeconds: RESTART_BAR_S,
    details,
  };
}

function options(demo: Demo, what: string) {
  return { what, deadlineMs: LIMITS_MS.hostUp, signal: demo.signal, everyMs: 10 };
}

/** Instance → its processes, as the machine counts them. */
function containers(demo: Demo, host: string): Map<string, readonly number[]> {
  const up = demo.hosts.get(host);
  const names =
    up === undefined
      ? []
      : instancesOf(up)
          .filter(item => item.state === 'running')
          .map(item => item.name);
  return new Map(names.map(name => [name, processesOf(demo.hierarchies, demo.plan.cgroup, host, name)]));
}

/** The new program has written that every instance of before runs. */
function knowsAgain(
  demo: Demo,
  host: string,
  expected: ReadonlyMap<string, unknown>,
  sinceWallMs: number,
): boolean {
  const up = demo.hosts.get(host);
  if (up === undefined) return false;
  const { writtenWallMs, instances } = treeOf(up);
  const states = new Map(instances.map(item => [item.name, item.state]));
  return writtenWallMs > sinceWallMs && [...expected.keys()].every(name => states.get(name) === 'running');
}

/** The first process of each container is the same one; helpers (nginx or PostgreSQL workers) may come and go. */
function sameProcesses(
  before: ReadonlyMap<string, readonly number[]>,
  after: ReadonlyMap<string, readonly number[]>,
): boolean {
  return (
    before.size > 0 &&
    [...before].every(([name, pids]) => pids.length > 0 && after.get(name)?.[0] === pids[0])
  );
}
