import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '@suite/shared/linux/free-port.ts';
import type {
  AllProcesses,
  CantalError,
  CantalServerMessage,
  Dataset,
  QueryRule,
  RemoteQueryReply,
} from '@suite/shared/wire/cantal.ts';
import { decode } from 'cbor-x';
import t from 'tap';
import { WebSocket } from 'ws';
import { type Daemon, directory, end, run, startDaemon, startWriter, until } from './daemons.ts';

const FAST = ['--interval', '200'];

function rule(
  metric: string,
  extract: QueryRule['extract'],
  functions: QueryRule['functions'] = [],
): QueryRule {
  return { series: { source: 'Fine', condition: ['Eq', 'metric', metric] }, extract, functions };
}

/** Answer of a hand-written request, as text. */
async function raw(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(request);
  let text = '';
  socket.on('data', chunk => {
    text += chunk;
    if (text.includes('\r\n\r\n')) socket.end();
  });
  await once(socket, 'close');
  return text;
}

t.test('every endpoint answers within 5 s of the start', async t => {
  const port = await freePort();
  const startedMs = performance.now();
  const daemon = startDaemon(t, '127.0.0.1', port, ['--cluster-name', 'alone'], {
    CANTAL_PUBLIC: '/nonexistent',
  });
  const status = await daemon.ready();
  const processes = await daemon.json<AllProcesses>('/all_processes.json');
  t.same(await daemon.json('/all_peers.json'), { peers: [] });
  const metrics = await (await fetch(`${daemon.base}/metrics`)).text();
  const answer = await daemon.query(rule('uptime', ['Tip'], [['Sum', 'Ignore']]));
  t.ok(performance.now() - startedMs < 5000);

  t.match(status, {
    cluster_name: 'alone',
    pid: daemon.child.pid,
    interval_ms: 2000,
    scans: Number,
    num_peers: 0,
  });
  t.same(
    status.collectors.filter(collector => !collector.ok),
    [],
    'every collector is well',
  );
  t.ok(status.fine_values > 100 && status.boot_time !== null);
  t.match(
    processes.all.find(item => item.pid === daemon.child.pid),
    { cmdline: /cantal\.cjs/, ppid: process.pid, uid: 0 },
  );
  t.match(
    metrics,
    /^# HELP cantal_cpu_user_total cpu\.user\n# TYPE cantal_cpu_user_total counter\ncantal_cpu_user_total \d+$/m,
  );
  t.match(metrics, new RegExp(`^cantal_rss\\{pid="${daemon.child.pid}"[^}]*\\} \\d+$`, 'm'));
  t.match(answer, { type: 'SingleTip', tip: { key: { metric: 'uptime' }, kind: 'Float', value: Number } });

  const body = JSON.stringify({ rules: { up: rule('uptime', ['HistoryByNum', 1]) } });
  const cbor = await fetch(`${daemon.base}/query.cbor`, { method: 'POST', body });
  const { values } = decode(new Uint8Array(await cbor.arrayBuffer())) as {
    values: { up: [number, [unknown, unknown, unknown][]] };
  };
  t.equal(values.up[0], 101);
  t.match(values.up[1][0], [Uint8Array, [3, [Number]], [BigInt]]);

  t.match(
    await raw(port, 'GET /all_peers.json HTTP/1.1\r\n\r\n'),
    /^HTTP\/1\.1 200/,
    'without any header, as tk-cantal asks',
  );
  t.match(await (await fetch(`${daemon.base}/local/status`)).text(), /web page is not built/);
  t.equal(await end(daemon.child), 0, 'SIGTERM is an orderly end');
});

t.test('mistakes are answered with error and hint', async t => {
  const daemon = startDaemon(t, '127.0.0.1', await freePort(), FAST);
  await daemon.ready();
  const fails = async (path: string, body?: string): Promise<CantalError & { status: number }> => {
    const answer = await fetch(`${daemon.base}${path}`, body === undefined ? {} : { method: 'POST', body });
    return { ...((await answer.json()) as CantalError), status: answer.status };
  };
  t.match(await fails('/query.json', '{'), { status: 400, error: /not JSON/, hint: String });
  t.match(await fails('/query.json', '{"rules": {"a": 1}}'), {
    status: 400,
    error: /rules\.a/,
    hint: String,
  });
  const bomb = {
    series: { source: 'Fine', condition: ['RegexLike', 'metric', '(a{1000}){1000}'] },
    extract: ['Tip'],
    functions: [],
  };
  t.match(await fails('/query.cbor', JSON.stringify({ rules: { bomb } })), {
    status: 400,
    error: /rules\.bomb: .*too large/,
  });
  t.match(await fails('/query.json', ' '.repeat(70_000)), { status: 413, error: /too long/ });
  t.match(await fails('/add_host.json', '{"addr": "localhost:1"}'), { status: 400, hint: /IPv4/ });
  t.match(await fails('/nowhere', '{}'), { status: 405 });
  t.match(await fails('/graphql', '{}'), { status: 501, error: /not available yet/ });
  t.match(
    await raw(Number(new URL(daemon.base).port), 'GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n'),
    /^HTTP\/1\.1 400/,
  );
  t.match(
    await (
      await fetch(`${daemon.base}/add_host`, { method: 'POST', body: '{"addr": "127.0.0.9:9"}' })
    ).json(),
    { ok: true },
  );
  t.ok((await daemon.status()).scans > 0, 'and it is still there');
});

t.test('the page comes with an ETag, and nothing outside its directory', async t => {
  const root = directory(t);
  mkdirSync(join(root, 'public/assets'), { recursive: true });
  writeFileSync(join(root, 'public/index.html'), '<p>page</p>');
  writeFileSync(join(root, 'public/assets/a.js'), 'let a');
  writeFileSync(join(root, 'secret'), 'secret');
  const port = await freePort();
  const daemon = startDaemon(t, '127.0.0.1', port, FAST, { CANTAL_PUBLIC: join(root, 'public') });
  await daemon.ready();
  const script = await fetch(`${daemon.base}/assets/a.js`);
  t.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8');
  const etag = script.headers.get('etag') ?? '';
  t.equal((await fetch(`${daemon.base}/assets/a.js`, { headers: { 'if-none-match': etag } })).status, 304);
  t.equal(await (await fetch(`${daemon.base}/local/processes`)).text(), '<p>page</p>', 'its own navigation');
  for (const path of ['/../secret', '/..%2fsecret', '/assets/%2e%2e/%2e%2e/secret']) {
    t.notMatch(await raw(port, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`), /secret$/, path);
  }
});

t.test('samples fall on the grid and make a history', async t => {
  const daemon = startDaemon(t, '127.0.0.1', await freePort(), [...FAST, '--keep-history', '1min']);
  const answer = await until('six scans', 60_000, async () => {
    const found = await daemon.query(rule('uptime', ['HistoryByNum', 6]));
    return found.type === 'MultiSeries' && found.timestamps.length === 6 ? found : undefined;
  });
  const values = answer.series[0]?.values ?? [];
  t.equal(values.length, 6);
  t.ok(values.every(value => typeof value === 'number'));
  t.same(
    [...values].sort((a, b) => Number(b) - Number(a)),
    values,
    'newest first: uptime falls along the list',
  );
  for (const time of answer.timestamps.slice(0, -1))
    t.ok(time % 200 < 100, `${time} lies on a multiple of 200 ms`);
  const status = await daemon.status();
  t.match(status.history, { keep_ms: 60_000, refused_series: 0 });
  t.ok(status.scan_load_percent < 50 && (status.self_report?.memory_rss ?? 0) > 0);
});

/** Newest values of application metrics by metric name, for series whose labels fit. */
async function published(
  daemon: Daemon,
  labels: Readonly<Record<string, string>>,
): Promise<Record<string, number>> {
  const found = await daemon.query({
    series: { source: 'Fine', condition: ['Has', 'group'] },
    extract: ['HistoryByNum', 1],
    functions: [],
  });
  if (found.type !== 'MultiSeries') return {};
  const fitting = found.series.filter(series =>
    Object.entries(labels).every(([name, text]) => series.key[name] === text),
  );
  return Object.fromEntries(fitting.map(series => [series.key.metric, series.values[0] ?? Number.NaN]));
}

const PUBLISH = `import cantal
requests = cantal.Counter(group="django", metric="requests")
queue = cantal.Integer(group="django", metric="queue")
age = cantal.Float(group="django", metric="age")
state = cantal.State(state="django.worker")
requests.incr(7)
cantal.start()
queue.set(-3); age.set(0.125); state.enter("serving")`;

async function scansFrom(daemon: Daemon, count: number): Promise<void> {
  const { scans } = await daemon.status();
  await until(`${count} scans`, 60_000, async () =>
    (await daemon.status()).scans >= scans + count ? true : undefined,
  );
}

t.test('application metrics are visible within two scans', async t => {
  const daemon = startDaemon(t, '127.0.0.1', await freePort(), ['--interval', '500']);
  await daemon.ready();
  const base = join(directory(t), 'app.1');
  const writer = await startWriter(t, `CANTAL_PATH=${base} CANTAL_APPNAME=shop exec`, PUBLISH);
  await scansFrom(daemon, 2);
  const labels = { pid: String(writer.pid), group: 'django' };
  t.same(await published(daemon, labels), { requests: 7, queue: -3, age: 0.125 });
  const states = (await daemon.query({
    series: { source: 'Tip', condition: ['Eq', 'pid', String(writer.pid)] },
    extract: ['Tip'],
    functions: [],
  })) as Dataset & { type: 'MultiTip' };
  t.match(states.tips, [{ key: { state: 'django.worker' }, kind: 'State', value: [Number, 'serving'] }]);

  await end(writer, 'SIGKILL');
  await scansFrom(daemon, 2);
  t.same(await published(daemon, labels), {}, 'a dead process has no values');
});

t.test('application metrics in another mount namespace, inherited by a child, cut short', async t => {
  const daemon = startDaemon(t, '127.0.0.1', await freePort(), FAST);
  await daemon.ready();
  const inside = 'exec unshare -m sh -c \'mount -t tmpfs none /mnt && CANTAL_PATH=/mnt/app exec "$@"\' -';
  const hidden = await startWriter(t, inside, PUBLISH);
  t.notOk(existsSync('/mnt/app.values'), 'the file is not in our own tree');
  const base = join(directory(t), 'app.2');
  // The shell keeps the variable and has the lower pid: it owns the metrics of its child, once.
  const parent = await startWriter(t, `export CANTAL_PATH=${base};`, PUBLISH);
  await scansFrom(daemon, 2);
  t.same(await published(daemon, { pid: String(hidden.pid) }), { requests: 7, queue: -3, age: 0.125 });
  const both = await daemon.query({ ...rule('requests', ['HistoryByNum', 1]) });
  t.equal(
    both.type === 'MultiSeries' ? both.series.filter(item => item.values[0] === 7).length : 0,
    2,
    'no double counting',
  );

  writeFileSync(`${base}.values`, 'short');
  await scansFrom(daemon, 2);
  const { collectors } = await daemon.status();
  t.match(
    collectors.find(item => item.name === 'applications'),
    { ok: true },
  );
  t.same(
    await published(daemon, { pid: String(hidden.pid) }),
    { requests: 7, queue: -3, age: 0.125 },
    'others are unharmed',
  );
  t.ok(parent.pid);
});

t.test('cantal print shows what a process publishes', async t => {
  const base = join(directory(t), 'app');
  const writer = await startWriter(t, `CANTAL_PATH=${base} exec`, PUBLISH);
  const byPid = await run(['print', String(writer.pid)]);
  t.equal(byPid.code, 0);
  t.match(
    byPid.stdout,
    new RegExp(`^${writer.pid}: \\{"group": "django", "metric": "requests"\\} Counter\\(7\\)$`, 'm'),
  );
  const mixed = await run(['print', `${base}.values`, 'nothing']);
  t.equal(mixed.code, 1);
  t.match(mixed.stdout, /Integer\(-3\)[\s\S]*Counter\(7\)/);
  t.match(mixed.stderr, /nothing is neither a file nor a process id/);
});

t.test('the WebSocket pushes scans and subscribed queries', async t => {
  const port = await freePort();
  const daemon = startDaemon(t, '127.0.0.1', port, FAST);
  await daemon.ready();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
  t.teardown(() => socket.terminate());
  const messages: CantalServerMessage[] = [];
  socket.on('message', data => messages.push(JSON.parse(String(data)) as CantalServerMessage));
  await once(socket, 'open');
  const count = (type: string) => messages.filter(message => message.type === type).length;
  socket.send(
    JSON.stringify({ type: 'subscribe', id: 'cpu', rules: { up: rule('uptime', ['HistoryByNum', 2]) } }),
  );
  await until('three scans', 60_000, () => (count('scan') >= 3 && count('data') >= 3 ? true : undefined));
  t.match(
    messages.find(message => message.type === 'data'),
    { id: 'cpu', values: { up: { type: 'MultiSeries' } } },
  );
  t.ok(count('peers') >= 3);
  socket.send(JSON.stringify({ type: 'subscribe', id: 'bad', rules: { a: 1 } }));
  socket.send('nonsense');
  await until('two errors', 60_000, () => (count('error') >= 2 ? true : undefined));
  t.match(
    messages.find(message => message.type === 'error'),
    { id: 'bad', error: /rules\.a/, hint: String },
  );
  socket.send(JSON.stringify({ type: 'unsubscribe', id: 'cpu' }));
  const foreign = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers: { origin: 'http://evil.example' } });
  const [failure] = (await once(foreign, 'error')) as [Error];
  t.match(failure.message, /403/, 'another site may not read us through a browser');
});

t.test('three hosts find each other, notice a death, and meet again after a restart', async t => {
  const port = await freePort('127.0.0.11');
  const hosts = ['127.0.0.11', '127.0.0.12', '127.0.0.13'];
  const storage = hosts.map(() => directory(t));
  const names = ['jupyter', 'mars', 'pluto'];
  const start = (index: number, seeds: readonly string[]): Daemon =>
    startDaemon(t, hosts[index] as string, port, [
      ...[
        '--cluster-name',
        'demo',
        '--node-name',
        names[index] as string,
        '--override-machine-id',
        `0${index}`,
      ],
      ...[
        '--storage-dir',
        storage[index] as string,
        '--interval',
        '500',
        ...seeds.flatMap(seed => ['--seed', seed]),
      ],
    ]);
  const seed = [`${hosts[0]}:${port}`];
  const daemons = [start(0, seed), start(1, seed), start(2, seed)];
  const reached = async (daemon: Daemon): Promise<string> => {
    const peers = await daemon.peers();
    return peers
      .filter(peer => peer.reachable)
      .map(peer => peer.name)
      .sort()
      .join();
  };
  const sees = (index: number, expected: string, limitMs: number) =>
    until(`${names[index]} sees ${expected}`, limitMs, async () =>
      (await reached(daemons[index] as Daemon)) === expected ? true : undefined,
    );
  await Promise.all([
    sees(0, 'mars,pluto', 60_000),
    sees(1, 'jupyter,pluto', 60_000),
    sees(2, 'jupyter,mars', 60_000),
  ]);

  const [mars] = (await (daemons[0] as Daemon).peers()).filter(peer => peer.name === 'mars');
  t.match(mars, {
    id: '01',
    primary_addr: `127.0.0.12:${port}`,
    addresses: [`127.0.0.12:${port}`],
    unreachable_since: null,
  });
  t.ok(Date.now() - (mars?.last_report_direct ?? 0) < 2100);

  const query = { rules: { up: rule('uptime', ['Tip'], [['Sum', 'Ignore']]) } };
  const remote = await (daemons[2] as Daemon).json<RemoteQueryReply>('/remote/query_by_host.json', query);
  t.match(remote.hosts, {
    '00': { name: 'jupyter', values: { up: { type: 'SingleTip' } } },
    '01': { name: 'mars', values: { up: { type: 'SingleTip' } } },
    '02': { name: 'pluto', values: { up: { type: 'SingleTip' } } },
  });

  await end((daemons[1] as Daemon).child, 'SIGKILL');
  const killedMs = performance.now();
  await Promise.all([sees(0, 'pluto', 60_000), sees(2, 'jupyter', 60_000)]);
  t.ok(
    performance.now() - killedMs < 3600,
    `death seen after ${Math.round(performance.now() - killedMs)} ms`,
  );
  const silent = await (daemons[2] as Daemon).json<RemoteQueryReply>('/remote/query_by_host', query);
  t.match(silent.hosts['01'], { name: 'mars', error: 'not reachable' });
  t.match(await (daemons[0] as Daemon).status(), { num_peers: 2, num_reachable: 1 });

  daemons[1] = start(1, []);
  await until('mars is told again', 60_000, async () =>
    (await reached(daemons[0] as Daemon)) === 'mars,pluto' ? true : undefined,
  );
  for (const daemon of daemons) t.equal(await end(daemon.child), 0);
  for (const path of storage)
    t.match(JSON.parse(readFileSync(join(path, 'peers.json'), 'utf8')), { ip_addresses: [String, String] });
  for (const index of [0, 1, 2]) daemons[index] = start(index, []);
  await Promise.all([
    sees(0, 'mars,pluto', 60_000),
    sees(1, 'jupyter,pluto', 60_000),
    sees(2, 'jupyter,mars', 60_000),
  ]);
});

t.test('command line and exit codes', async t => {
  const help = await run(['--help']);
  t.match(help, { code: 0, stdout: /--cluster-name/ });
  t.match(await run(['--version']), { code: 0, stdout: /^cantal \d/ });
  t.match(await run(['--hostt', 'x']), { code: 2, stderr: /--host/ });
  t.match(await run(['--host', 'localhost']), { code: 2, stderr: /not an IPv4 address/ });
  t.match(await run(['--config-dir', '/etc/cantal']), { code: 2, stderr: /not available yet/ });
  t.match(await run(['--host', '192.0.2.1']), { code: 2, stderr: /no address of this host[\s\S]*hint:/ });
  const port = await freePort();
  const daemon = startDaemon(t, '127.0.0.1', port, FAST);
  await daemon.ready();
  t.match(await run(['--port', String(port)]), {
    code: 2,
    stderr: /in use \(EADDRINUSE\)[\s\S]*hint: choose another --port/,
  });
});
