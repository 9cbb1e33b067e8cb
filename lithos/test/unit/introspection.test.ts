// What is told about a tree: events, counters, Prometheus text; pure, so without one.
import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@suite/shared/cli/log.ts';
import { realClock } from '@suite/shared/ports/real.ts';
import {
  metaText,
  type PublishedMetric,
  parseMeta,
  readNumber,
  valueBytes,
} from '@suite/shared/wire/cantal-metrics.ts';
import type { InstanceStatus, TreeStatus } from '@suite/shared/wire/lithos.ts';
import t from 'tap';
import { oomScore } from '../../src/adapters/bundle.ts';
import { logTail } from '../../src/adapters/log-tail.ts';
import { MetricsFile } from '../../src/adapters/metrics-file.ts';
import { bytes, uptime } from '../../src/cli/ps/shown.ts';
import { stepEvents } from '../../src/core/events/from-step.ts';
import { EventRing } from '../../src/core/events/ring.ts';
import { Counters, counterKey } from '../../src/core/metrics/counters.ts';
import { families } from '../../src/core/metrics/families.ts';
import { prometheusText } from '../../src/core/metrics/prometheus.ts';
import { Told, type ToldOptions } from '../../src/daemon/api/told.ts';
import { Witness } from '../../src/daemon/witness.ts';

const RUNNING: InstanceStatus = {
  name: 'web/app.0',
  state: 'running',
  ready: true,
  pid: 77,
  run: 3,
  identity: '{}',
  startedWallMs: 5_000,
  readyWallMs: 5_100,
  reason: null,
  nextStartWallMs: null,
  restarts: 2,
  failures: 1,
  failuresInRow: 1,
  lastExit: null,
  lostLines: 0,
  lostBytes: 0,
  problem: null,
  says: null,
};
const EXIT = { code: 1, outOfMemory: false, requested: false, words: 'exited with code 1' };

t.test('a step becomes events only when something is different for who watches', async t => {
  const quiet = { before: RUNNING, after: { ...RUNNING, run: 3 }, ended: false };
  t.same(stepEvents(quiet, 0), []);
  const after: InstanceStatus = {
    ...RUNNING,
    state: 'starting',
    ready: false,
    run: 4,
    pid: null,
    failures: 2,
    lastExit: EXIT,
  };
  t.same(stepEvents({ before: RUNNING, after, ended: true }, 0), [
    { type: 'exit', name: 'web/app.0', run: 3, failed: true, exit: EXIT },
    {
      type: 'state',
      name: 'web/app.0',
      from: 'running',
      to: 'starting',
      ready: false,
      run: 4,
      pid: null,
      words: 'starting',
    },
  ]);
  const unready = stepEvents(
    { before: RUNNING, after: { ...RUNNING, ready: false, problem: 'port 80 refused' }, ended: false },
    0,
  );
  t.match(unready, [{ type: 'state', from: 'running', to: 'running', words: 'not ready: port 80 refused' }]);
});

t.test('the ring keeps the newest events and knows what it does not know', async t => {
  const ring = new EventRing(3, 1000);
  t.same(ring.since(1000), { events: [], missed: false }, 'nothing happened yet');
  t.equal(ring.since(900).missed, true, 'what an earlier supervisor told is not known');
  const reload = { type: 'reload', reloads: 1, errors: [], kept: [] } as const;
  for (let number = 0; number < 5; number++) ring.add(reload, number);
  t.same(
    ring.since(1003).events.map(({ seq, wallMs }) => [seq, wallMs]),
    [
      [1004, 3],
      [1005, 4],
    ],
  );
  t.equal(ring.since(1002).missed, false, 'all after it is here');
  t.equal(ring.since(1001).missed, true);
  t.equal(ring.since(1001).events.length, 3);
  t.equal(ring.since(9999).missed, true, 'a number from the future is of another supervisor');
  t.equal(ring.newest, 1005);
});

const STATUS: TreeStatus = {
  schemaVersion: 1,
  pid: 1,
  version: '9',
  config: '/m',
  writtenWallMs: 0,
  reloads: 4,
  stopping: false,
  runtime: 'crun',
  errors: ['x'],
  sandboxes: [{ name: 'web', ok: false, errors: ['a', 'b'] }],
  rollouts: [{ sandbox: 'web', process: 'app', state: 'rolling', done: 1, total: 3, message: null }],
  instances: [RUNNING],
};

const INPUT = {
  sandboxes: 2,
  configured: new Set(['web/app.0', 'web/app.1', 'db/one.0']),
  instances: [
    RUNNING,
    { ...RUNNING, name: 'web/app.1', state: 'waiting' },
    { ...RUNNING, name: 'old/app.0', state: 'stopping' },
  ] as InstanceStatus[],
};

t.test('§7 metrics-file: groups master, containers and one per process', async t => {
  const counters = new Counters(new Map([[counterKey('containers', 'started'), 40]]));
  counters.count('web/app.1', 'started');
  counters.count('web/app.1', 'failures', 0);
  counters.add('master', 'restarts');
  const list = counters.list(INPUT);
  const shown = list.map(({ type, labels, value }) => `${type} ${labels.group}/${labels.metric} ${value}`);
  t.same(shown, [
    'counter master/restarts 1',
    'signed master/sandboxes 2',
    'signed master/containers 3',
    'signed master/queue 1',
    'counter containers/started 41',
    'counter containers/deaths 0',
    'counter containers/failures 0',
    'signed containers/running 2',
    'signed containers/unknown 1',
    'counter processes.db.one/started 0',
    'counter processes.db.one/deaths 0',
    'counter processes.db.one/failures 0',
    'signed processes.db.one/running 0',
    'counter processes.web.app/started 1',
    'counter processes.web.app/deaths 0',
    'counter processes.web.app/failures 0',
    'signed processes.web.app/running 1',
  ]);
  t.equal(
    metaText(list).split('\n')[0],
    'counter 8: {"group":"master","metric":"restarts"}',
    'as upstream writes them',
  );
  const parsed = parseMeta(metaText(list));
  t.ok(parsed.ok);
  if (!parsed.ok) return;
  const view = new DataView(valueBytes(list).buffer);
  t.equal(view.byteLength, parsed.meta.sizeBytes);
  t.same(
    parsed.meta.fields.map(field => readNumber(view, field)),
    list.map(({ value }) => value),
    'a reader gets back what was written',
  );
});

t.test('Prometheus text: one HELP and TYPE per family, labels escaped, absent values left out', async t => {
  const odd = prometheusText([
    { name: 'a', type: 'gauge', help: 'two\nlines \\', samples: [{ labels: { x: 'q"\\\n' }, value: 1.5 }] },
    { name: 'b', type: 'counter', help: '', samples: [] },
  ]);
  t.equal(odd, '# HELP a two\\nlines \\\\\n# TYPE a gauge\na{x="q\\"\\\\\\n"} 1.5\n');
  const counters = new Counters(new Map());
  counters.count('web/app.0', 'deaths', 5);
  const usage = { memoryBytes: 1024, memoryLimitBytes: undefined, cpuUsageMs: 1500, throttledMs: 0, pids: 2 };
  const text = prometheusText(
    families({
      status: { ...STATUS, instances: INPUT.instances },
      counters,
      usage: new Map([['web/app.0', usage]]),
      own: { residentBytes: 7, cpuSeconds: 0.5 },
    }),
  );
  const lines = text.split('\n');
  for (const line of [
    'lithos_tree_info{version="9",runtime="crun"} 1',
    'lithos_reloads_total 4',
    'lithos_sandbox_config_errors{sandbox="web"} 2',
    'lithos_instance_up{sandbox="web",process="app",instance="0"} 1',
    'lithos_instance_up{sandbox="web",process="app",instance="1"} 0',
    'lithos_instance_restarts_total{sandbox="web",process="app",instance="0"} 2',
    'lithos_instance_memory_bytes{sandbox="web",process="app",instance="0"} 1024',
    'lithos_instance_cpu_seconds_total{sandbox="web",process="app",instance="0"} 1.5',
    'lithos_process_deaths_total{sandbox="web",process="app"} 5',
    'lithos_rollout_state{sandbox="web",process="app",state="rolling"} 1',
    'process_resident_memory_bytes 7',
  ])
    t.ok(lines.includes(line), line);
  t.notMatch(text, 'lithos_instance_memory_limit_bytes');
  const names = lines.filter(line => line.startsWith('# TYPE ')).map(line => line.split(' ')[2]);
  t.equal(new Set(names).size, names.length, 'each family once');
  for (const name of names) t.match(name, /^[a-z_:][a-z0-9_:]*$/);
});

t.test('§1.6 ps-uptime, §1.6 ps-memory: shortened by their size', async t => {
  const uptimes = [0, 29.9, 59, 60, 3599, 3600, 86_399, 86_400, 259_199, 259_200].map(uptime);
  t.same(uptimes, [
    '0s',
    '29s',
    '59s',
    '1m0s',
    '59m59s',
    '1h0m0s',
    '23h59m59s',
    '1d0h0m',
    '2d23h59m',
    '3days',
  ]);
  const sizes = [0, 1023, 1024, 1536, 1024 ** 2, 1024 ** 3, 5 * 1024 ** 4].map(bytes);
  t.same(sizes, ['0B', '1023B', '1.0kiB', '1.5kiB', '1.0MiB', '1.0GiB', '5120.0GiB']);
});

t.test('the newest lines of a log, also right after its rotation', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'lithos-tail-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'x.log');
  t.same(logTail(file, 3, 1000), []);
  const time = (second: number) => `2026-01-02T03:04:0${second}.000000000+00:00`;
  const line = (second: number, text: string) => `${time(second)} stdout ${text}\n`;
  writeFileSync(`${file}.1`, line(1, 'F a') + line(2, 'F b') + line(3, 'P c'));
  writeFileSync(file, line(4, 'F d') + line(5, 'F e'));
  t.same(logTail(file, 2, 1000), [`${time(4)} d`, `${time(5)} e`]);
  t.same(logTail(file, 1, 1000), [`${time(5)} e`]);
  const whole = [`${time(1)} a`, `${time(2)} b`, `${time(3)} cd`, `${time(5)} e`];
  t.same(logTail(file, 9, 1000), whole, 'a line cut by the rotation is one line');
  rmSync(`${file}.1`);
  t.same(logTail(file, 9, 60), [`${time(5)} e`], 'at most so many bytes, and no half lines');
  t.same(logTail(directory, 9, 20), []);
});

t.test('roll-outs and lost output are told when they are different from what was told', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'lithos-witness-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const witness = new Witness({
    clock: realClock,
    log: createLogger({ write: () => undefined, wallMs: () => 0 }),
    metrics: new MetricsFile(join(directory, 'metrics')),
    configured: () => new Set(['web/app.0']),
  });
  const start = witness.ring.newest;
  const told = () => witness.ring.since(start).events.map(({ type }) => type);
  witness.publish(STATUS);
  witness.publish(STATUS);
  t.same(told(), ['rollout'], 'once');
  witness.publish({ ...STATUS, instances: [{ ...RUNNING, lostLines: 3, lostBytes: 90 }] });
  witness.publish({ ...STATUS, instances: [{ ...RUNNING, lostLines: 3, lostBytes: 90 }] });
  t.same(told(), ['rollout', 'log-loss']);
  t.match(witness.ring.since(start).events[1], { name: 'web/app.0', lines: 3, bytes: 90 });
  witness.publish({ ...STATUS, rollouts: STATUS.rollouts.map(each => ({ ...each, done: 2 })) });
  t.same(told(), ['rollout', 'log-loss', 'rollout']);
  const meta = readFileSync(join(directory, 'metrics.meta'), 'utf8');
  t.match(meta, '{"group":"processes.web.app","metric":"running"}', '§7 metrics-file: in place');
});

t.test('metrics that could not be replaced are not written into somebody else’s file', t => {
  const directory = mkdtempSync(join(tmpdir(), 'lithos-metrics-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const metric = (name: string): PublishedMetric => ({
    type: 'counter',
    labels: { group: 'g', metric: name },
    value: 7,
  });
  const file = new MetricsFile(join(directory, 'metrics'));
  file.write([metric('a')]);
  // The new values cannot take their place, after the old ones were let go.
  rmSync(join(directory, 'metrics.values'));
  mkdirSync(join(directory, 'metrics.values'));
  t.throws(() => file.write([metric('a'), metric('b')]));
  const fds = [1, 2, 3].map(index => openSync(join(directory, `other${index}`), 'w'));
  rmSync(join(directory, 'metrics.values'), { recursive: true });
  file.write([metric('a')]);
  for (const fd of fds) {
    t.equal(fstatSync(fd).size, 0);
    closeSync(fd);
  }
  t.same(new MetricsFile(join(directory, 'metrics')).recover(counterKey), new Map([['g a', 7]]));
  t.end();
});

t.test('a program does not inherit what protects its supervisor from the kernel’s killer', t => {
  t.same([-1000, -900, -1].map(oomScore), Array(3).fill({ oomScoreAdj: 0 }));
  t.same([0, 500].map(oomScore), [{}, {}]);
  t.end();
});

t.test('a reload that was asked for is not answered with a reading that had begun before', async t => {
  const listeners = new Set<(event: unknown) => void>();
  const witness = {
    listen(listener: (event: unknown) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const told = new Told({ witness, requestReload: () => 8 } as unknown as ToldOptions);
  const answer = told.reload();
  for (const [reloads, errors] of [
    [7, ['old error']],
    [8, []],
  ] as const)
    for (const listener of listeners) listener({ type: 'reload', reloads, errors });
  t.same(await answer, { ok: true, message: 'reading 8', instances: [] });
  t.equal(listeners.size, 0);
});
