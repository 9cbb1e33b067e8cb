import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { makeImage } from './fleet/lithos.ts';
import { Words } from './fleet/words.ts';
import type { Bench, Contender, Defer, Prepared } from './harness.ts';

// From SIGHUP, with one of 200 entries changed, until the new program says its first word. The limit is the restart of the
// same instance without a reload.

const ENTRIES = 200;
const CHANGED = 17;
const START_DEADLINE_MS = 120_000;

interface Status {
  readonly reloads: number;
  readonly instances: readonly {
    readonly name: string;
    readonly state: string;
    readonly pid: number | null;
  }[];
}

function writeHost(directory: string): string {
  for (const name of ['sandboxes', 'processes', 'run', 'log'])
    mkdirSync(join(directory, name), { recursive: true });
  writeFileSync(
    join(directory, 'images/tiny/config/idle.yaml'),
    'executable: /bin/busybox\narguments: [sleep, "100000"]\nuser-id: 0\ngroup-id: 0\nvariables: {v: !Name }\n',
  );
  const app = join(directory, 'images/tiny/config/app.yaml');
  writeFileSync(app, `${readFileSync(app, 'utf8')}variables: {v: !Name }\n`);
  writeFileSync(
    join(directory, 'sandboxes/bench.yaml'),
    `image-dir: ${join(directory, 'images')}\nallow-users: [0]\nallow-groups: [0]\nwritable-paths:\n  /out: ${join(directory, 'out')}\n`,
  );
  const master = join(directory, 'master.yaml');
  const lines = [
    `runtime-dir: ${join(directory, 'run')}`,
    `default-log-dir: ${join(directory, 'log')}`,
    `config-log-dir: null`,
    `stdio-log-dir: ${join(directory, 'log/stdio')}`,
    'cgroup-name: bench-lithos.slice',
  ];
  writeFileSync(master, `${lines.join('\n')}\n`);
  return master;
}

function writeEntries(directory: string, version: number): void {
  const entry = (number: number) => {
    const [config, v] = number === CHANGED ? ['app', `v${version}`] : ['idle', 'same'];
    return `p${number}: {image: tiny, config: /config/${config}.yaml, variables: {v: ${v}}}\n`;
  };
  writeFileSync(
    join(directory, 'processes/bench.yaml'),
    Array.from({ length: ENTRIES }, (_, n) => entry(n)).join(''),
  );
}

function readStatus(directory: string): Status | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'run/status.json'), 'utf8')) as Status;
  } catch {
    return undefined;
  }
}

async function until<T>(look: () => T | undefined, what: string): Promise<T> {
  const giveUpMs = performance.now() + START_DEADLINE_MS;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > giveUpMs) throw new Error(`${what} in vain`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

/** Everything runs: the status says so, and has said what the last event led to. */
async function settled(directory: string): Promise<number> {
  return await until(() => {
    const instances = readStatus(directory)?.instances ?? [];
    const all = instances.length === ENTRIES && instances.every(({ state }) => state === 'running');
    return all ? (instances.find(({ name }) => name === `bench/p${CHANGED}.0`)?.pid ?? undefined) : undefined;
  }, 'waited for all instances');
}

async function prepare(defer: Defer): Promise<Prepared> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-reload-'));
  defer(() => rmSync(directory, { recursive: true, force: true }));
  makeImage(directory);
  const words = new Words(join(directory, 'out'));
  defer(() => words.close());
  const master = writeHost(directory);
  let version = 0;
  writeEntries(directory, version);
  const program = join(process.env.SUITE_ROOT ?? '.', 'node_modules/.bin/lithos_tree');
  const first = words.next();
  const tree = spawn(program, ['-C', master], { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise<void>(resolve => tree.once('exit', () => resolve()));
  defer(async () => {
    tree.kill('SIGTERM');
    await ended;
  });
  await first;
  const timed = async (act: (pid: number) => void) => {
    const pid = await settled(directory);
    const called = words.next();
    const startedMs = performance.now();
    act(pid);
    await called;
    return performance.now() - startedMs;
  };
  const reload = async () => {
    version++;
    writeEntries(directory, version);
    return await timed(() => tree.kill('SIGHUP'));
  };
  const contenders: readonly Contender[] = [
    { name: `reload, 1 of ${ENTRIES} changed`, role: 'ours', run: reload },
    { name: 'restart without a reload', role: 'raw', run: () => timed(pid => process.kill(pid, 'SIGKILL')) },
  ];
  return { contenders, notes: [`${ENTRIES} instances run all the while`] };
}

export const lithosReload: Bench = {
  name: 'lithos-reload',
  summary: 'SIGHUP with one changed entry of 200 until its new program runs',
  rounds: 20,
  prepare,
};
