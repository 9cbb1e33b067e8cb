import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createSchedulerRunner } from '@suite/verwalter/adapters/lua/runner.ts';
import { place } from '@suite/verwalter/core/placement/place.ts';
import type { PlacementRequest } from '@suite/verwalter/core/placement/types.ts';
import type { SchedulerInput, SchedulerRunner } from '@suite/verwalter/core/scheduler/engine.ts';
import type { Bench, Contender, Defer, Prepared } from './harness.ts';

// Best fit of 10,000 instances on 1,000 hosts: one whole scheduler run, from the input to the schedule as text. In Lua
// twice (through the native `verwalter.place`, and written in Lua), each under both engines, beside the bare function.

const HOSTS = 1_000;
const INSTANCES = 10_000;
/** The slowest contender takes some seconds; the run is ended only if something is wrong. */
const DEADLINE_MS = 60_000;

/** Needs and sizes from a formula both languages share, so that every contender solves the same problem. */
const need = (index: number) => ({ memory: 64 + ((index * 37) % 448), cpu: 1 + (index % 4) });
const CAPACITY = { memory: 8192, cpu: 64 };
const hostName = (index: number): string => `host-${String(index).padStart(4, '0')}`;

const REQUEST: PlacementRequest = {
  policy: 'bestfit',
  hosts: Array.from({ length: HOSTS }, (_, index) => ({
    name: hostName(index),
    weight: 1,
    capacity: CAPACITY,
    slots: undefined,
  })),
  instances: Array.from({ length: INSTANCES }, (_, index) => ({
    id: `i${index}`,
    needs: need(index),
    hosts: undefined,
  })),
  previous: {},
  maxMoves: 0,
  start: 0,
};

const INPUTS = `
local hosts, instances = {}, {}
for i = 0, ${HOSTS - 1} do
  hosts[#hosts + 1] = {name = string.format('host-%04d', i), capacity = {memory = ${CAPACITY.memory}, cpu = ${CAPACITY.cpu}}}
end
for i = 0, ${INSTANCES - 1} do
  instances[#instances + 1] = {id = 'i' .. i, needs = {memory = 64 + (i * 37) % 448, cpu = 1 + i % 4}}
end
`;

const NATIVE = `${INPUTS}
return {scheduler = function(input)
  local placed = verwalter.place {policy = 'bestfit', hosts = hosts, instances = instances}
  return {unplaced = #placed.unplaced, assigned = placed.assigned}, ''
end}
`;

const PURE_LUA = `${INPUTS}
return {scheduler = function(input)
  local memory, cpu, assigned, unplaced = {}, {}, {}, 0
  for h = 1, #hosts do memory[h], cpu[h] = hosts[h].capacity.memory, hosts[h].capacity.cpu end
  for _, instance in ipairs(instances) do
    local m, c = instance.needs.memory, instance.needs.cpu
    local best, score = nil, math.huge
    for h = 1, #hosts do
      local rest_memory, rest_cpu = memory[h] - m, cpu[h] - c
      if rest_memory >= 0 and rest_cpu >= 0 then
        local rest = rest_memory / ${CAPACITY.memory} + rest_cpu / ${CAPACITY.cpu}
        if rest < score then best, score = h, rest end
      end
    end
    if best then
      memory[best], cpu[best] = memory[best] - m, cpu[best] - c
      assigned[instance.id] = hosts[best].name
    else unplaced = unplaced + 1 end
  end
  return {unplaced = unplaced, assigned = assigned}, ''
end}
`;

const INPUT: SchedulerInput = {
  now: 1_700_000_000_000,
  current_host: 'bench',
  current_id: '00',
  parents: [],
  actions: {},
  runtime: {},
  peers: {},
  metrics: {},
};

function bare(): Contender {
  const run = () => {
    const startedMs = performance.now();
    const { unplaced } = place(REQUEST);
    if (unplaced.length > 0) throw new Error(`${unplaced.length} instances found no host`);
    return performance.now() - startedMs;
  };
  return { name: 'bare function, in process', role: 'raw', run };
}

async function scheduled(runner: SchedulerRunner): Promise<number> {
  const startedMs = performance.now();
  const result = await runner.run(INPUT, DEADLINE_MS);
  const elapsedMs = performance.now() - startedMs;
  if (!result.ok) throw new Error(result.error);
  if (Number(result.schedule.unplaced) > 0)
    throw new Error(`${result.schedule.unplaced} instances found no host`);
  return elapsedMs;
}

async function prepare(defer: Defer): Promise<Prepared> {
  const directory = join(process.env.SUITE_ROOT ?? '.', 'verwalter/dist');
  const contender = async (
    engine: 'wasmoon' | 'fengari',
    role: 'ours' | 'peer',
    what: string,
    lua: string,
  ) => {
    const runner = createSchedulerRunner({ engine, directory, deadlineMs: DEADLINE_MS, memoryMb: 1024 });
    defer(() => runner.close());
    const loaded = await runner.load(new Map([['main.lua', lua]]));
    if (!loaded.ok) throw new Error(loaded.error);
    return { name: `${engine}, ${what}`, role, run: () => scheduled(runner) };
  };
  const contenders = [
    await contender('wasmoon', 'ours', 'native placement', NATIVE),
    await contender('fengari', 'ours', 'native placement', NATIVE),
    bare(),
    await contender('wasmoon', 'peer', 'written in Lua', PURE_LUA),
    await contender('fengari', 'peer', 'written in Lua', PURE_LUA),
  ];
  return {
    contenders,
    notes: [`${INSTANCES} instances on ${HOSTS} hosts; input, schedule as text and checks included`],
  };
}

export const schedule10k: Bench = {
  name: 'schedule-10k',
  summary: 'one scheduler run, best fit of 10,000 instances on 1,000 hosts',
  rounds: 5,
  prepare,
};
