import type { EngineKind, SchedulerInput } from '../../core/scheduler/engine.ts';
import { createSchedulerRunner } from './runner.ts';

/** 10,000 instances with seven sizes on 1,000 hosts of one size: the same data for the native function and for Lua. */
const SETUP = `
local INSTANCES, HOSTS = 10000, 1000
local function needs(i) return 50 + (i * 7919) % 7 * 25 end
local function name(i) return string.format('host%04d', i) end
`;

const NATIVE = `${SETUP}
local function scheduler()
  local hosts, instances = {}, {}
  for i = 1, HOSTS do hosts[i] = { name = name(i), capacity = { memory = 2000 } } end
  for i = 1, INSTANCES do instances[i] = { id = 'i' .. i, needs = { memory = needs(i) } } end
  local placed = verwalter.place { policy = 'bestfit', hosts = hosts, instances = instances }
  local used = 0
  for _, ids in pairs(placed.hosts) do if #ids > 0 then used = used + 1 end end
  return { unplaced = #placed.unplaced, used = used }
end
return { scheduler = scheduler }
`;

/** The same best fit as a naive scan, largest first. */
const PURE_LUA = `${SETUP}
local function scheduler()
  local free, order = {}, {}
  for i = 1, HOSTS do free[i] = 2000 end
  for i = 1, INSTANCES do order[i] = needs(i) end
  table.sort(order, function(a, b) return a > b end)
  local unplaced = 0
  for i = 1, INSTANCES do
    local need, best, least = order[i], 0, math.huge
    for host = 1, HOSTS do
      local left = free[host] - need
      if left >= 0 and left < least then best, least = host, left end
    end
    if best == 0 then unplaced = unplaced + 1 else free[best] = least end
  end
  local used = 0
  for i = 1, HOSTS do if free[i] < 2000 then used = used + 1 end end
  return { unplaced = unplaced, used = used }
end
return { scheduler = scheduler }
`;

const INPUT: SchedulerInput = {
  now: 1_465_479_290_007,
  current_host: 'bench',
  current_id: '00',
  parents: [],
  actions: {},
  runtime: {},
  peers: {},
  metrics: {},
};

/** One minute: fengari's naive scan takes 2 s on a good day. */
const DEADLINE_MS = 60_000;

export interface ScheduleBench {
  /** Best of `rounds`, ms inside the engine. */
  readonly bestMs: number;
  /** Hosts in use and instances without a host: equal for both ways and engines. */
  readonly used: number;
  readonly unplaced: number;
}

/** Best fit of 10,000 instances on 1,000 hosts, by `verwalter.place` or by Lua alone. Rejects when a run fails. */
export async function runScheduleBench(
  engine: EngineKind,
  way: 'native' | 'lua',
  options: { readonly directory?: string; readonly rounds?: number } = {},
): Promise<ScheduleBench> {
  const { directory, rounds = 3 } = options;
  const runner = createSchedulerRunner({
    engine,
    memoryMb: 1024,
    ...(directory !== undefined && { directory }),
  });
  try {
    const loaded = await runner.load(new Map([['main.lua', way === 'native' ? NATIVE : PURE_LUA]]));
    if (!loaded.ok) throw new Error(loaded.error);
    let best: ScheduleBench | undefined;
    for (let round = 0; round < rounds; round++) {
      const result = await runner.run(INPUT, DEADLINE_MS);
      if (!result.ok) throw new Error(result.error);
      const { used, unplaced } = result.schedule as { used: number; unplaced: number };
      if (best === undefined || result.durationMs < best.bestMs)
        best = { bestMs: result.durationMs, used, unplaced };
    }
    if (best === undefined) throw new Error('rounds must be at least 1');
    return best;
  } finally {
    await runner.close();
  }
}
