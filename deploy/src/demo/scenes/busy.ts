// Scene e: more than 10,000 requests per minute come in, then most visitors leave. Every request is a real one through
// nginx, and the workers' own counters must have seen each of them.

import { countedRequests } from '../cluster/counted.ts';
import type { Load, LoadCounts } from '../cluster/load.ts';
import { type ClusterView, placeOf, total } from '../cluster/view.ts';
import { BARS, EXPECTED, LIMITS_MS, LOAD } from '../defaults.ts';
import type { Demo } from '../demo.ts';
import { waitFor } from '../wait.ts';
import { failuresOf, type SceneResult, type Stage, secondsSince } from './scene.ts';

const CALM_DJANGO = Object.values(EXPECTED.django).reduce((sum, count) => sum + count, 0);
const BUSY_RPM = 10_000;

export async function raiseLoad({ demo, load }: Stage): Promise<SceneResult> {
  const addresses = demo.plan.hosts.map(host => host.address);
  const countedBefore = await countedRequests(addresses);
  load.take();
  try {
    const startedMs = performance.now();
    load.start(LOAD.requestsPerSecond);
    await waitSize(demo, EXPECTED.busyDjango, EXPECTED.busyCelery);
    await waitWorkers(demo, load, EXPECTED.busyDjango);
    const seconds = secondsSince(startedMs);
    const busy = load.take();
    const stoppedMs = performance.now();
    // Some visitors stay: those must not notice that workers are taken away.
    load.start(LOAD.calmRequestsPerSecond);
    // Now, while all of them run: what a worker counted after the last scan of its life is lost with it.
    const counted = await waitCounted(demo, addresses, countedBefore + busy.answered);
    await waitSize(demo, CALM_DJANGO, EXPECTED.celery);
    const backSeconds = secondsSince(stoppedMs);
    load.stop();
    const calm = load.take();
    return report(seconds, backSeconds, busy, calm, counted - countedBefore);
  } finally {
    load.stop();
  }
}

function report(
  seconds: number,
  backSeconds: number,
  busy: LoadCounts,
  calm: LoadCounts,
  counted: number,
): SceneResult {
  const answeredPerMinute = Math.round((busy.answered / seconds) * 60);
  const barSeconds = BARS.scaledMs / 1000;
  const isReal = answeredPerMinute > BUSY_RPM && counted >= busy.answered;
  const isClean = busy.failed + calm.failed === 0;
  return {
    id: 'e',
    name: 'load above 10,000 requests per minute',
    ok: seconds < barSeconds && backSeconds < barSeconds && isReal && isClean,
    seconds,
    barSeconds,
    details: {
      answeredPerMinute,
      answered: busy.answered,
      countedByWorkers: counted,
      differentWorkers: busy.workers,
      answeredWhileShrinking: calm.answered,
      ...failuresOf(busy, calm),
      held: busy.held + calm.held,
      backAfter: backSeconds,
    },
  };
}

/** Pages of that many workers came through nginx: they serve, and nginx knows them. */
async function waitWorkers(demo: Demo, load: Load, wanted: number): Promise<void> {
  await waitFor(() => (load.counts().workers >= wanted ? true : undefined), {
    what: `pages of ${wanted} different workers`,
    deadlineMs: LIMITS_MS.healthy,
    signal: demo.signal,
    explain: () => `seen: ${load.counts().workers}`,
  });
}

/** cantal reads the counters every 2 s; what is still missing after a few scans was never counted. */
async function waitCounted(demo: Demo, addresses: readonly string[], wanted: number): Promise<number> {
  let counted = 0;
  await waitFor(
    async () => {
      counted = await countedRequests(addresses);
      return counted >= wanted ? true : undefined;
    },
    {
      what: 'all answered requests counted by the workers',
      deadlineMs: LIMITS_MS.counted,
      signal: demo.signal,
      explain: () => `${wanted - counted} are missing`,
    },
  );
  return counted;
}

/** The schedule says so, and that many processes run. */
async function waitSize(demo: Demo, django: number, celery: number): Promise<void> {
  let last: ClusterView = { hosts: [], schedule: undefined };
  await waitFor(
    async () => {
      last = await demo.look();
      return total(last, 'django') === django && total(last, 'celery') === celery ? true : undefined;
    },
    {
      what: `${django} Django and ${celery} Celery`,
      deadlineMs: LIMITS_MS.healthy,
      signal: demo.signal,
      explain: () =>
        `now ${total(last, 'django')} and ${total(last, 'celery')}, nginx on ${placeOf(last.schedule, 'nginx')}`,
    },
  );
}
