// Scene e: more than 10,000 requests per minute come in, then stop.

import { type ClusterView, placeOf, total } from '../cluster/view.ts';
import { BARS, EXPECTED, LIMITS_MS, LOAD } from '../defaults.ts';
import type { Demo } from '../demo.ts';
import { waitFor } from '../wait.ts';
import { round, type SceneResult, type Stage, secondsSince } from './scene.ts';

const CALM_DJANGO = Object.values(EXPECTED.django).reduce((sum, count) => sum + count, 0);

export async function raiseLoad({ demo, load }: Stage): Promise<SceneResult> {
  load.take();
  const startedMs = performance.now();
  load.start(LOAD.requestsPerSecond);
  await waitSize(demo, EXPECTED.busyDjango, EXPECTED.busyCelery);
  const seconds = secondsSince(startedMs);
  const counts = load.take();
  load.stop();
  const stoppedMs = performance.now();
  await waitSize(demo, CALM_DJANGO, EXPECTED.celery);
  const backSeconds = secondsSince(stoppedMs);
  const perMinute = round((counts.answered / seconds) * 60);
  const barSeconds = BARS.scaledMs / 1000;
  const ok = seconds < barSeconds && backSeconds < barSeconds;
  const details = { answeredPerMinute: Math.round(perMinute), ...counts, backAfter: backSeconds };
  return { id: 'e', name: 'load above 10,000 requests per minute', ok, seconds, barSeconds, details };
}

/** The schedule says so, and that many processes run. */
async function waitSize(demo: Demo, django: number, celery: number): Promise<void> {
  let last: ClusterView | undefined;
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
        `now ${total(last ?? NOTHING, 'django')} and ${total(last ?? NOTHING, 'celery')}, nginx on ${placeOf(last?.schedule, 'nginx')}`,
    },
  );
}

const NOTHING: ClusterView = { hosts: [], schedule: undefined };
