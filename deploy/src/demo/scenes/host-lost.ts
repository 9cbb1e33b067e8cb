// Scene d: the host that leads loses power. A new leader, its workers elsewhere, nginx answering without a failure.

import { type ClusterView, leadersOf, placeOf, total } from '../cluster/view.ts';
import { sample } from '../cluster/visit.ts';
import { BARS, EXPECTED, LIMITS_MS } from '../defaults.ts';
import type { Demo } from '../demo.ts';
import { DemoError } from '../run.ts';
import { waitFor } from '../wait.ts';
import { type SceneResult, type Stage, secondsSince } from './scene.ts';

const DJANGO = Object.values(EXPECTED.django).reduce((sum, count) => sum + count, 0);

export async function killLeaderHost({ demo, screen }: Stage): Promise<SceneResult> {
  const [lost] = leadersOf((await demo.look()).hosts);
  if (lost === undefined) throw new DemoError('there is no leader to kill');
  const startedMs = performance.now();
  await demo.killHost(lost);
  const marks: Record<string, number> = {};
  const mark = (what: string): void => {
    marks[what] ??= secondsSince(startedMs);
    screen.status([`${lost} killed ${secondsSince(startedMs)} s ago: ${Object.keys(marks).join(', ')}`]);
  };
  await waitFor(async () => recovered(demo, lost, mark), {
    what: `the cluster without ${lost}`,
    deadlineMs: LIMITS_MS.healthy,
    signal: demo.signal,
    explain: () => JSON.stringify(marks),
  });
  const seconds = secondsSince(startedMs);
  await demo.startHost(lost);
  await demo.waitCalm();
  const barSeconds = BARS.leaderLostMs / 1000;
  const details = { lost, ...marks, hostBackAndWholeAfter: secondsSince(startedMs) };
  return {
    id: 'd',
    name: 'the whole leader host is killed',
    ok: seconds < barSeconds,
    seconds,
    barSeconds,
    details,
  };
}

/** True when the others do everything, and a row of visits through nginx meets only them. */
async function recovered(demo: Demo, lost: string, mark: (what: string) => void): Promise<true | undefined> {
  const view = await demo.look();
  const leaders = leadersOf(view.hosts);
  if (leaders.length !== 1 || leaders[0] === lost) return undefined;
  mark('newLeader');
  if (total(view, 'django') < DJANGO) return undefined;
  mark('allWorkersRunning');
  const visits = await visitNginx(demo, view, lost);
  if (visits === undefined || visits.failed > 0 || visits.hosts.includes(lost)) return undefined;
  mark('nginxAnswersOnly200');
  return true;
}

async function visitNginx(demo: Demo, view: ClusterView, lost: string) {
  const nginx = placeOf(view.schedule, 'nginx');
  return nginx === undefined || nginx === lost ? undefined : await sample(demo.addressOf(nginx));
}
