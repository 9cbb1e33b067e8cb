import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '@suite/shared/linux/free-port.ts';

// The real daemons behind the pages: a cantal that measures this machine and a verwalter that is a cluster of its own.

const ROOT = process.env.SUITE_ROOT ?? resolve(process.cwd(), '..');
const START_DEADLINE_MS = 60_000;

const SCHEDULER = `
return {scheduler = function(input)
  local last = input.parents[1]
  local extra = last and last.state and last.state.extra or 0
  local changes = {}
  for _, action in pairs(input.actions) do
    extra = extra + 1
    changes[#changes + 1] = 'one more, asked by ' .. action.button.action
  end
  local workers = {daemons = {worker = {instances = 2 + extra}}}
  return {
    state = {extra = extra}, changes = changes,
    nodes = {alpha = {roles = {}}, beta = {roles = {web = workers}}},
    roles = {web = {title = 'Web workers', global_actions = {
      {id = 'more', title = 'One more', kind = 'primary'},
      {id = 'drain', title = 'Drain', kind = 'danger', confirm = 'Really?'},
    }}},
  }, 'ran'
end}
`;

export interface Daemon {
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

async function answers(url: string): Promise<void> {
  const deadlineMs = Date.now() + START_DEADLINE_MS;
  for (;;) {
    const reply = await fetch(url).catch(() => undefined);
    if (reply?.ok) return void (await reply.arrayBuffer());
    if (Date.now() > deadlineMs) throw new Error(`${url} does not answer`);
    await new Promise(next => setTimeout(next, 50));
  }
}

function daemon(command: string, args: readonly string[], url: string, ready: string): Daemon {
  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn(join(ROOT, 'node_modules/.bin', command), args, { stdio: ['ignore', 'ignore', 'inherit'] });
    await answers(url + ready);
  };
  const stop = async () => {
    const running = child;
    if (running === undefined || running.exitCode !== null) return;
    const ended = new Promise(done => running.once('exit', done));
    running.kill('SIGKILL');
    await ended;
  };
  return { url, start, stop };
}

export interface Daemons {
  readonly cantal: Daemon;
  readonly verwalter: Daemon;
  cleanUp(): Promise<void>;
}

export async function makeDaemons(): Promise<Daemons> {
  const directory = mkdtempSync(join(tmpdir(), 'ui-test-'));
  const config = join(directory, 'config');
  for (const name of [
    'config/scheduler/v1',
    'config/templates',
    'config/sandbox',
    'config/runtime',
    'storage',
    'log',
  ])
    mkdirSync(join(directory, name), { recursive: true });
  writeFileSync(join(config, 'scheduler/v1/main.lua'), SCHEDULER);
  const [agentPort, port] = [await freePort(), await freePort()];
  const id = ['--override-machine-id', '000000000000000000000000000000aa'];
  const here = (number: number) => ['--host', '127.0.0.1', '--port', String(number)];
  const agent = `http://127.0.0.1:${agentPort}`;
  const cantal = daemon(
    'cantal',
    [...here(agentPort), ...id, '--cluster-name', 'ui', '--node-name', 'alpha'],
    agent,
    '/status.json',
  );
  const folders = [
    '--config-dir',
    config,
    '--storage-dir',
    join(directory, 'storage'),
    '--log-dir',
    join(directory, 'log'),
  ];
  const names = ['--hostname', 'alpha', '--cantal', agent, '--log-level', 'error'];
  const verwalter = daemon(
    'verwalter',
    [...here(port), ...id, ...folders, ...names],
    `http://127.0.0.1:${port}`,
    '/v1/schedule',
  );
  const cleanUp = async () => {
    await verwalter.stop();
    await cantal.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  return { cantal, verwalter, cleanUp };
}
