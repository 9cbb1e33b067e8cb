// Scene f: the network splits one host from two. Both sides go on; when it heals there is one leader and one schedule.

import { missingLeader } from '../cluster/health.ts';
import { type ClusterView, type HostView, leadersOf, running } from '../cluster/view.ts';
import { BARS, EXPECTED, LIMITS_MS } from '../defaults.ts';
import type { Demo } from '../demo.ts';
import { cut, heal, type Reachable } from '../host/network.ts';
import { DemoError } from '../run.ts';
import { waitFor } from '../wait.ts';
import { type SceneResult, type Stage, secondsSince } from './scene.ts';

const DJANGO = Object.values(EXPECTED.django).reduce((sum, count) => sum + count, 0);
/** One leader for this long is a settled cluster, not a moment between two elections. */
const STABLE_MS = 2_000;

export async function splitNetwork({ demo, screen }: Stage): Promise<SceneResult> {
  const alone = leadersOf((await demo.look()).hosts)[0];
  if (alone === undefined) throw new DemoError('there is no leader to cut off');
  await cut(reach(demo, alone), others(demo, alone));
  const cutMs = performance.now();
  try {
    await waitFor(async () => (bothWork(await demo.look(), alone) ? true : undefined), {
      what: `both sides work while ${alone} is cut off`,
      deadlineMs: LIMITS_MS.healthy,
      signal: demo.signal,
      explain: async () => JSON.stringify((await demo.look()).hosts.map(summary)),
    });
  } finally {
    await heal([reach(demo, alone), ...others(demo, alone)]);
  }
  const splitSeconds = secondsSince(cutMs);
  screen.status([`both sides worked after ${splitSeconds} s; healed`]);
  const seconds = await settled(demo);
  const barSeconds = BARS.healedMs / 1000;
  const details = { cutOff: alone, bothSidesWorkingAfter: splitSeconds };
  return {
    id: 'f',
    name: 'one host cut off from two, then healed',
    ok: seconds < barSeconds,
    seconds,
    barSeconds,
    details,
  };
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

/** Each side has one leader, and each side alone runs all web workers. */
function bothWork(view: ClusterView, alone: string): boolean {
  const side = view.hosts.filter(host => host.name === alone);
  const rest = view.hosts.filter(host => host.name !== alone);
  return [side, rest].every(hosts => leadersOf(hosts).length === 1 && workers(hosts) === DJANGO);
}

function workers(hosts: readonly HostView[]): number {
  return hosts.reduce((sum, host) => sum + running(host, 'django'), 0);
}

function summary(host: HostView): Record<string, unknown> {
  return {
    host: host.name,
    leads: host.verwalter?.election_state.is_leader,
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
