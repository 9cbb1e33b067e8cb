import type { Amounts, PlacementHost, PlacementInstance } from './types.ts';

/** An instance's needs as parallel lists of resource numbers and amounts. */
export interface Need {
  readonly resources: readonly number[];
  readonly amounts: readonly number[];
}

/** What the hosts have left. Resources and hosts are numbered; `free[resource][host]`. */
export interface Room {
  readonly hosts: readonly PlacementHost[];
  readonly hostIndex: ReadonlyMap<string, number>;
  readonly resourceIndex: ReadonlyMap<string, number>;
  readonly free: readonly Float64Array[];
  readonly capacity: readonly Float64Array[];
  /** 1 ÷ capacity. */
  readonly share: readonly Float64Array[];
  /** 0 for hosts of weight 0: they take nothing under any policy. */
  readonly slots: Float64Array;
  readonly counts: Float64Array;
}

/** Free amounts may come out a hair below zero after many fractions were subtracted. */
export const TOLERANCE = 1e-9;

function resourceNames(hosts: readonly PlacementHost[], instances: readonly PlacementInstance[]): string[] {
  const names = new Set<string>();
  for (const host of hosts) for (const name of Object.keys(host.capacity)) names.add(name);
  for (const instance of instances) for (const name of Object.keys(instance.needs)) names.add(name);
  return [...names].sort();
}

export function openRoom(hosts: readonly PlacementHost[], instances: readonly PlacementInstance[]): Room {
  const names = resourceNames(hosts, instances);
  const capacity = names.map(name => Float64Array.from(hosts, host => host.capacity[name] ?? 0));
  return {
    hosts,
    hostIndex: new Map(hosts.map((host, index) => [host.name, index])),
    resourceIndex: new Map(names.map((name, index) => [name, index])),
    free: capacity.map(amounts => amounts.slice()),
    capacity,
    share: capacity.map(amounts => amounts.map(amount => 1 / amount)),
    slots: Float64Array.from(hosts, host => (host.weight > 0 ? (host.slots ?? Number.POSITIVE_INFINITY) : 0)),
    counts: new Float64Array(hosts.length),
  };
}

export function needOf(room: Room, needs: Amounts): Need {
  const wanted = Object.entries(needs).filter(([, amount]) => amount > 0);
  return {
    resources: wanted.map(([name]) => room.resourceIndex.get(name) as number),
    amounts: wanted.map(([, amount]) => amount),
  };
}

export function fits(room: Room, host: number, need: Need): boolean {
  if ((room.counts[host] as number) >= (room.slots[host] as number)) return false;
  const { resources, amounts } = need;
  for (let at = 0; at < resources.length; at++) {
    const resource = resources[at] as number;
    const slack = TOLERANCE * (room.capacity[resource]?.[host] as number);
    if ((room.free[resource]?.[host] as number) - (amounts[at] as number) < -slack) return false;
  }
  return true;
}

/** `sign` 1 takes the need from the host, -1 gives it back. */
export function take(room: Room, host: number, need: Need, sign: 1 | -1): void {
  room.counts[host] = (room.counts[host] as number) + sign;
  for (let at = 0; at < need.resources.length; at++) {
    const free = room.free[need.resources[at] as number] as Float64Array;
    free[host] = (free[host] as number) - sign * (need.amounts[at] as number);
  }
}
