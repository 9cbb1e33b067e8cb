// Scene b: SIGKILL a web worker; how long until another process serves on its port.

import { processesOf, processWith } from '../cluster/processes.ts';
import { running } from '../cluster/view.ts';
import { workerLife } from '../cluster/visit.ts';
import { BARS, LIMITS_MS, PORTS, WORKER_KILLS } from '../defaults.ts';
import type { Demo } from '../demo.ts';
import { DemoError } from '../run.ts';
import { pause, waitFor } from '../wait.ts';
import { median, round, type SceneResult, type Stage, secondsSince } from './scene.ts';

/** lithos restarts at once only what ran longer than its restart-timeout of 1 s. */
const SETTLE_MS = 1_500;
/** A worker answers in a few ms; a connection that waits in the queue of one that is importing is answered by it. */
const ANSWER_MS = 1_000;
const POLL_MS = 5;

export async function killWorkers({ demo, screen }: Stage): Promise<SceneResult> {
  const seconds: number[] = [];
  for (let round = 0; round < WORKER_KILLS; round++) {
    const hosts = [...demo.hosts.keys()];
    const host = hosts[round % hosts.length] ?? '';
    seconds.push(await replaceWorker(demo, host, 0));
    screen.status([`worker of ${host} replaced after ${seconds.at(-1)} s`]);
  }
  const p50 = median(seconds);
  const barSeconds = BARS.workerReplacedMs / 1000;
  const details = { p50, max: Math.max(...seconds), kills: seconds.length, all: seconds };
  return {
    id: 'b',
    name: 'SIGKILL a Django worker',
    ok: p50 < barSeconds,
    seconds: p50,
    barSeconds,
    details,
  };
}

/** Kills worker `index` of a host; seconds until a new process serves its port. */
export async function replaceWorker(demo: Demo, host: string, index: number): Promise<number> {
  const address = demo.addressOf(host);
  const port = PORTS.firstWorker + index;
  const before = await waitFor(() => workerLife(address, port, ANSWER_MS), {
    what: `worker ${index} of ${host} serving`,
    deadlineMs: LIMITS_MS.hostUp,
    signal: demo.signal,
  });
  await pause(SETTLE_MS, demo.signal);
  const startedMs = performance.now();
  process.kill(workerPid(demo, host, index), 'SIGKILL');
  await waitFor(
    async () => {
      const life = await workerLife(address, port, ANSWER_MS);
      return life !== undefined && life !== before ? life : undefined;
    },
    {
      what: `a new worker ${index} on ${host}`,
      deadlineMs: LIMITS_MS.hostUp,
      signal: demo.signal,
      everyMs: POLL_MS,
    },
  );
  return round(secondsSince(startedMs));
}

function workerPid(demo: Demo, host: string, index: number): number {
  const pids = processesOf(demo.hierarchies, demo.plan.cgroup, host, `django/worker.${index}`);
  const pid = processWith(pids, '/app/web.py');
  if (pid === undefined) throw new DemoError(`no process of worker ${index} on ${host}`);
  return pid;
}

/** A host that runs at least one web worker, other than `not`. */
export async function hostWithWorkers(demo: Demo, not?: string): Promise<string> {
  const view = await demo.look();
  const found = view.hosts.find(host => host.name !== not && running(host, 'django') > 0);
  if (found === undefined) throw new DemoError('no host runs a web worker');
  return found.name;
}
