import { cpus, totalmem } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

// Every figure comes from one interleaved run: A B C A B C …, so that a machine that slows down slows all of them.

/** One thing measured. `run` returns milliseconds (its own stopwatch, so that preparation does not count). */
export interface Contender {
  readonly name: string;
  /** `raw` is the limit nothing can beat, `peer` what users compare us with. */
  readonly role: 'ours' | 'raw' | 'peer';
  run(): Promise<number> | number;
}

export interface Prepared {
  readonly contenders: readonly Contender[];
  readonly notes: readonly string[];
}

/** Registers what undoes a step of the preparation; called in reverse order, also when a later step fails. */
export type Defer = (undo: () => Promise<void> | void) => void;

export interface Bench {
  readonly name: string;
  readonly summary: string;
  readonly rounds: number;
  prepare(defer: Defer): Promise<Prepared>;
}

export interface Figure {
  readonly name: string;
  readonly role: Contender['role'];
  readonly runs: number;
  readonly minMs: number;
  readonly medianMs: number;
  readonly p90Ms: number;
  readonly maxMs: number;
  /** Median of the ratios to the raw limit, round by round: holds when the machine's speed drifts. */
  readonly ratioToRaw: number | undefined;
}

export interface Report {
  readonly bench: string;
  readonly summary: string;
  readonly figures: readonly Figure[];
  readonly notes: readonly string[];
  readonly machine: { node: string; cpus: number; model: string; memoryBytes: number };
}

/**
 * Before every run. A process moved into a new cgroup waits for an RCU grace period unless another move has just happened:
 * `crun run` takes 10 ms right after a container and 22 ms after a pause, so without one a contender profits from the one before it.
 */
const PAUSE_MS = 100;
/** Rounds thrown away first: page cache, code cache and runtime probe fill. */
const WARM_UP_ROUNDS = 2;
/** One run of the slowest contender (a whole distribution) takes half a minute; whoever takes this long never comes. */
const RUN_DEADLINE_MS = 300_000;
/** Containers of five supervisors are made; images are built before some benchmarks. */
const PREPARE_DEADLINE_MS = 600_000;

export const machine = () => ({
  node: process.version,
  cpus: cpus().length,
  model: cpus()[0]?.model ?? 'unknown',
  memoryBytes: totalmem(),
});

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

function figure(
  contender: Contender,
  samples: readonly number[],
  raw: readonly number[] | undefined,
): Figure {
  const sorted = [...samples].sort((a, b) => a - b);
  const ratios = raw?.map((limit, index) => (samples[index] ?? Number.NaN) / limit);
  return {
    name: contender.name,
    role: contender.role,
    runs: samples.length,
    minMs: quantile(sorted, 0),
    medianMs: quantile(sorted, 0.5),
    p90Ms: quantile(sorted, 0.9),
    maxMs: quantile(sorted, 1),
    ratioToRaw: ratios === undefined ? undefined : median(ratios),
  };
}

/** What `work` comes to, unless it takes too long or `stop` comes first: a peer that gave up must not keep what has to be cleaned up. */
async function bounded<T>(
  name: string,
  work: Promise<T> | T,
  deadlineMs: number,
  stop: AbortSignal,
): Promise<T> {
  const done = new AbortController();
  const late = pause(deadlineMs, undefined, { signal: AbortSignal.any([stop, done.signal]) }).then(
    () => Promise.reject(new Error(`${name}: nothing after ${deadlineMs / 1000} s`)),
    () => Promise.reject(stop.reason),
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => undefined);
    done.abort();
  }
}

async function measure(
  contenders: readonly Contender[],
  rounds: number,
  signal: AbortSignal,
): Promise<Map<string, number[]>> {
  const samples = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const contender of contenders) {
      // Most contenders block until their process has ended: this pause is also when a Ctrl-C is heard.
      await pause(PAUSE_MS);
      signal.throwIfAborted();
      const elapsedMs = await bounded(contender.name, contender.run(), RUN_DEADLINE_MS, signal);
      if (round >= 0) samples.get(contender.name)?.push(elapsedMs);
    }
  }
  return samples;
}

/** Prepares, runs `rounds` interleaved rounds, cleans up also when preparing or a contender fails, or `signal` stops it. */
export async function runBench(
  bench: Bench,
  rounds = bench.rounds,
  signal: AbortSignal = new AbortController().signal,
): Promise<Report> {
  const undo: Parameters<Defer>[0][] = [];
  try {
    const preparing = bench.prepare(step => undo.push(step));
    const prepared = await bounded(bench.name, preparing, PREPARE_DEADLINE_MS, signal);
    const samples = await measure(prepared.contenders, rounds, signal);
    const raw = prepared.contenders.find(({ role }) => role === 'raw');
    const limit = raw && samples.get(raw.name);
    const figures = prepared.contenders.map(contender =>
      figure(contender, samples.get(contender.name) ?? [], limit),
    );
    return { bench: bench.name, summary: bench.summary, figures, notes: prepared.notes, machine: machine() };
  } finally {
    for (const step of undo.reverse()) await step();
  }
}
