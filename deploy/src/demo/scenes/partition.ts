// Scene f: the network splits one host from two. Each side schedules alone: it takes over the other's work and replaces
// what dies. When the network heals there is one leader and one schedule, and the work is spread as before.

import { missingLeader } from '../cluster/health.ts';
import { type ClusterView, type HostView, leadersOf, running } from '../cluster/view.ts';
import { BARS, EXPECTED, LIMITS_MS } from '../defaults.ts';
import type { Demo } from '../demo.ts';
import { cut, heal, type Reachable } from '../host/network.ts';
import { DemoError } from '../run.ts';
import { waitFor } from '../wait.ts';
import { type SceneResult, type Stage, secondsSince } from './scene.ts';
import { replaceWorker } from './worker.ts';

const DJANGO = Object.values(EXPECTED.django).reduce((sum, count) => sum + count, 0);
/** One leader for this long is a settled cluster, not a moment between two elections. */
const STABLE_MS = 2_000;

export async function splitNetwork({ demo, screen }: Stage): Promise<SceneResult> {
  const whole = await demo.look();
  const alone = leadersOf(whole.hosts)[0];
  if (alone === undefined) throw new DemoError('there is no leader to cut off');
  const before = new Set(scheduleIds(whole.hosts));
  await cut(reach(demo, alone), others(demo, alone));
  const cutMs = performance.now();
  let details: Record<string, unknown>;
  try {
    details = await splitLife(demo, alone, before);
  } finally {
    await heal([...demo.hosts.keys()].map(name => reach(demo, name)));
  }
  const healedMs = performance.now();
  screen.status([`both sides worked after ${details.bothSidesWorkingAfter} s; healed`]);
  const seconds = await settled(demo);
  await demo.waitCalm();
  const barSeconds = BARS.healedMs / 1000;
  return {
    id: 'f',
    name: 'one host cut off from two, then healed',
    ok: seconds < barSeconds,
    seconds,
    barSeconds,
    details: { ...details, cutFor: round1(healedMs - cutMs), wholeAgainAfter: secondsSince(healedMs) },
  };
}

function round1(ms: number): number {
  return Math.round(ms / 100) / 10;
}

/** What each side does on its own: all the work, by a new schedule, and the replacement of a killed worker. */
async function splitLife(
  demo: Demo,
  alone: string,
  before: ReadonlySet<string>,
): Promise<Record<string, unknown>> {
  const startedMs = performance.now();
  await waitFor(async () => (bothWork(await demo.look(), alone, before) ? true : undefined), {
    what: `both sides work while ${alone} is cut off`,
    deadlineMs: LIMITS_MS.healthy,
    signal: demo.signal,
    explain: async () => JSON.stringify((await demo.look()).hosts.map(summary)),
  });
  const bothSidesWorkingAfter = secondsSince(startedMs);
  const [other = ''] = [...demo.hosts.keys()].filter(name => name !== alone);
  const replaced = [await replaceWorker(demo, alone, 0), await replaceWorker(demo, other, 0)];
  if (!bothWork(await demo.look(), alone, before)) throw new DemoError('the split did not last');
  return { cutOff: alone, bothSidesWorkingAfter, killedWorkerOfEachSideReplacedAfter: replaced };
}

/** Seconds from now until the beginning of the first quiet time with one leader and one schedule. */
async function settled(demo: Demo): Promise<number> {
  const startedMs = performance.now();
  let sinceMs: number | undefined;
  let lacking: string[] = [];
  await waitFor(
    async () => {
      lacking = missingLeader(await demo.look());
      if (lacking.length > 0) sinceMs = undefined;
      else sinceMs ??= performance.now();
      return sinceMs !== undefined && performance.now() - sinceMs >= STABLE_MS ? true : undefined;
    },
    {
      what: 'one leader again',
      deadlineMs: LIMITS_MS.healthy,
      signal: demo.signal,
      explain: () => lacking.join('; '),
    },
  );
  return Math.round((sinceMs ?? startedMs) - startedMs) / 1000;
}

/** Each side has one leader and one schedule, made after the cut and not the other's, and runs all web workers by it. */
export function bothWork(view: ClusterView, alone: string, before: ReadonlySet<string>): boolean {
  const side = view.hosts.filter(host => host.name === alone);
  const rest = view.hosts.filter(host => host.name !== alone);
  const ids = [side, rest].map(scheduleIds);
  const all = ids.flat();
  return (
    [side, rest].every(hosts => leadersOf(hosts).length === 1 && workers(hosts) === DJANGO) &&
    ids.every(own => own.length === 1) &&
    new Set(all).size === all.length &&
    all.every(id => !before.has(id))
  );
}

/** The different schedules some hosts follow. */
function scheduleIds(hosts: readonly HostView[]): string[] {
  return [...new Set(hosts.map(host => host.verwalter?.schedule_id ?? 'none'))];
}

function workers(hosts: readonly HostView[]): number {
  return hosts.reduce((sum, host) => sum + running(host, 'django'), 0);
}

function summary(host: HostView): Record<string, unknown> {
  return {
    host: host.name,
    leads: host.verwalter?.election_state.is_leader,
    schedule: host.verwalter?.schedule_id,
    django: running(host, 'django'),
  };
}

function reach(demo: Demo, name: string): Reachable {
  const host = demo.hosts.get(name);
  if (host === undefined) throw new DemoError(`${name} is not up`);
  return { address: host.plan.address, pid: host.pid };
}

function others(demo: Demo, name: string): Reachable[] {
  return [...demo.hosts.keys()].filter(other => other !== name).map(other => reach(demo, other));
}
