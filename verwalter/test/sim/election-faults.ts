// What goes wrong in a simulated cluster, and what must hold all the same.

import { pick, shuffled } from '@suite/shared/sim/index.ts';
import { ELECTION } from '../../src/config/defaults.ts';
import type { ElectionState } from '../../src/core/election/state.ts';
import { ElectionWorld, type SimNode, type StepFunction, type Watcher } from './election-world.ts';

export interface RunOptions {
  readonly seed: number;
  readonly step: StepFunction;
  readonly forgetful?: boolean;
}

export interface RunReport {
  readonly faults: Readonly<Record<string, number>>;
  /** From the end of all faults to one leader followed by everybody, ms; one figure per quiet phase. */
  readonly settledMs: readonly number[];
  readonly leaders: number;
}

/** Ten minutes: five times 95 s of faults and 25 s of peace. */
const PHASES = 5;
const FAULTY_MS = 95_000;
const QUIET_MS = 25_000;
const SETTLE_MS = 3 * ELECTION.timeoutMaxMs;
const CHECK_MS = 250;
/** How closely the settling time is watched. */
export const SAMPLE_MS = 50;

export class Violation extends Error {}

/**
 * The promises of core/election/state.ts:
 *
 * - an epoch never goes back on a node, except when a power cut took what the disk had not written;
 * - a node stands by one candidate per epoch (same exception);
 * - majority mode without power cuts: one leader per epoch in the whole cluster, ever;
 * - otherwise one leader per (epoch, component). Two nodes are in one component at time t when during the whole of
 *   [t - T, t], T the longest election timeout, both ran without a pause, neither direction between them was cut, and each got at
 *   least one packet that the other had sent in that time. Both have led for as long: a new leader has to be heard first.
 */
class Checker implements Watcher {
  world!: ElectionWorld;
  readonly votes = new Map<string, string>();
  readonly leaders = new Map<number, string>();
  readonly #settled: ElectionState[] = [];
  readonly #majority: boolean;
  leaderCount = 0;
  powerCuts = 0;

  constructor(majority: boolean) {
    this.#majority = majority;
  }

  stepped(node: SimNode, was: ElectionState): void {
    const { state } = node;
    if (state.epoch < was.epoch)
      throw new Violation(`epoch of ${node.index} went from ${was.epoch} to ${state.epoch}`);
    if (state.phase.kind !== 'leader' || (was.phase.kind === 'leader' && was.epoch === state.epoch)) return;
    this.leaderCount++;
    this.voted(node, state.epoch, node.id);
    const other = this.leaders.get(state.epoch);
    if (other !== undefined && other !== node.id && this.#majority && this.powerCuts === 0) {
      throw new Violation(`${node.id} and ${other} both lead epoch ${state.epoch}`);
    }
    this.leaders.set(state.epoch, node.id);
  }

  voted(node: SimNode, epoch: number, candidate: string): void {
    const key = `${node.index}/${epoch}`;
    const before = this.votes.get(key);
    if (before !== undefined && before !== candidate) {
      throw new Violation(`${node.index} votes twice in epoch ${epoch}`);
    }
    this.votes.set(key, candidate);
  }

  restarted(node: SimNode, was: ElectionState, powerCut: boolean): void {
    if (powerCut) {
      this.powerCuts++;
      for (const key of this.votes.keys()) if (key.startsWith(`${node.index}/`)) this.votes.delete(key);
    } else this.#settled[node.index] = was;
  }

  /** After a restart of the process alone nothing may be forgotten. */
  checkMemory(): void {
    for (const node of this.world.nodes) {
      const was = this.#settled[node.index];
      if (!node.up || was === undefined) continue;
      delete this.#settled[node.index];
      if (node.state.epoch < was.epoch)
        throw new Violation(`${node.index} forgot epoch ${was.epoch} in a restart`);
    }
  }

  checkComponents(): void {
    const leaders = this.world.nodes.filter(node => node.up && node.state.phase.kind === 'leader');
    for (const [at, one] of leaders.entries()) {
      for (const two of leaders.slice(at + 1)) {
        if (one.state.epoch === two.state.epoch && this.#connected(one, two)) {
          throw new Violation(
            `${one.index} and ${two.index} lead epoch ${one.state.epoch} within reach of each other`,
          );
        }
      }
    }
  }

  #connected(one: SimNode, two: SimNode): boolean {
    const { world } = this;
    const [there, back] = [
      one.index * world.nodes.length + two.index,
      two.index * world.nodes.length + one.index,
    ];
    const sinceMs = world.nowMs - ELECTION.timeoutMaxMs / 0.95;
    const quiet = (node: SimNode) =>
      node.steadySinceMs <= sinceMs && node.leaderSinceMs <= sinceMs && node.pausedUntilMs <= world.nowMs;
    if (!quiet(one) || !quiet(two) || world.cut[there] || world.cut[back]) return false;
    if ((world.uncutSinceMs[there] as number) > sinceMs) return false;
    return (world.deliveredMs[there] as number) >= sinceMs && (world.deliveredMs[back] as number) >= sinceMs;
  }
}

/** Index of the leader that every node follows in one epoch, or undefined. */
function agreedLeader(world: ElectionWorld): SimNode | undefined {
  const leaders = world.nodes.filter(node => node.up && node.state.phase.kind === 'leader');
  const [leader] = leaders;
  if (leader === undefined || leaders.length > 1) return undefined;
  const follows = ({ state }: SimNode) =>
    state.epoch === leader.state.epoch && state.phase.kind === 'follower' && state.phase.leader === leader.id;
  return world.nodes.every(node => node === leader || (node.up && follows(node))) ? leader : undefined;
}

type Fault = (world: ElectionWorld) => void;

const FAULTS: Readonly<Record<string, Fault>> = {
  crash: world => world.crash(anyNode(world), false, world.random.next() * 20_000),
  'power cut': world => world.crash(anyNode(world), true, world.random.next() * 20_000),
  pause: world => world.pause(anyNode(world), world.random.next() ** 3 * 60_000),
  'wall jump': world => {
    anyNode(world).wallOffsetMs += (world.random.next() * 2 - 1) * 3_600_000;
  },
  'cantal down': world => {
    anyNode(world).cantalDownUntilMs = world.nowMs + world.random.next() * 20_000;
  },
  halves: world => {
    const side = world.nodes.map(() => world.random.next() < 0.5);
    cutWhere(world, (from, to) => side[from] !== side[to]);
  },
  'isolate one': world => {
    const alone = anyNode(world).index;
    cutWhere(world, (from, to) => from === alone || to === alone);
  },
  ring: world => {
    const { length } = world.nodes;
    const place = shuffled(
      world.random,
      world.nodes.map(node => node.index),
    );
    const distance = (from: number, to: number) => Math.abs((place[from] as number) - (place[to] as number));
    cutWhere(world, (from, to) => distance(from, to) !== 1 && distance(from, to) !== length - 1);
  },
  asymmetric: world => cutWhere(world, () => world.random.next() < 0.4),
  heal: world => cutWhere(world, () => false),
};

function anyNode(world: ElectionWorld): SimNode {
  return pick(world.random, world.nodes);
}

function cutWhere(world: ElectionWorld, isCut: (from: number, to: number) => boolean): void {
  for (const { index: from } of world.nodes) {
    for (const { index: to } of world.nodes) if (from !== to) world.setCut(from, to, isCut(from, to));
  }
}

function runFaultyPhase(
  world: ElectionWorld,
  kinds: readonly string[],
  severity: Pick<ElectionWorld, 'loss' | 'duplication' | 'delayMs'>,
): void {
  const endMs = world.nowMs + FAULTY_MS;
  Object.assign(world, severity);
  const strike = () => {
    if (world.nowMs >= endMs) return;
    const kind = pick(world.random, kinds);
    world.count(kind);
    (FAULTS[kind] as Fault)(world);
    world.at(world.nowMs + 1_000 + world.random.next() * 9_000, strike);
  };
  strike();
  world.run(endMs);
}

/** All faults end at once: cuts, losses, pauses, crashes, and whatever is still in the air. */
function stopFaults(world: ElectionWorld): void {
  Object.assign(world, { loss: 0, duplication: 0, delayMs: 0 });
  cutWhere(world, () => false);
  world.dropInFlight();
  for (const node of world.nodes) world.revive(node);
}

/** Settled = from here to the end of the phase every node follows one and the same leader. */
function runQuietPhase(world: ElectionWorld): number {
  const startMs = world.nowMs;
  stopFaults(world);
  let leader: SimNode | undefined;
  let settledMs = 0;
  while (world.nowMs < startMs + QUIET_MS) {
    world.run(world.nowMs + SAMPLE_MS);
    const agreed = agreedLeader(world);
    if (agreed === leader && agreed !== undefined) continue;
    leader = agreed;
    settledMs = world.nowMs - startMs;
  }
  // A slow clock stretches its timeouts by the same 5 %.
  if (leader !== undefined && settledMs <= SETTLE_MS / 0.95) return settledMs;
  const states = world.nodes.map(({ state }) => `${state.phase.kind}@${state.epoch}`).join(' ');
  throw new Violation(`no leader for good within 3 election timeouts, but after ${settledMs} ms: ${states}`);
}

export function runCluster(options: RunOptions): RunReport {
  const nodes = [3, 5, 7][options.seed % 3] as number;
  const allowMinority = options.seed % 2 === 0;
  const checker = new Checker(!allowMinority);
  const world = new ElectionWorld({ ...options, nodes, allowMinority }, checker);
  checker.world = world;
  const { random } = world;
  // Swarm: each seed draws which kinds of faults it has at all, because some bugs only show without the noise of others.
  const drawn = Object.keys(FAULTS).filter(() => random.next() < 0.5);
  const kinds = [...new Set([...drawn, pick(random, Object.keys(FAULTS)), 'heal'])];
  const maybe = (value: number) => (random.next() < 0.5 ? value : 0);
  const watch = () => {
    checker.checkMemory();
    checker.checkComponents();
    world.at(world.nowMs + CHECK_MS, watch);
  };
  watch();
  const settledMs: number[] = [];
  for (let phase = 0; phase < PHASES; phase++) {
    const severity = {
      loss: maybe(random.next() * 0.3),
      duplication: maybe(random.next() * 0.2),
      delayMs: maybe(random.next() ** 2 * 1_000),
    };
    if (severity.delayMs > 0) world.count('delayed phase');
    runFaultyPhase(world, kinds, severity);
    settledMs.push(runQuietPhase(world));
  }
  return { faults: world.counts, settledMs, leaders: checker.leaderCount };
}
