import { place } from './place.ts';
import type { Amounts, PlacementHost, PlacementInstance, Policy } from './types.ts';

/** A number of equal instances: what a role usually is. */
export interface CountRequest {
  readonly policy: Policy;
  readonly hosts: readonly PlacementHost[];
  readonly count: number;
  readonly needs: Amounts;
  /** Host → instances running there now. */
  readonly previous: Readonly<Record<string, number>>;
  readonly maxMoves: number;
}

export interface CountResult {
  /** Host → instances; hosts without any are left out. */
  readonly counts: Readonly<Record<string, number>>;
  readonly unplaced: number;
  readonly moved: number;
}

/** Who runs now, cut down to `count`: the host with the most in relation to its weight gives one up at a time. */
function shrunk(request: CountRequest): Map<string, number> {
  const running = new Map<string, number>();
  for (const host of request.hosts) {
    const now = Object.hasOwn(request.previous, host.name) ? (request.previous[host.name] ?? 0) : 0;
    if (now > 0 && host.weight > 0) running.set(host.name, Math.floor(now));
  }
  const weights = new Map(request.hosts.map(host => [host.name, host.weight]));
  let surplus = [...running.values()].reduce((sum, value) => sum + value, 0) - request.count;
  for (; surplus > 0; surplus--) {
    let worst: string | undefined;
    const load = (name: string) => (running.get(name) ?? 0) / (weights.get(name) ?? 1);
    for (const name of running.keys()) if (worst === undefined || load(name) >= load(worst)) worst = name;
    if (worst !== undefined) running.set(worst, (running.get(worst) ?? 1) - 1);
  }
  return running;
}

/** Instances 1…count; the first ones are those that run already. Their names never leave this file. */
function instancesOf(request: CountRequest): {
  instances: PlacementInstance[];
  previous: Record<string, string>;
} {
  const previous: Record<string, string> = {};
  let number = 0;
  for (const [host, running] of shrunk(request)) {
    for (let at = 0; at < running; at++) previous[String(number++)] = host;
  }
  const instances = Array.from({ length: request.count }, (_, index) => ({
    id: String(index),
    needs: request.needs,
    hosts: undefined,
  }));
  return { instances, previous };
}

/** Like `place` for equal instances: keeps what runs, adds and removes as little as possible. */
export function placeCounts(request: CountRequest): CountResult {
  const { instances, previous } = instancesOf(request);
  const { policy, hosts, maxMoves } = request;
  const placed = place({ policy, hosts, instances, previous, maxMoves, start: 0 });
  const counts = Object.entries(placed.hosts).map(([name, ids]) => [name, ids.length] as const);
  return {
    counts: Object.fromEntries(counts.filter(([, count]) => count > 0)),
    unplaced: placed.unplaced.length,
    moved: placed.moved.length,
  };
}
