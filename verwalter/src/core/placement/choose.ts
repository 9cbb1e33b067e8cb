import { fits, type Need, type Room } from './room.ts';
import type { Policy } from './types.ts';

/** Chooses a host for `need` among `candidates` (all hosts when undefined); -1 = none has room. */
export type Chooser = (need: Need, candidates: readonly number[] | undefined) => number;

type Score = (host: number, need: Need) => number;

function lowest(room: Room, score: Score): Chooser {
  return (need, candidates) => {
    let best = -1;
    let bestScore = Number.POSITIVE_INFINITY;
    const size = candidates?.length ?? room.hosts.length;
    for (let at = 0; at < size; at++) {
      const host = candidates === undefined ? at : (candidates[at] as number);
      if (!fits(room, host, need)) continue;
      const value = score(host, need);
      if (value >= bestScore) continue;
      best = host;
      bestScore = value;
    }
    return best;
  };
}

function spreadScore(room: Room): Score {
  const weights = Float64Array.from(room.hosts, host => host.weight);
  return host => ((room.counts[host] as number) + 1) / (weights[host] as number);
}

/** Weight 0 means "nothing new here" under every policy. */
function bestFitScore(room: Room): Score {
  const closed = room.hosts.map(host => host.weight <= 0);
  return (host, need) => {
    if (closed[host]) return Number.POSITIVE_INFINITY;
    let left = 0;
    for (let at = 0; at < need.resources.length; at++) {
      const resource = need.resources[at] as number;
      const free = room.free[resource]?.[host] as number;
      left += (free - (need.amounts[at] as number)) / (room.capacity[resource]?.[host] as number);
    }
    if (need.resources.length > 0) return left;
    const slots = room.slots[host] as number;
    return slots === Number.POSITIVE_INFINITY ? 0 : (slots - (room.counts[host] as number)) / slots;
  };
}

/** n^x is exp(x·ln n); with one host every power is 1, so 2 is the smallest base that ranks anything. */
function epvmScore(room: Room): Score {
  const logBase = Math.log(Math.max(2, room.hosts.length));
  const marginal = (used: number, added: number, capacity: number) =>
    Math.exp(((used + added) / capacity) * logBase) - Math.exp((used / capacity) * logBase);
  return (host, need) => {
    if ((room.hosts[host]?.weight ?? 0) <= 0) return Number.POSITIVE_INFINITY;
    const slots = room.slots[host] as number;
    let cost = slots === Number.POSITIVE_INFINITY ? 0 : marginal(room.counts[host] as number, 1, slots);
    for (let at = 0; at < need.resources.length; at++) {
      const resource = need.resources[at] as number;
      const capacity = room.capacity[resource]?.[host] as number;
      cost += marginal(
        capacity - (room.free[resource]?.[host] as number),
        need.amounts[at] as number,
        capacity,
      );
    }
    return cost;
  };
}

/** Walks the hosts in turn from `turn.at`, skipping those without room; leaves `turn.at` behind the chosen one. */
function inTurn(room: Room, turn: { at: number }): Chooser {
  return (need, candidates) => {
    const allowed = candidates === undefined ? undefined : new Set(candidates);
    for (let step = 0; step < room.hosts.length; step++) {
      const host = (turn.at + step) % room.hosts.length;
      const isOpen = (room.hosts[host]?.weight ?? 0) > 0 && (allowed?.has(host) ?? true);
      if (!isOpen || !fits(room, host, need)) continue;
      turn.at = (host + 1) % room.hosts.length;
      return host;
    }
    return -1;
  };
}

export function chooser(policy: Policy, room: Room, turn: { at: number }): Chooser {
  switch (policy) {
    case 'spread':
      return lowest(room, spreadScore(room));
    case 'bestfit':
      return lowest(room, bestFitScore(room));
    case 'epvm':
      return lowest(room, epvmScore(room));
    case 'roundrobin':
      return inTurn(room, turn);
  }
}
