// Scene d: the host that leads loses power while visitors come in. A new leader, its workers elsewhere, nginx loaded
// anew without the lost host, and every visit answered again.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nginxWorkers } from '../cluster/processes.ts';
import { type ClusterView, leadersOf, placeOf, total } from '../cluster/view.ts';
import { sample, workerLife } from '../cluster/visit.ts';
import { BARS, EXPECTED, LIMITS_MS, LOAD, PORTS } from '../defaults.ts';
import type { Demo } from '../demo.ts';
import { hostPlaces } from '../places.ts';
import { DemoError } from '../run.ts';
import { pause, waitFor } from '../wait.ts';
import { failuresOf, round, type SceneResult, type Stage, secondsSince } from './scene.ts';

const DJANGO = Object.values(EXPECTED.django).reduce((sum, count) => sum + count, 0);
/** Without a failed visit for this long, "all requests are answered" is meant: 50 visits. */
const CLEAN_MS = 1_000;
const ANSWER_MS = 1_000;

interface Loss {
  readonly lost: string;
  /** Worker processes of every nginx before: what serves afterwards has loaded the new configuration. */
  readonly before: ReadonlySet<number>;
  readonly mark: (what: string) => void;
}

export async function killLeaderHost(stage: Stage): Promise<SceneResult> {
  const { demo, screen, load } = stage;
  const [lost] = leadersOf((await demo.look()).hosts);
  if (lost === undefined) throw new DemoError('there is no leader to kill');
  const before = new Set(demo.plan.hosts.flatMap(host => nginxWorkers(demo, host.name)));
  const marks: Record<string, number> = {};
  load.take();
  load.start(LOAD.calmRequestsPerSecond);
  try {
    const startedMs = performance.now();
    await demo.killHost(lost);
    await mustBeGone(demo, lost);
    const mark = (what: string): void => {
      marks[what] ??= secondsSince(startedMs);
      screen.status([`${lost} killed ${secondsSince(startedMs)} s ago: ${Object.keys(marks).join(', ')}`]);
    };
    const meanwhile = await waitRecovered(stage, { lost, before, mark }, marks);
    const seconds = round(secondsSince(startedMs) - CLEAN_MS / 1000);
    load.stop();
    await demo.startHost(lost);
    await demo.waitCalm();
    const barSeconds = BARS.leaderLostMs / 1000;
    const name = 'the whole leader host is killed';
    const details = { lost, ...marks, ...meanwhile, hostBackAndWholeAfter: secondsSince(startedMs) };
    return { id: 'd', name, ok: seconds < barSeconds, seconds, barSeconds, details };
  } finally {
    load.stop();
    // The scenes after a failed one still need three hosts.
    if (!demo.signal.aborted && !demo.hosts.has(lost)) await demo.startHost(lost);
  }
}

/** Its workers must be unreachable, or nothing was killed. */
async function mustBeGone(demo: Demo, lost: string): Promise<void> {
  const life = await workerLife(demo.addressOf(lost), PORTS.firstWorker, ANSWER_MS);
  if (life !== undefined) throw new DemoError(`a worker of ${lost} still answers after its host was killed`);
}

/** Until the others do everything and no visit failed for a while; returns what visitors met before. */
async function waitRecovered(
  { demo, load, follow }: Stage,
  loss: Loss,
  marks: Readonly<Record<string, number>>,
): Promise<Record<string, unknown>> {
  const meanwhile = [load.take()];
  await waitFor(
    async () => {
      const view = await demo.look();
      follow(view);
      if (!(await recovered(demo, view, loss))) return undefined;
      meanwhile.push(load.take());
      await pause(CLEAN_MS, demo.signal);
      const { answered, failed } = load.counts();
      return failed === 0 && answered > 0 ? true : undefined;
    },
    {
      what: `the cluster without ${loss.lost}`,
      deadlineMs: LIMITS_MS.healthy,
      signal: demo.signal,
      explain: () => JSON.stringify({ ...marks, ...failuresOf(...meanwhile, load.counts()) }),
    },
  );
  return failuresOf(...meanwhile);
}

/** True when the others do everything, nginx has loaded that, and a row of visits through it meets only them. */
async function recovered(demo: Demo, view: ClusterView, { lost, before, mark }: Loss): Promise<boolean> {
  const leaders = leadersOf(view.hosts);
  if (leaders.length !== 1 || leaders[0] === lost) return false;
  mark('newLeader');
  if (total(view, 'django') < DJANGO) return false;
  mark('allWorkersRunning');
  const nginx = placeOf(view.schedule, 'nginx');
  if (nginx === undefined || nginx === lost || !isReloaded(demo, nginx, lost, before)) return false;
  mark('nginxReloaded');
  const visits = await sample(demo.addressOf(nginx));
  if (visits === undefined || visits.failed > 0 || visits.hosts.includes(lost)) return false;
  mark('allVisitsAnswered');
  return true;
}

/** Its configuration does not name the lost host any more, and processes that were not there before serve it. */
function isReloaded(demo: Demo, nginx: string, lost: string, before: ReadonlySet<number>): boolean {
  const file = join(hostPlaces(demo.places, nginx).directory, 'conf', 'nginx', 'nginx.conf');
  const now = nginxWorkers(demo, nginx);
  try {
    return (
      !readFileSync(file, 'utf8').includes(`${demo.addressOf(lost)}:`) &&
      now.length > 0 &&
      now.every(pid => !before.has(pid))
    );
  } catch {
    return false;
  }
}
