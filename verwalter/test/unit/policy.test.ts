import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test as Tap } from 'tap';
import { createSchedulerRunner } from '../../src/adapters/lua/runner.ts';
import type {
  EngineKind,
  Json,
  MetricSeries,
  SchedulerInput,
  SchedulerPeer,
} from '../../src/core/scheduler/engine.ts';

const NOW = 1_700_000_000_000;
const IDS = { jupyter: 'aa', mars: 'bb', pluto: 'cc' } as const;
type Name = keyof typeof IDS;

function peer(hostname: Name, reachable: boolean): SchedulerPeer {
  return {
    id: IDS[hostname],
    addr: `10.0.0.${Object.keys(IDS).indexOf(hostname) + 1}:8379`,
    name: hostname,
    hostname,
    schedule: null,
    known_since: NOW - 1e6,
    last_report_direct: NOW,
    last_pong_ms: NOW,
    reachable,
    errors: 0,
  };
}

interface World {
  readonly at?: number;
  readonly down?: readonly Name[];
  readonly parents?: readonly Json[];
  readonly actions?: Readonly<Record<string, Json>>;
  readonly runtime?: Json;
  readonly series?: Readonly<Record<string, Partial<Record<Name, MetricSeries[]>>>>;
}

/** jupyter leads and runs the scheduler. */
function inputOf(world: World): SchedulerInput {
  const down = world.down ?? [];
  const metrics: Record<string, Record<string, { type: 'multi_series'; items: MetricSeries[] }>> = {};
  for (const [key, hosts] of Object.entries(world.series ?? {})) {
    for (const [host, items] of Object.entries(hosts)) {
      const id = IDS[host as Name];
      metrics[id] = { ...metrics[id], [key]: { type: 'multi_series', items } };
    }
  }
  return {
    now: NOW + (world.at ?? 0),
    current_host: 'jupyter',
    current_id: IDS.jupyter,
    parents: world.parents ?? [],
    actions: world.actions ?? {},
    runtime: world.runtime ?? {},
    peers: { bb: peer('mars', !down.includes('mars')), cc: peer('pluto', !down.includes('pluto')) },
    self: peer('jupyter', true),
    metrics,
  };
}

/** A counter that grows by `perSecond` until `at`, one point every 2 s, over `seconds`. */
function counter(perSecond: number, at: number, seconds = 90): MetricSeries {
  const timestamps = Array.from(
    { length: seconds / 2 },
    (_, index) => NOW + at - seconds * 1000 + (index + 1) * 2000,
  );
  return { key: { metric: 'x' }, timestamps, values: timestamps.map((_, index) => index * 2 * perSecond) };
}

interface Schedule {
  readonly nodes: Record<string, { roles: Record<string, Record<string, unknown> & { instances: number }> }>;
  readonly roles: Record<string, Record<string, unknown>>;
  readonly state: Record<string, Record<string, Record<string, unknown>>>;
  readonly changes: readonly string[];
  readonly [key: string]: unknown;
}

const TALK = `
local policy = require 'verwalter/policy'
local function scheduler(input)
  local p = policy.new(input)
  local busy = p:switch { name = 'busy', value = p:rpm { metric = 'django.requests' }, above = 10000, below = 9000, hold_ms = 20000 }
  local bad = p:blacklist { name = 'errors', metric = 'django.errors', above = 50 }
  p:role { name = 'django', instances = busy and 20 or 10, weights = { jupyter = 5, mars = 3, pluto = 2 }, avoid = bad, port = 8001,
    vars = { template = 'django/v1' }, node_vars = function(host, count) return { daemons = { worker = { instances = count } } } end }
  p:role { name = 'celery', instances = busy and 2 or 5, vars = { template = 'celery/v1' } }
  p:role { name = 'postgres', singleton = true, prefer = { 'pluto', 'mars' }, vars = { template = 'postgres/v1' } }
  p:role { name = 'nginx', singleton = true, prefer = { 'mars' }, vars = { template = 'nginx/v1' } }
  return p:schedule()
end
return { scheduler = scheduler }`;

type Run = (world: World) => Promise<Schedule>;

/** Runs the same assertions under both engines. */
function policyTest(name: string, main: string, check: (t: Tap, run: Run) => Promise<void>): void {
  for (const engine of ['wasmoon', 'fengari'] as const satisfies readonly EngineKind[]) {
    t.test(`${engine}: ${name}`, async t => {
      const runner = createSchedulerRunner({ engine });
      t.teardown(() => runner.close());
      t.same(await runner.load(new Map([['main.lua', main]])), { ok: true });
      await check(t, async world => {
        const result = await runner.run(inputOf(world), 5000);
        if (!result.ok) throw new Error(result.error);
        return result.schedule as Schedule;
      });
    });
  }
}

const instances = (schedule: Schedule, role: string) =>
  Object.fromEntries(
    Object.entries(schedule.nodes).map(([host, node]) => [host, node.roles[role]?.instances]),
  );

const asJson = (schedule: Schedule) => schedule as unknown as Json;

policyTest('the talk: 5D, 3D 1N, 2D 1P', TALK, async (t, run) => {
  const schedule = await run({});
  t.same(instances(schedule, 'django'), { jupyter: 5, mars: 3, pluto: 2 });
  t.same(instances(schedule, 'postgres'), { jupyter: 0, mars: 0, pluto: 1 });
  t.same(instances(schedule, 'nginx'), { jupyter: 0, mars: 1, pluto: 0 });
  t.same(instances(schedule, 'celery'), { jupyter: 2, mars: 2, pluto: 1 });
  t.equal(schedule.roles.django?.template, 'django/v1');
  t.equal(schedule.roles.django?.badge, '10');
  const endpoints = schedule.roles.django?.endpoints as { address: string; port: number }[];
  t.same(endpoints[0], { host: 'jupyter', address: '10.0.0.1', port: 8001 });
  t.equal(endpoints.length, 10);
  t.same(schedule.nodes.mars?.roles.django?.daemons, { worker: { instances: 3 } });
});

policyTest('an unchanged world gives an unchanged schedule', TALK, async (t, run) => {
  const first = await run({});
  const second = await run({ at: 5000, parents: [asJson(first)] });
  t.same(second, first);
});

policyTest('a lost host: only its work moves, the rest stays, and it is told', TALK, async (t, run) => {
  const first = await run({});
  const second = await run({ at: 5000, parents: [asJson(first)], down: ['pluto'] });
  t.same(instances(second, 'django'), { jupyter: 6, mars: 4 });
  t.same(instances(second, 'postgres'), { jupyter: 0, mars: 1 });
  t.ok(second.changes.includes('host pluto is gone'));
  t.ok(second.changes.includes('postgres: 0 -> 1 on mars'));
  const third = await run({ at: 10_000, parents: [asJson(second)], down: ['pluto'] });
  t.same(third, second, 'and the next round says the same');
});

policyTest('a host that comes back waits, and longer when it flaps', TALK, async (t, run) => {
  let schedule = await run({});
  const steps: [number, boolean, boolean][] = [
    // [seconds, pluto heard, pluto used]
    [5, false, false],
    [10, true, false],
    [13, true, false],
    [15, true, true],
    [20, false, false],
    [25, true, false],
    [31, true, false],
    [35, true, true],
  ];
  for (const [seconds, heard, used] of steps) {
    schedule = await run({ at: seconds * 1000, parents: [asJson(schedule)], down: heard ? [] : ['pluto'] });
    t.equal('pluto' in schedule.nodes, used, `after ${seconds} s`);
  }
  t.ok(schedule.changes.includes('host pluto is back'));
});

policyTest('work returns to the even share one instance a round', TALK, async (t, run) => {
  const lost = await run({ down: ['pluto'] });
  t.same(instances(lost, 'django'), { jupyter: 6, mars: 4 });
  let schedule = await run({ at: 5000, parents: [asJson(lost)] });
  t.same(instances(schedule, 'django'), { jupyter: 6, mars: 3, pluto: 1 });
  schedule = await run({ at: 10_000, parents: [asJson(schedule)] });
  t.same(instances(schedule, 'django'), { jupyter: 5, mars: 3, pluto: 2 });
  t.same(instances(schedule, 'postgres'), { jupyter: 0, mars: 1, pluto: 0 }, 'a singleton stays where it is');
});

policyTest('load: above 10,000 rpm 20 + 2, back after it stayed below for a while', TALK, async (t, run) => {
  const load = (perSecond: number, at: number) => ({
    'django.requests': { jupyter: [counter(perSecond / 2, at)], mars: [counter(perSecond / 2, at)] },
  });
  let schedule = await run({ series: load(160, 0) });
  t.equal(schedule.roles.django?.badge, '10', '9,600 rpm');
  schedule = await run({ at: 5000, parents: [asJson(schedule)], series: load(170, 5000) });
  t.equal(schedule.roles.django?.badge, '20', '10,200 rpm');
  t.equal(schedule.roles.celery?.badge, '2');
  t.same(instances(schedule, 'django'), { jupyter: 10, mars: 6, pluto: 4 });
  const expected: [number, number, string][] = [
    [10, 155, '20'],
    [15, 140, '20'],
    [20, 155, '20'],
    [25, 140, '20'],
    [40, 140, '20'],
    [45, 140, '10'],
  ];
  for (const [seconds, perSecond, badge] of expected) {
    schedule = await run({
      at: seconds * 1000,
      parents: [asJson(schedule)],
      series: load(perSecond, seconds * 1000),
    });
    t.equal(schedule.roles.django?.badge, badge, `${perSecond} requests per second after ${seconds} s`);
  }
  const silent = await run({ at: 50_000, parents: [asJson(schedule)] });
  t.equal(silent.roles.django?.badge, '10', 'without metrics it stays as it is');
});

policyTest('77 errors per second for a minute: blacklisted; a burst is not', TALK, async (t, run) => {
  const first = await run({});
  const burst = counter(0, 0);
  const values = burst.values.map((_, index) => (index > 35 ? (index - 35) * 1000 : 0));
  const spared = await run({
    parents: [asJson(first)],
    series: { 'django.errors': { mars: [{ ...burst, values }] } },
  });
  t.equal(instances(spared, 'django').mars, 3);
  const second = await run({
    parents: [asJson(first)],
    series: { 'django.errors': { mars: [counter(77, 0)], pluto: [counter(5, 0)] } },
  });
  t.same(instances(second, 'django'), { jupyter: 7, mars: 0, pluto: 3 });
  t.ok(second.changes.some(line => /errors: mars has more than 50 errors per second/.test(line)));
  const later = await run({ at: 300_000, parents: [asJson(second)] });
  t.equal(instances(later, 'django').mars, 0, 'also when the errors stop');
  const released = await run({ at: 600_000, parents: [asJson(later)] });
  t.ok(released.changes.includes('errors: mars may work again'));
  t.equal(instances(released, 'django').mars, 1, 'the first one comes back');
});

policyTest('several parents after a split: newest decisions, largest counts', TALK, async (t, run) => {
  const base = await run({});
  const left = await run({ at: 5000, parents: [asJson(base)], down: ['pluto'] });
  const right = { ...base, nodes: { pluto: { roles: { django: { instances: 10 } } } } };
  const merged = await run({ at: 60_000, parents: [asJson(left), asJson(right)] });
  const total = Object.values(instances(merged, 'django')).reduce(
    (sum: number, count) => sum + (count ?? 0),
    0,
  );
  t.equal(total, 10);
  t.notOk('pluto' in merged.nodes, 'pluto was lost more recently than it was known alive: it returns first');
});

const VERSIONS = `
local policy = require 'verwalter/policy'
return { scheduler = function(input)
  local p = policy.new(input)
  local version = p:version { role = 'django', runtime = input.runtime.django, errors = { metric = 'django.errors', above = 50 } }
  local size = p:choice { role = 'django', name = 'size', default = 'small', options = { { value = 'small' }, { value = 'large', title = 'Grow', kind = 'danger' } } }
  p:role { name = 'django', per_host = size == 'large' and 4 or 1, vars = { version = version } }
  p:role { name = 'pinned', pinned = { mars = 2, nowhere = 3 } }
  p:role { name = 'packed', instances = 5, policy = 'bestfit', needs = { memory = 4 }, only = { 'mars', 'pluto' },
    capacity = { mars = { memory = 12 }, pluto = { memory = 4 } } }
  return p:schedule()
end }`;

const RUNTIME: Json = { django: { 'v1.2': {}, 'v1.10': {}, 'v1.9': {}, notes: {} } };

policyTest('versions: newest, by button, and back when errors last', VERSIONS, async (t, run) => {
  const first = await run({ runtime: RUNTIME });
  t.equal(first.roles.django?.version, 'v1.10');
  t.same(first.roles.django?.versions, ['v1.10', 'v1.9', 'v1.2']);
  const press = (version: string) => ({ button: { action: 'quick_switch', role: 'django', version } });
  const second = await run({
    at: 5000,
    runtime: RUNTIME,
    parents: [asJson(first)],
    actions: { [String(NOW + 4000)]: press('v1.2') },
  });
  t.equal(second.roles.django?.version, 'v1.2');
  t.ok(second.changes.includes('django: v1.10 -> v1.2'));
  const third = await run({ at: 10_000, runtime: RUNTIME, parents: [asJson(second)] });
  t.equal(third.roles.django?.version, 'v1.2', 'remembered');
  const bad = await run({
    at: 100_000,
    runtime: RUNTIME,
    parents: [asJson(third)],
    series: { 'django.errors': { mars: [counter(77, 100_000)] } },
  });
  t.equal(bad.roles.django?.version, 'v1.10');
  t.ok(bad.changes.includes('django: v1.2 has more than 50 errors per second, blacklisted'));
  const unknown = await run({ runtime: RUNTIME, actions: { [String(NOW)]: press('v9') } });
  t.equal(unknown.roles.django?.version, 'v1.10');
});

policyTest('buttons: newest wins, foreign and odd ones are ignored', VERSIONS, async (t, run) => {
  const press = (value: Json, role = 'django') => ({ button: { action: 'set_size', role, data: { value } } });
  const first = await run({ runtime: RUNTIME });
  t.same(first.roles.django?.global_actions, [
    { id: 'set_size', title: 'Grow', kind: 'danger', data: { value: 'large' } },
  ]);
  const actions = {
    [String(NOW + 1)]: press('large'),
    [String(NOW + 2)]: press('huge'),
    [String(NOW + 3)]: press('small', 'celery'),
    [String(NOW + 4)]: 'nonsense',
    [String(NOW + 5)]: { button: 7 },
    [String(NOW + 6)]: press({ a: 1 }),
  };
  const second = await run({ at: 5000, runtime: RUNTIME, parents: [asJson(first)], actions });
  t.same(instances(second, 'django'), { jupyter: 4, mars: 4, pluto: 4 });
  const older = await run({
    at: 9000,
    runtime: RUNTIME,
    parents: [asJson(second)],
    actions: { [String(NOW - 5)]: press('small') },
  });
  t.equal(instances(older, 'django').mars, 4, 'an older button does not undo a newer one');
});

policyTest('pinned and packed roles', VERSIONS, async (t, run) => {
  const schedule = await run({ runtime: RUNTIME });
  t.same(instances(schedule, 'pinned'), { jupyter: 0, mars: 2, pluto: 0 });
  t.same(instances(schedule, 'packed'), { jupyter: 0, mars: 3, pluto: 1 });
  t.same(schedule.roles.packed?.info, { 'not placed': 1 });
});

policyTest(
  'version order',
  `local versions = require 'verwalter/versions'
   return { scheduler = function(input)
     local set = {}
     for _, name in ipairs(input.runtime) do set[name] = true end
     return { order = versions.newest_first(set) }
   end }`,
  async (t, run) => {
    const order = ['v1', 'v1.0', 'v1.1', 'v1.1.0', 'v2.3', 'v2.15', 'v3.4.6', 'v10.0'];
    t.same((await run({ runtime: order })).order, [...order].reverse());
    t.same((await run({ runtime: ['v0.9.4-dirty', 'v0.9.4-10-gHASH-dirty'] })).order, [
      'v0.9.4-10-gHASH-dirty',
      'v0.9.4-dirty',
    ]);
  },
);

policyTest(
  'rates: restarts of a counter, gaps, stale data and either order of the points',
  `local metrics = require 'verwalter/metrics'
   return { scheduler = function(input) return { rate = metrics.rate(input, { metric = 'a.b', window_ms = 20000 }), by = metrics.rate_by_host(input, { metric = 'a.b' }) } end }`,
  async (t, run) => {
    const steady = counter(10, 0, 20);
    t.equal((await run({ series: { 'a.b': { mars: [steady, steady] } } })).rate, 20);
    const reversed = {
      ...steady,
      timestamps: [...steady.timestamps].reverse(),
      values: [...steady.values].reverse(),
    };
    t.equal((await run({ series: { 'a.b': { mars: [reversed] } } })).rate, 10);
    const restarted = {
      ...steady,
      values: steady.values.map((_, index) => (index < 5 ? 1000 + index * 20 : (index - 4) * 20)),
    };
    t.equal((await run({ series: { 'a.b': { mars: [restarted] } } })).rate, 10);
    t.equal(
      (await run({ series: { 'a.b': { mars: [counter(10, -16_000, 20)] } } })).rate,
      undefined,
      'older than 15 s',
    );
    t.equal(
      (await run({ series: { 'a.b': { mars: [{ ...steady, timestamps: [NOW], values: [5] }] } } })).rate,
      undefined,
      'one point',
    );
    t.same((await run({ series: { 'a.b': { mars: [steady], jupyter: [counter(3, 0, 20)] } } })).by, {
      jupyter: 3,
      mars: 10,
    });
  },
);

const GUIDE = readFileSync(join(process.env.SUITE_ROOT ?? '', 'verwalter/docs/scheduler.md'), 'utf8');
const [EXAMPLE = '', PLACING = ''] = [...GUIDE.matchAll(/```lua\n([\s\S]*?)```/g)].map(
  found => found[1] ?? '',
);

policyTest('the example of the guide', EXAMPLE, async (t, run) => {
  const runtime: Json = { django: { v1: {}, v2: {} } };
  const schedule = await run({ runtime });
  t.same(instances(schedule, 'django'), { jupyter: 5, mars: 3, pluto: 2 });
  t.equal(schedule.roles.django?.version, 'v2');
  t.same(schedule.query_metrics, {
    rules: Object.fromEntries(
      ['errors', 'requests'].map(metric => [
        `django.${metric}`,
        {
          series: { source: 'Fine', condition: ['And', ['Eq', 'group', 'django'], ['Eq', 'metric', metric]] },
          extract: ['HistoryByNum', 45],
          functions: [],
        },
      ]),
    ),
  });
  const actions = {
    [String(NOW)]: { button: { action: 'set_state', role: 'celery', data: { value: 'off' } } },
  };
  t.equal((await run({ runtime, actions })).roles.celery?.badge, '0');
});

policyTest(
  'the placement example of the guide',
  `return { scheduler = function() ${PLACING} return placed end }`,
  async (t, run) => {
    t.same(await run({}), { counts: { mars: 8, pluto: 2 }, unplaced: 0, moved: 0 });
  },
);
