import type { Random } from '../ports/random.ts';
import { chance, exponential, pick, shuffled } from './random.ts';
import { CALM_NET, type NetFaults, type SimWorld } from './world.ts';

type PartitionKind = 'symmetric' | 'asymmetric' | 'isolate-one' | 'ring';

/** How often a kind of disaster strikes and how long it lasts, both exponential. */
interface Disaster {
  readonly meanIntervalMs: number;
  readonly meanDurationMs: number;
}

/** Which faults a run has. A kind that is absent never happens: some bugs show only without the noise of the others. */
interface FaultPlan {
  readonly net: NetFaults;
  /** Largest deviation of a clock's rate, 0.05 = ±5 %. */
  readonly drift: number;
  /** Largest wall clock offset at the start. */
  readonly skewMs: number;
  readonly partitions?: Disaster & { readonly kinds: readonly PartitionKind[] };
  readonly crashes?: Disaster;
  readonly pauses?: Disaster;
  readonly clogs?: Disaster;
  readonly wallJumps?: { readonly meanIntervalMs: number; readonly maxJumpMs: number };
}

const HOUR_MS = 3_600_000;
const MAX_LOSS = 0.3;
const MAX_DUPLICATION = 0.5;
const MAX_DELAY_MEAN_MS = 200;
const MAX_DRIFT = 0.05;
const PARTITION_KINDS: readonly PartitionKind[] = ['symmetric', 'asymmetric', 'isolate-one', 'ring'];

/** From twice a minute to once in two minutes, for one second to half a minute. */
function disaster(random: Random): Disaster {
  return { meanIntervalMs: random.between(30_000, 120_000), meanDurationMs: random.between(1_000, 30_000) };
}

/** Swarm testing (Groce et al., ISSTA 2012; TigerBeetle's simulator): a seed draws which faults are on, then how much. */
export function chooseFaults(random: Random): FaultPlan {
  const isOn = () => chance(random, 0.5);
  const kinds = shuffled(random, PARTITION_KINDS).slice(0, random.between(1, PARTITION_KINDS.length + 1));
  return {
    net: {
      loss: isOn() ? random.next() * MAX_LOSS : 0,
      duplication: isOn() ? random.next() * MAX_DUPLICATION : 0,
      delayMinMs: CALM_NET.delayMinMs,
      delayMeanMs: isOn() ? 1 + random.next() * MAX_DELAY_MEAN_MS : CALM_NET.delayMeanMs,
    },
    drift: isOn() ? MAX_DRIFT : 0,
    skewMs: isOn() ? HOUR_MS : 0,
    ...(isOn() && { partitions: { ...disaster(random), kinds } }),
    ...(isOn() && { crashes: disaster(random) }),
    ...(isOn() && { pauses: disaster(random) }),
    ...(isOn() && { clogs: disaster(random) }),
    ...(isOn() && { wallJumps: { meanIntervalMs: random.between(30_000, 120_000), maxJumpMs: HOUR_MS } }),
  };
}

/** Cuts links. `symmetric`: two halves; `asymmetric`: one half does not hear the other; `ring`: only neighbours talk. */
export function partition(world: SimWorld, kind: PartitionKind): void {
  const order = shuffled(world.random, world.nodes);
  const cut = kind === 'isolate-one' ? 1 : world.random.between(1, Math.max(order.length, 2));
  const place = new Map(order.map((node, index) => [node, index]));
  const isCut = (from: number, to: number): boolean => {
    if (kind === 'ring') return ![1, order.length - 1].includes(Math.abs(from - to));
    if (kind === 'asymmetric') return from < cut && to >= cut;
    return from < cut !== to < cut;
  };
  for (const from of order) {
    for (const to of order) {
      from.blockedTo[to.index] = from !== to && isCut(place.get(from) as number, place.get(to) as number);
    }
  }
  const side = order.slice(0, cut).map(node => node.name);
  world.note(
    kind === 'ring' ? `ring of ${order.map(node => node.name)}` : `${kind} partition: ${side} | others`,
  );
}

export function heal(world: SimWorld): void {
  for (const node of world.nodes) node.blockedTo.fill(false);
  world.note('all links work');
}

function repeat(world: SimWorld, meanIntervalMs: number, isOver: () => boolean, strike: () => void): void {
  world.schedule(exponential(world.random, meanIntervalMs), undefined, () => {
    if (isOver()) return;
    strike();
    repeat(world, meanIntervalMs, isOver, strike);
  });
}

function crashOne(world: SimWorld, durationMs: number): void {
  const node = pick(world.random, world.nodes);
  node.crash();
  world.schedule(durationMs, undefined, () => node.restart());
}

function clogOne(world: SimWorld, durationMs: number): void {
  const from = pick(world.random, world.nodes);
  const to = pick(world.random, world.nodes);
  from.cloggedToUntilMs[to.index] = world.nowMs + durationMs;
  world.note(`packets ${from.name} → ${to.name} hang for ${Math.round(durationMs)} ms`);
}

function setClocks(world: SimWorld, plan: FaultPlan): void {
  const signed = () => world.random.next() * 2 - 1;
  for (const node of world.nodes) {
    node.clockRate = 1 + signed() * plan.drift;
    node.wallOffsetMs = signed() * plan.skewMs;
  }
}

/**
 * Lets the plan's disasters happen to the nodes there are, until `endMs`; then all of them end at once (clocks keep
 * their drift and offset), so that a test can demand that the cluster recovers. Call at time 0, before anything ran.
 */
export function startFaults(world: SimWorld, plan: FaultPlan, endMs: number): void {
  const isOver = () => world.nowMs >= endMs;
  const { partitions, crashes, pauses, clogs, wallJumps } = plan;
  // Never past the end: an event held back by a pause or a clog keeps the time it was given.
  const length = (kind: Disaster) =>
    Math.min(exponential(world.random, kind.meanDurationMs), endMs - world.nowMs);
  const strike = (kind: Disaster, act: (durationMs: number) => void) =>
    repeat(world, kind.meanIntervalMs, isOver, () => act(length(kind)));
  setClocks(world, plan);
  world.faults = { ...plan.net };
  if (partitions !== undefined) {
    let latest = 0;
    strike(partitions, durationMs => {
      const own = ++latest;
      partition(world, pick(world.random, partitions.kinds));
      world.schedule(durationMs, undefined, () => own === latest && heal(world));
    });
  }
  if (crashes !== undefined) strike(crashes, durationMs => crashOne(world, durationMs));
  if (pauses !== undefined) strike(pauses, durationMs => pick(world.random, world.nodes).pause(durationMs));
  if (clogs !== undefined) strike(clogs, durationMs => clogOne(world, durationMs));
  if (wallJumps !== undefined) {
    repeat(world, wallJumps.meanIntervalMs, isOver, () => {
      const byMs = (world.random.next() * 2 - 1) * wallJumps.maxJumpMs;
      pick(world.random, world.nodes).jumpWallClock(byMs);
    });
  }
  world.schedule(endMs - world.nowMs, undefined, () => endFaults(world));
}

/** A healthy network of running nodes from now on (a pause or clog still takes the time it was given). */
function endFaults(world: SimWorld): void {
  world.faults = { ...CALM_NET };
  heal(world);
  for (const node of world.nodes) node.restart();
}
