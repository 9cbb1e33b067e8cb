import { setTimeout as pause } from 'node:timers/promises';
import { type Fleet, stopWhole } from './fleet/fleet.ts';
import { makeFleets } from './fleet/fleets.ts';
import { cpuMs, proportionalMiB, residentMiB } from './fleet/processes.ts';
import type { Defer } from './harness.ts';
import type { Row, Survey } from './survey.ts';

// What a supervisor costs while nothing happens, with few and with many of the same program.

const FEW = 20;
const MANY = 200;
/** After a burst of starts; a supervisor with a garbage collector may tidy up before it is looked at. */
const SETTLE_MS = 10_000;
const IDLE_MS = 60_000;

interface Look {
  readonly residentMiB: number;
  readonly helpersMiB: number;
  readonly idlePercent: number | undefined;
}

async function idlePercent(pid: number | undefined, signal?: AbortSignal): Promise<number | undefined> {
  if (pid === undefined) return undefined;
  const [beforeMs, startedMs] = [cpuMs(pid), performance.now()];
  await pause(IDLE_MS, undefined, signal && { signal });
  return (100 * (cpuMs(pid) - beforeMs)) / (performance.now() - startedMs);
}

async function look(fleet: Fleet, count: number, signal?: AbortSignal): Promise<Look> {
  await fleet.prepare(count);
  const words = fleet.words.next(count);
  await Promise.all([fleet.start(), words]);
  await pause(SETTLE_MS, undefined, signal && { signal });
  const pid = fleet.pid();
  const helpersMiB = fleet.helpers().reduce((sum, helper) => sum + proportionalMiB(helper), 0);
  const idle = count === MANY ? await idlePercent(pid, signal) : undefined;
  const found = { residentMiB: pid === undefined ? 0 : residentMiB(pid), helpersMiB, idlePercent: idle };
  await stopWhole(fleet);
  return found;
}

async function row(fleet: Fleet, signal?: AbortSignal): Promise<Row> {
  const few = await look(fleet, FEW, signal);
  const many = await look(fleet, MANY, signal);
  const growth = (many.residentMiB - few.residentMiB) / (MANY - FEW);
  const each = many.helpersMiB / MANY + Math.max(0, growth);
  const own = fleet.pid() === undefined ? undefined : many.residentMiB;
  return { name: fleet.name, role: fleet.role, values: [own, each, many.idlePercent] };
}

async function all(defer: Defer, signal?: AbortSignal) {
  const { runtime, ours, peers } = await makeFleets(defer);
  const rows: Row[] = [];
  for (const fleet of [ours, ...peers]) rows.push(await row(fleet, signal));
  const notes = [
    ...runtime.reasons,
    'supervisor: resident set. Each: what is there beside the program (monitor, init, supervising process: proportional',
    `set) and the supervisor's growth from ${FEW} to ${MANY}. Looked at ${SETTLE_MS / 1000} s after the last start; idle: a minute.`,
  ];
  return { rows, notes };
}

export const lithosMemory: Survey = {
  name: 'lithos-memory',
  summary: `memory and idle CPU of supervisors with ${MANY} instances`,
  columns: [
    { title: `supervisor at ${MANY}`, unit: 'MB', bar: 60 },
    { title: 'each instance', unit: 'MB', bar: 1.5 },
    { title: 'idle CPU', unit: '%', bar: 0.2 },
  ],
  look: all,
};
