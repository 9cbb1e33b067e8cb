// Real daemons on 127.0.0.11 …, each with a real HTTP server that speaks cantal's part. Everything runs in a network namespace of
// its own (see `inOwnNetwork`), so ports are free and nft rules touch nobody.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ScheduleObject, VerwalterStatus } from '@suite/shared/wire/verwalter.ts';

const ROOT = process.env.SUITE_ROOT ?? process.cwd();
const PROGRAM = process.env.VERWALTER_PROGRAM ?? join(ROOT, 'verwalter', 'bin', 'verwalter.cjs');
const CANTAL_PORT = 22_682;
const PORT = 8_379;
const POLL_MS = 20;

/** Starts this very file again in a new network namespace and ends with its exit code; returns inside the namespace. */
export function inOwnNetwork(): void {
  if (process.env.VERWALTER_TEST_NETNS === '1') {
    spawnSync('ip', ['link', 'set', 'lo', 'up'], { stdio: 'inherit' });
    return;
  }
  const environment = { ...process.env, VERWALTER_TEST_NETNS: '1' };
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const run = spawnSync('unshare', ['--net', ...command], { env: environment, stdio: 'inherit' });
  process.exit(run.status ?? 1);
}

export const SCHEDULER = `
local function newest(parents)
  local presses = 0
  for _, parent in ipairs(parents) do
    local before = (parent.state or {}).presses or 0
    if before > presses then presses = before end
  end
  return presses
end

local function load_of(metrics)
  local total = 0
  for _, rules in pairs(metrics) do
    for _, item in ipairs((rules['web.load'] or {items = {}}).items) do
      total = total + item.values[#item.values]
    end
  end
  return total
end

local function scheduler(input)
  local presses = newest(input.parents)
  for _ in pairs(input.actions) do presses = presses + 1 end
  local hosts = {input.current_host}
  for _, peer in pairs(input.peers) do
    if peer.reachable then table.insert(hosts, peer.hostname) end
  end
  table.sort(hosts)
  local nodes = {}
  for _, host in ipairs(hosts) do nodes[host] = {roles = {web = {template = 'web/v1'}}} end
  return {
    roles = {web = {presses = presses}},
    nodes = nodes,
    state = {presses = presses, hosts = hosts, load = load_of(input.metrics), greeting = input.runtime.greeting},
    query_metrics = {rules = {['web.load'] = {
      series = {source = 'Fine', condition = {'Eq', 'metric', 'load'}}, extract = {'Tip'}, functions = verwalter.list{},
    }}},
  }, 'scheduled for ' .. #hosts
end

return {scheduler = scheduler}
`;

const RENDER = (target: string) => `
templates:
  page: page.hbs
commands:
- !Copy { src: "{{ files.page }}", dest: ${target}, mode: 0o644 }
`;

export interface Status extends VerwalterStatus {}

export class Node {
  readonly index: number;
  readonly address: string;
  readonly hostname: string;
  readonly id: string;
  readonly directory: string;
  child: ChildProcess | undefined;
  log = '';
  readonly #cluster: Cluster;
  #cantal: Server | undefined;

  constructor(cluster: Cluster, index: number) {
    this.#cluster = cluster;
    this.index = index;
    this.address = `127.0.0.${10 + index}`;
    this.hostname = `node${index}`;
    this.id = `${index}${index}`.repeat(16);
    this.directory = join(cluster.directory, this.hostname);
    this.#writeConfig();
  }

  get page(): string {
    return join(this.directory, 'page.txt');
  }

  #writeConfig(): void {
    const config = join(this.directory, 'config');
    for (const path of ['scheduler/v1', 'templates/web/v1', 'runtime'])
      mkdirSync(join(config, path), { recursive: true });
    for (const path of ['storage', 'log']) mkdirSync(join(this.directory, path), { recursive: true });
    this.writeScheduler(SCHEDULER);
    writeFileSync(join(config, 'runtime', 'greeting.yaml'), 'hello\n');
    writeFileSync(join(config, 'templates/web/v1/page.hbs'), 'presses: {{ presses }} on {{ node }}\n');
    writeFileSync(join(config, 'templates/web/v1/web.render.yaml'), RENDER(this.page));
  }

  writeScheduler(source: string): void {
    writeFileSync(join(this.directory, 'config/scheduler/v1/main.lua'), source);
  }

  arguments(): string[] {
    const dir = (name: string) => join(this.directory, name);
    return [
      ...['--config-dir', dir('config'), '--storage-dir', dir('storage'), '--log-dir', dir('log')],
      ...[
        '--host',
        this.address,
        '--port',
        String(PORT),
        '--cantal',
        `http://${this.address}:${CANTAL_PORT}`,
      ],
      ...['--hostname', this.hostname, '--override-machine-id', this.id, '--allow-minority-cluster'],
    ];
  }

  start(): void {
    const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
    const child = spawn(process.execPath, [PROGRAM, ...this.arguments()], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    child.stderr?.on('data', chunk => {
      this.log = (this.log + chunk).slice(-50_000);
    });
    child.on('exit', () => {
      if (this.child === child) this.child = undefined;
    });
  }

  async kill(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (child === undefined) return null;
    const ended = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)));
    child.kill(signal);
    return ended;
  }

  /** The two answers verwalter asks cantal for. */
  async startCantal(): Promise<void> {
    const server = createServer((incoming, response) => {
      incoming.resume();
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(incoming.url === '/query.json' ? this.#metrics() : this.#peers()));
    });
    this.#cantal = server;
    await new Promise<void>(resolve => server.listen(CANTAL_PORT, this.address, resolve));
  }

  stopCantal(): void {
    this.#cantal?.close();
    this.#cantal?.closeAllConnections();
    this.#cantal = undefined;
  }

  #peers(): unknown {
    const others = this.#cluster.nodes.filter(node => node !== this);
    const peer = (node: Node) => ({
      id: node.id,
      hostname: node.hostname,
      name: `${node.hostname}.example.org`,
      primary_addr: `${node.address}:${CANTAL_PORT}`,
      known_since: 1,
      last_report_direct: this.#cluster.lastSeen(this, node),
    });
    return { peers: others.map(peer) };
  }

  #metrics(): unknown {
    const series = { key: { metric: 'load' }, kind: 'Float', values: [this.index, null, 1] };
    return { values: { 'web.load': { type: 'SingleSeries', timestamps: [3_000, 2_000, 1_000], series } } };
  }

  request(
    path: string,
    options: { body?: unknown; type?: string; method?: string } = {},
  ): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
    return new Promise((resolve, reject) => {
      const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
      const method = options.method ?? (payload === undefined ? 'GET' : 'POST');
      const headers = payload === undefined ? {} : { 'content-type': options.type ?? 'application/json' };
      const call = request(
        { host: this.address, port: PORT, path, method, headers, agent: false, timeout: 60_000 },
        response => {
          let text = '';
          response.on('data', chunk => {
            text += chunk;
          });
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
          );
        },
      );
      call.on('error', reject);
      call.on('timeout', () => call.destroy(new Error('timeout')));
      call.end(payload);
    });
  }

  /** undefined while the daemon does not answer. */
  async status(): Promise<Status | undefined> {
    const answer = await this.request('/v1/status').catch(() => undefined);
    return answer?.status === 200 ? (JSON.parse(answer.text) as Status) : undefined;
  }

  async schedule(): Promise<ScheduleObject | undefined> {
    const answer = await this.request('/v1/schedule').catch(() => undefined);
    return answer?.status === 200 ? (JSON.parse(answer.text) as ScheduleObject) : undefined;
  }

  readPage(): string {
    try {
      return readFileSync(this.page, 'utf8');
    } catch {
      return '';
    }
  }
}

export interface Agreement {
  readonly leader: Node;
  readonly schedule: ScheduleObject;
}

export class Cluster {
  readonly directory = mkdtempSync(join(tmpdir(), 'verwalter-cluster-'));
  readonly nodes: Node[] = [];
  /** Pairs `from-to` (indices) whose cantals do not hear each other. */
  readonly #cuts = new Set<string>();
  readonly #seen = new Map<string, number>();

  constructor(size: number) {
    for (let index = 1; index <= size; index++) this.nodes.push(new Node(this, index));
  }

  async start(): Promise<void> {
    for (const node of this.nodes) await node.startCantal();
    for (const node of this.nodes) node.start();
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) {
      await node.kill('SIGKILL');
      node.stopCantal();
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** A killed daemon stands for a dead host: its cantal is silent too. */
  lastSeen(by: Node, node: Node): number | null {
    const pair = `${by.index}-${node.index}`;
    if (node.child !== undefined && !this.#cuts.has(pair)) this.#seen.set(pair, Date.now());
    return this.#seen.get(pair) ?? null;
  }

  /** Drops every packet between `alone` and the others, and lets their cantals see it. */
  isolate(alone: Node): void {
    const rules = this.nodes
      .filter(node => node !== alone)
      .flatMap(node => [
        `ip saddr ${alone.address} ip daddr ${node.address} counter drop`,
        `ip saddr ${node.address} ip daddr ${alone.address} counter drop`,
      ]);
    const table = `table inet verwalter_test {\nchain cut {\ntype filter hook input priority 0;\n${rules.join('\n')}\n}\n}\n`;
    const made = spawnSync('nft', ['-f', '-'], { input: table, encoding: 'utf8' });
    if (made.status !== 0) throw new Error(made.stderr);
    for (const node of this.nodes) {
      if (node === alone) continue;
      this.#cuts.add(`${alone.index}-${node.index}`);
      this.#cuts.add(`${node.index}-${alone.index}`);
    }
  }

  /** Packets the cut has dropped: a cut that dropped none was no cut. */
  heal(): number {
    const listed = spawnSync('nft', ['list', 'table', 'inet', 'verwalter_test'], { encoding: 'utf8' }).stdout;
    spawnSync('nft', ['delete', 'table', 'inet', 'verwalter_test']);
    this.#cuts.clear();
    return [...listed.matchAll(/packets (\d+)/g)].reduce((sum, match) => sum + Number(match[1]), 0);
  }

  /** One of `nodes` leads, the others follow it in the same epoch and have its schedule, and `accepts` it. */
  async agreement(
    nodes: readonly Node[],
    accepts: (found: Agreement) => boolean = () => true,
  ): Promise<Agreement | undefined> {
    const statuses = await Promise.all(nodes.map(node => node.status()));
    const leaders = nodes.filter((_, at) => statuses[at]?.election_state.is_leader);
    const [leader] = leaders;
    if (leader === undefined || leaders.length > 1) return undefined;
    const [first] = statuses;
    const same = statuses.every(
      status =>
        status?.leader?.id === leader.id &&
        status.schedule_status === 'ok' &&
        status.schedule_id !== null &&
        status.schedule_id === first?.schedule_id &&
        status.election_state.epoch === first.election_state.epoch,
    );
    const schedule = same ? await leader.schedule() : undefined;
    if (schedule === undefined || schedule.origin !== leader.id || schedule.hash !== first?.schedule_id)
      return undefined;
    return accepts({ leader, schedule }) ? { leader, schedule } : undefined;
  }

  async agree(
    nodes: readonly Node[],
    limitMs: number,
    accepts?: (found: Agreement) => boolean,
  ): Promise<Agreement> {
    return until(
      'one leader and one schedule',
      limitMs,
      () => this.agreement(nodes, accepts),
      () => this.#report(),
    );
  }

  #report(): string {
    return this.nodes.map(node => `--- ${node.hostname}\n${node.log.slice(-3_000)}`).join('\n');
  }
}

/** Waits for a condition, looking again and again; fails with what the cluster said when it does not come true. */
export async function until<T>(
  what: string,
  limitMs: number,
  look: () => Promise<T | undefined> | T | undefined,
  report = () => '',
): Promise<T> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}\n${report()}`);
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
  }
}
