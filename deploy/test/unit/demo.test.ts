import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSchedulerRunner } from '@suite/verwalter/adapters/lua/runner.ts';
import type { EngineKind, Json, SchedulerInput } from '@suite/verwalter/core/scheduler/engine.ts';
import t from 'tap';
import { missing, missingCalm, type Sample } from '../../src/demo/cluster/health.ts';
import type { ClusterView, HostView } from '../../src/demo/cluster/view.ts';
import { EXPECTED, HOST_NAMES, type HostName, NETWORK } from '../../src/demo/defaults.ts';
import { hierarchies } from '../../src/demo/host/cgroups.ts';
import { makePlan } from '../../src/demo/plan.ts';
import { bothWork } from '../../src/demo/scenes/partition.ts';
import { table } from '../../src/demo/screen/table.ts';

const ROOT = process.env.SUITE_ROOT ?? process.cwd();

t.setTimeout(120_000);

t.test('address plan', async t => {
  t.test('takes the first network nothing on the machine overlaps', async t => {
    t.equal(makePlan('/a', ['192.0.2.2/24'])?.network, '10.97.0');
    t.equal(makePlan('/a', ['10.97.0.7/24'])?.network, '10.98.0');
    t.equal(makePlan('/a', ['10.97.0.0/16', '10.98.0.5'])?.network, '10.99.0');
    t.equal(makePlan('/a', ['10.0.0.0/9'])?.network, undefined, 'a wide route covers all candidates');
    t.equal(makePlan('/a', ['fe80::1/64', 'junk'])?.network, '10.97.0');
  });

  t.test('names fit the kernel and differ between checkouts and hosts', async t => {
    const plans = ['/home/one', '/home/two'].map(root => makePlan(root, []));
    const names = plans.flatMap(plan => [
      plan?.bridge ?? '',
      ...(plan?.hosts ?? []).flatMap(host => [host.outerLink, host.innerLink]),
    ]);
    t.equal(new Set(names).size, names.length);
    t.ok(names.every(name => name.length > 0 && name.length <= NETWORK.nameLength));
    t.not(plans[0]?.cgroup, plans[1]?.cgroup);
    const ids = plans.flatMap(plan => plan?.hosts.map(host => host.machineId) ?? []);
    t.equal(new Set(ids).size, 6);
    t.ok(ids.every(id => /^[0-9a-f]{32}$/.test(id)));
  });
});

t.test('cgroup hierarchies', async t => {
  const line = (point: string, type: string): string => `30 25 0:26 / ${point} rw,nosuid - ${type} cgroup rw`;
  const v1 = [line('/sys/fs/cgroup/cpu', 'cgroup'), line('/sys/fs/cgroup/memory', 'cgroup')];
  const unified = line('/sys/fs/cgroup/unified', 'cgroup2');
  t.same(hierarchies([...v1, unified].join('\n')), [
    { kind: 'v1', base: '/sys/fs/cgroup/cpu' },
    { kind: 'v1', base: '/sys/fs/cgroup/memory' },
  ]);
  t.same(hierarchies(line('/sys/fs/cgroup', 'cgroup2')), [{ kind: 'v2', base: '/sys/fs/cgroup' }]);
  t.same(hierarchies('22 1 8:1 / / rw - ext4 /dev/sda1 rw'), []);
});

// ---- health ------------------------------------------------------------------------------------------------------

const SEEN: Sample = { requests: 20, failed: 0, hosts: [...HOST_NAMES] };
const PLACES = { nginx: 'mars', postgres: 'pluto', redis: 'pluto' };

interface Change {
  readonly leader?: boolean;
  readonly follows?: string;
  readonly schedule?: string;
  readonly django?: number;
  readonly silent?: boolean;
}

function host(name: HostName, celery: number, change: Change = {}): HostView {
  const names = [
    ...Array.from({ length: change.django ?? EXPECTED.django[name] }, (_, index) => `django/worker.${index}`),
    ...Array.from({ length: celery }, (_, index) => `celery/worker.${index}`),
    ...Object.entries(PLACES).flatMap(([service, place]) => (place === name ? [`${service}/server.0`] : [])),
  ];
  const status = {
    num_errors: 0,
    schedule_id: change.schedule ?? 'abc',
    leader: { hostname: change.follows ?? 'jupyter' },
    election_state: { is_leader: change.leader ?? name === 'jupyter' },
  };
  return {
    name,
    address: '10.97.0.11',
    up: true,
    verwalter: change.silent === true ? undefined : (status as NonNullable<HostView['verwalter']>),
    instances: names.map(item => ({ name: item, state: 'running', pid: 1, problem: null })),
  };
}

function cluster(change: Partial<Record<HostName, Change>> = {}, services = PLACES): ClusterView {
  const hosts = [
    host('jupyter', 3, change.jupyter),
    host('mars', 1, change.mars),
    host('pluto', 1, change.pluto),
  ];
  return { hosts, schedule: { timestamp: 1, hash: 'abc', origin: '00', data: { state: { services } } } };
}

t.test('health', async t => {
  t.same(missing(cluster(), SEEN), [], 'the cluster of the slide is healthy');
  const cases: [string, ClusterView, Sample | undefined, RegExp][] = [
    ['a silent host', cluster({ mars: { silent: true } }), SEEN, /silent: mars/],
    ['two leaders', cluster({ mars: { leader: true } }), SEEN, /one leader \(now: jupyter, mars\)/],
    ['no leader', cluster({ jupyter: { leader: false } }), SEEN, /now: none/],
    ['another leader followed', cluster({ pluto: { follows: 'mars' } }), SEEN, /not yet: pluto/],
    ['another schedule', cluster({ pluto: { schedule: 'old' } }), SEEN, /one schedule/],
    ['a worker too few', cluster({ mars: { django: 2 } }), SEEN, /3 Django on mars \(now 2\)/],
    ['nginx elsewhere', cluster({}, { ...PLACES, nginx: 'pluto' }), SEEN, /nginx on mars/],
    ['nginx silent', cluster(), undefined, /nginx answers/],
    ['a failed visit', cluster(), { ...SEEN, failed: 2 }, /2 of 20 failed/],
    ['no page from pluto', cluster(), { ...SEEN, hosts: ['jupyter', 'mars'] }, /workers on pluto/],
  ];
  for (const [name, view, sample, expected] of cases)
    t.match(missing(view, sample).join('; '), expected, name);
  t.match(missingCalm(cluster({}, { ...PLACES, nginx: 'pluto' })).join(), /nginx where the schedule has it/);
});

t.test('a split counts only when each side has scheduled for itself', async t => {
  const split = (change: Partial<Record<HostName, Change>>) =>
    cluster({
      jupyter: { leader: true, schedule: 'left', django: 10 },
      mars: { leader: true, schedule: 'right', django: 6 },
      pluto: { schedule: 'right', django: 4 },
      ...change,
    });
  const before = new Set(['abc']);
  t.equal(bothWork(split({}), 'jupyter', before), true);
  t.equal(
    bothWork(split({ jupyter: { leader: true, schedule: 'abc', django: 10 } }), 'jupyter', before),
    false,
  );
  t.equal(
    bothWork(split({ jupyter: { leader: true, schedule: 'right', django: 10 } }), 'jupyter', before),
    false,
  );
  t.equal(
    bothWork(split({ jupyter: { leader: true, schedule: 'left', django: 5 } }), 'jupyter', before),
    false,
  );
  t.equal(bothWork(split({ mars: { schedule: 'right', django: 6 } }), 'jupyter', before), false);
  t.equal(bothWork(split({ pluto: { schedule: 'old', django: 4 } }), 'jupyter', before), false);
});

t.test('the table has a line per host and one for the traffic', async t => {
  const lost: HostView = { name: 'pluto', address: '', up: false, verwalter: undefined, instances: [] };
  const view = cluster();
  const lines = table({ ...view, hosts: [...view.hosts.slice(0, 2), lost] }, { perMinute: 1200, failed: 3 });
  t.equal(lines.length, 5);
  t.match(lines[1], /^jupyter +up +leads +5 +3 /);
  t.match(lines[2], /^mars .* 3 +1 +nginx /);
  t.match(lines[3], /^pluto +killed/);
  t.match(lines[4], /nginx on mars: 1200 requests per minute from here, 3 failed/);
});

// ---- the Lua scheduler -------------------------------------------------------------------------------------------

const SCHEDULER = join(ROOT, 'deploy', 'demo', 'verwalter', 'scheduler', 'v1');
const LUA = join(ROOT, 'verwalter', 'dist');

const CLUSTER = {
  network: '10.97.0',
  hosts: {
    jupyter: { weight: 5, address: '10.97.0.11' },
    mars: { weight: 3, address: '10.97.0.12' },
    pluto: { weight: 2, address: '10.97.0.13' },
  },
  services: {
    nginx: ['mars', 'jupyter', 'pluto'],
    postgres: ['pluto', 'mars', 'jupyter'],
    redis: ['pluto', 'mars', 'jupyter'],
  },
  load: { busy_rpm: 10_000, calm_rpm: 8_000 },
  sizes: { calm: { django: 10, celery: 5 }, busy: { django: 20, celery: 2 } },
};
const IMAGES = { django: 'django.1', nginx: 'nginx.1', postgres: 'postgres.1', redis: 'redis.1' };

interface Situation {
  readonly current?: HostName;
  readonly lost?: readonly HostName[];
  readonly rpm?: number;
  readonly parents?: readonly Json[];
  readonly buttons?: readonly Record<string, Json>[];
}

function input(situation: Situation = {}): SchedulerInput {
  const current = situation.current ?? 'jupyter';
  const others = HOST_NAMES.filter(name => name !== current);
  const series = {
    key: {},
    timestamps: [1, 2],
    values: [(situation.rpm ?? 0) / 60, (situation.rpm ?? 0) / 60],
  };
  return {
    now: 1_700_000_000_000,
    current_host: current,
    current_id: 'aa',
    parents: situation.parents ?? [],
    actions: Object.fromEntries(
      (situation.buttons ?? []).map((button, at) => [`${1_700_000_000_000 + at}`, { button }]),
    ),
    runtime: { cluster: CLUSTER, images: IMAGES },
    peers: Object.fromEntries(
      others.map(name => [
        `id-${name}`,
        {
          id: `id-${name}`,
          addr: null,
          name,
          hostname: name,
          schedule: null,
          known_since: 1,
          last_report_direct: 1,
          last_pong_ms: 1,
          reachable: situation.lost?.includes(name) !== true,
          errors: 0,
        },
      ]),
    ),
    metrics: { aa: { 'django.requests': { type: 'multi_series', items: [series] } } },
  };
}

/** The part of a schedule the tests look at. */
interface Schedule {
  readonly roles: Record<string, Record<string, unknown>>;
  readonly nodes: Record<string, { roles: Record<string, { daemons: Record<string, Daemon> }> }>;
  readonly state: { mode: string; services: Record<string, string>; versions: Record<string, string> };
  readonly changes: readonly string[];
}
interface Daemon {
  readonly instances: number;
  readonly image: string;
  readonly variables: Record<string, string>;
}

function instances(schedule: Schedule, role: string): Record<string, number> {
  return Object.fromEntries(
    Object.entries(schedule.nodes).map(([name, node]) => {
      const daemons = Object.values(node.roles[role]?.daemons ?? {});
      return [name, daemons.reduce((sum, daemon) => sum + daemon.instances, 0)];
    }),
  );
}

async function scheduleWith(engine: EngineKind, situations: readonly SchedulerInput[]): Promise<Schedule[]> {
  const runner = createSchedulerRunner({ engine, directory: LUA });
  try {
    const names = readdirSync(SCHEDULER).filter(name => name.endsWith('.lua'));
    const loaded = await runner.load(
      new Map(names.map(name => [name, readFileSync(join(SCHEDULER, name), 'utf8')])),
    );
    if (!loaded.ok) throw new Error(loaded.error);
    const made: Schedule[] = [];
    for (const situation of situations) {
      const result = await runner.run(situation, 5_000);
      if (!result.ok) throw new Error(result.error);
      made.push(result.schedule as unknown as Schedule);
    }
    return made;
  } finally {
    await runner.close();
  }
}

async function schedule(...situations: Situation[]): Promise<Schedule[]> {
  return await scheduleWith('wasmoon', situations.map(input));
}

t.test('the scheduler of the demo', async t => {
  t.test('gives the slide: 5D · 3D 1N · 2D 1P, five Celery', async t => {
    const [made] = (await schedule({})) as [Schedule];
    t.same(instances(made, 'django'), { jupyter: 5, mars: 3, pluto: 2 });
    t.same(instances(made, 'nginx'), { jupyter: 0, mars: 1, pluto: 0 });
    t.same(instances(made, 'postgres'), { jupyter: 0, mars: 0, pluto: 1 });
    t.equal(
      Object.values(instances(made, 'celery')).reduce((sum, count) => sum + count),
      5,
    );
    const upstreams = made.roles.nginx?.upstreams as string[];
    t.equal(upstreams.length, 10);
    t.same(upstreams.slice(0, 2), ['10.97.0.11:8001', '10.97.0.11:8002']);
    t.same(made.roles.django?.services, { nginx: '10.97.0.12', postgres: '10.97.0.13', redis: '10.97.0.13' });
    t.equal(made.nodes.mars?.roles.django?.daemons.worker?.image, 'django.1/root');
  });

  t.test('moves the work of lost hosts, and leaves services where they run', async t => {
    const [whole] = (await schedule({})) as [Schedule];
    const parents = [whole as unknown as Json];
    const [noJupyter, noMars, alone] = (await schedule(
      { current: 'mars', lost: ['jupyter'], parents },
      { lost: ['mars'], parents },
      { current: 'pluto', lost: ['jupyter', 'mars'], parents },
    )) as [Schedule, Schedule, Schedule];
    t.same(instances(noJupyter, 'django'), { mars: 6, pluto: 4 });
    t.equal(noJupyter.state.services.nginx, 'mars');
    t.equal(noMars.state.services.nginx, 'jupyter');
    t.match(noMars.changes.join(), /nginx moves from mars to jupyter/);
    t.same(instances(alone, 'django'), { pluto: 10 });
    const [back] = (await schedule({ parents: [noMars as unknown as Json] })) as [Schedule];
    t.equal(back.state.services.nginx, 'jupyter', 'it stays: moving back helps nobody');
    t.same(instances(back, 'django'), { jupyter: 5, mars: 3, pluto: 2 });
  });

  t.test('grows above 10,000 requests per minute and shrinks below 8,000', async t => {
    const [busy] = (await schedule({ rpm: 12_000 })) as [Schedule];
    t.same(instances(busy, 'django'), { jupyter: 10, mars: 6, pluto: 4 });
    t.equal(
      Object.values(instances(busy, 'celery')).reduce((sum, count) => sum + count),
      2,
    );
    const parents = [busy as unknown as Json];
    const between = await schedule(
      { rpm: 9_000, parents },
      { rpm: 9_000 },
      { rpm: 7_900, parents },
      { rpm: 10_000 },
    );
    t.same(
      between.map(made => made.state.mode),
      ['busy', 'calm', 'calm', 'calm'],
    );
  });

  t.test('obeys buttons and remembers them', async t => {
    const [paused, drained] = (await schedule(
      { buttons: [{ action: 'pause_celery', role: 'celery' }] },
      { buttons: [{ action: 'drain_host', role: 'django', data: { host: 'jupyter' } }] },
    )) as [Schedule, Schedule];
    t.same(instances(paused, 'celery'), { jupyter: 0, mars: 0, pluto: 0 });
    t.same(instances(drained, 'django'), { jupyter: 0, mars: 6, pluto: 4 });
    const [still, resumed, used] = (await schedule(
      { parents: [paused as unknown as Json] },
      { parents: [paused as unknown as Json], buttons: [{ action: 'resume_celery', role: 'celery' }] },
      {
        parents: [drained as unknown as Json],
        buttons: [{ action: 'use_host', role: 'django', data: { host: 'jupyter' } }],
      },
    )) as [Schedule, Schedule, Schedule];
    t.same(instances(still, 'celery'), { jupyter: 0, mars: 0, pluto: 0 });
    t.equal(
      Object.values(instances(resumed, 'celery')).reduce((sum, count) => sum + count),
      5,
    );
    t.same(instances(used, 'django'), { jupyter: 5, mars: 3, pluto: 2 });
  });

  t.test('rolls a new page version out host by host', async t => {
    let [made] = (await schedule({})) as [Schedule];
    const seen: string[] = [];
    for (let round = 0; round < 4; round++) {
      const buttons = round === 0 ? [{ action: 'switch_page', role: 'django' }] : [];
      [made] = (await schedule({ parents: [made as unknown as Json], buttons })) as [Schedule];
      seen.push(HOST_NAMES.map(name => made.state.versions[name]).join(' '));
    }
    t.same(seen, ['v2 v1 v1', 'v2 v2 v1', 'v2 v2 v2', 'v2 v2 v2']);
    t.equal(made.nodes.pluto?.roles.django?.daemons.worker?.variables.version, 'v2');
  });

  t.test('merges two parents after a split: newest button, preferred places', async t => {
    const [left] = (await schedule({ lost: ['mars'] })) as [Schedule];
    const [right] = (await schedule({
      current: 'mars',
      lost: ['jupyter'],
      buttons: [{ action: 'pause_celery', role: 'celery' }],
    })) as [Schedule];
    t.equal(left.state.services.nginx, 'jupyter');
    const parents = [left, right] as unknown as Json[];
    const merged = await schedule({ parents }, { parents: [...parents].reverse() });
    for (const made of merged) {
      t.same(instances(made, 'celery'), { jupyter: 0, mars: 0, pluto: 0 });
      t.equal(made.state.services.nginx, 'mars');
    }
  });

  t.test('is one function on both engines', async t => {
    const situations = [{}, { rpm: 12_000 }, { lost: ['mars' as const] }].map(input);
    const [real, script] = await Promise.all([
      scheduleWith('wasmoon', situations),
      scheduleWith('fengari', situations),
    ]);
    t.equal(JSON.stringify(real), JSON.stringify(script));
  });
});
