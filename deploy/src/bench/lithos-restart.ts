import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { writeBundle } from '@suite/shared/oci/bundle.ts';
import { toOciConfig } from '@suite/shared/oci/config.ts';
import { probeRuntime, type RuntimeChoice } from '@suite/shared/oci/probe.ts';
import { realProc } from '@suite/shared/ports/real.ts';
import type { Bench, Contender, Defer, Prepared } from './harness.ts';
import { tinySandbox } from './tiny-sandbox.ts';

// From SIGKILL of a supervised program until the next one has said its first word. Each program writes its pid into a fifo
// when it starts, so the stopwatch ends when the new program runs, not when a supervisor believes so.

const CALLING = 'echo $$ > /out/fifo; exec /bin/busybox sleep 100000';

/** A fifo whose lines can be awaited one at a time; kept open for writing so that it never ends. */
export class Calls {
  readonly #waiting: ((line: string) => void)[] = [];
  readonly #keeper: ChildProcess;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o777);
    const fifo = join(directory, 'fifo');
    spawnSync('mkfifo', ['-m', '666', fifo]);
    this.#keeper = spawn('sh', ['-c', 'exec sleep 100000 <> "$0"', fifo], { stdio: 'ignore' });
    createInterface({ input: createReadStream(fifo) }).on('line', line => this.#waiting.shift()?.(line));
  }

  next(): Promise<string> {
    return new Promise(resolve => this.#waiting.push(resolve));
  }

  close(): void {
    this.#keeper.kill('SIGKILL');
  }
}

/** The call comes a moment before the program is exec'ed, so the process list may lag behind it. */
const FIND_DEADLINE_MS = 5_000;

interface Row {
  readonly pid: number;
  readonly ppid: number;
  readonly cgroup: string;
}

function sleepers(): { rows: readonly Row[]; parents: ReadonlyMap<number, number> } {
  const found = spawnSync('ps', ['-ww', '-eo', 'pid=,ppid=,cgroup:400=,args='], {
    encoding: 'utf8',
  }).stdout.split('\n');
  const rows = found.map(line => /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line)).filter(row => row !== null);
  const parents = new Map(rows.map(row => [Number(row[1]), Number(row[2])]));
  const sleeping = rows.filter(row => row[4]?.startsWith('/bin/busybox sleep 100000'));
  return {
    rows: sleeping.map(row => ({ pid: Number(row[1]), ppid: Number(row[2]), cgroup: row[3] ?? '' })),
    parents,
  };
}

/** Pid of the sleeping program that `isWanted`, as soon as there is one. */
async function sleeper(
  isWanted: (row: Row, parents: ReadonlyMap<number, number>) => boolean,
): Promise<number> {
  const deadlineMs = performance.now() + FIND_DEADLINE_MS;
  while (performance.now() < deadlineMs) {
    const { rows, parents } = sleepers();
    const found = rows.find(row => isWanted(row, parents));
    if (found !== undefined) return found.pid;
    await new Promise(resolve => setImmediate(resolve));
  }
  throw new Error('the supervised program is not running');
}

const below = (ancestor: number) => (row: Row, parents: ReadonlyMap<number, number>) => {
  for (let pid = row.pid; pid > 1; pid = parents.get(pid) ?? 0) if (pid === ancestor) return true;
  return false;
};

export function makeImage(directory: string): string {
  const root = join(directory, 'images/tiny');
  for (const name of ['bin', 'etc', 'dev', 'proc', 'sys', 'tmp', 'out', 'config', 'run'])
    mkdirSync(join(root, name), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  writeFileSync(
    join(root, 'config/app.yaml'),
    `executable: /bin/busybox\narguments: [sh, -c, '${CALLING}']\nrestart-timeout: 0\nuser-id: 0\ngroup-id: 0\nvolumes:\n  /out: !Persistent { path: /out }\n`,
  );
  return root;
}

function writeHost(directory: string): string {
  for (const name of ['sandboxes', 'processes', 'run', 'log', 'dev'])
    mkdirSync(join(directory, name), { recursive: true });
  const master = join(directory, 'master.yaml');
  writeFileSync(
    master,
    [
      `runtime-dir: ${join(directory, 'run')}`,
      `default-log-dir: ${join(directory, 'log')}`,
      `config-log-dir: ${join(directory, 'log/config')}`,
      `stdio-log-dir: ${join(directory, 'log/stderr')}`,
      'cgroup-name: bench-lithos.slice',
      '',
    ].join('\n'),
  );
  writeFileSync(
    join(directory, 'sandboxes/bench.yaml'),
    `image-dir: ${join(directory, 'images')}\nallow-users: [0]\nallow-groups: [0]\nwritable-paths:\n  /out: ${join(directory, 'out')}\n`,
  );
  writeFileSync(join(directory, 'processes/bench.yaml'), 'app:\n  image: tiny\n  config: /config/app.yaml\n');
  return master;
}

/** Kills the program `find` names and waits for the successor's call. */
async function restart(calls: Calls, find: () => Promise<number>): Promise<number> {
  const victim = await find();
  const called = calls.next();
  const startedMs = performance.now();
  process.kill(victim, 'SIGKILL');
  await called;
  return performance.now() - startedMs;
}

interface Supervisor extends Contender {
  stop(): Promise<void>;
}

async function lithos(directory: string): Promise<Supervisor> {
  makeImage(directory);
  const calls = new Calls(join(directory, 'out'));
  const first = calls.next();
  const tree = join(process.env.SUITE_ROOT ?? '.', 'node_modules/.bin/lithos_tree');
  const child = spawn(tree, ['-C', writeHost(directory)], { stdio: ['ignore', 'inherit', 'inherit'] });
  await first;
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
  // conmon daemonises, so the program is known by the cgroup of its instance, not by its ancestors.
  const find = () => sleeper(row => row.cgroup.includes('bench:app.0'));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    calls.close();
  };
  return { name: 'lithos_tree', role: 'ours', run: () => restart(calls, find), stop };
}

/** The limit: the bare runtime starts the next container in the foreground the moment it is asked to. */
async function raw(runtime: RuntimeChoice, directory: string): Promise<Supervisor> {
  const calls = new Calls(join(directory, 'raw'));
  const bundle = join(directory, 'bundle');
  await writeBundle(
    bundle,
    toOciConfig(
      tinySandbox(
        join(directory, 'images/tiny'),
        ['/bin/busybox', 'sh', '-c', CALLING],
        [{ type: 'bind', source: join(directory, 'raw'), target: '/out', readonly: false }],
      ),
    ),
  );
  let round = 0;
  const run = async () => {
    const id = `bench-${process.pid}-${round++}`;
    const called = calls.next();
    const startedMs = performance.now();
    const argv = runtime.wrap([
      runtime.program,
      '--root',
      join(directory, 'raw-state'),
      'run',
      '--bundle',
      bundle,
      id,
    ]);
    const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: 'ignore' });
    await called;
    const elapsedMs = performance.now() - startedMs;
    const ended = new Promise(resolve => child.once('exit', resolve));
    process.kill(await sleeper(below(child.pid ?? 0)), 'SIGKILL');
    await ended;
    return elapsedMs;
  };
  return { name: `raw ${runtime.kind} run`, role: 'raw', run, stop: async () => calls.close() };
}

/** runit's supervisor: no sandbox, so it shows what a fork and an exec cost alone. */
async function runit(directory: string): Promise<Supervisor> {
  const service = join(directory, 'runit/app');
  const calls = new Calls(join(directory, 'runit-out'));
  mkdirSync(service, { recursive: true });
  const script = CALLING.replace('/out/', `${join(directory, 'runit-out')}/`);
  writeFileSync(join(service, 'run'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const first = calls.next();
  const child = spawn('runsv', [service], { stdio: 'ignore' });
  await first;
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    calls.close();
  };
  return {
    name: 'runsv (no sandbox)',
    role: 'peer',
    run: () => restart(calls, () => sleeper(below(child.pid ?? 0))),
    stop,
  };
}

async function prepare(defer: Defer): Promise<Prepared> {
  const runtime = await probeRuntime(realProc);
  if (runtime.kind === 'none') throw new Error(runtime.message);
  const directory = mkdtempSync(join(tmpdir(), 'bench-lithos-'));
  defer(() => rmSync(directory, { recursive: true, force: true }));
  const contenders: Supervisor[] = [];
  for (const make of [lithos, (place: string) => raw(runtime, place), runit]) {
    const supervisor = await make(directory);
    defer(supervisor.stop);
    contenders.push(supervisor);
  }
  return {
    contenders,
    notes: [...runtime.reasons, 'runsv waits a second when a program lived less than one'],
  };
}

export const lithosRestart: Bench = {
  name: 'lithos-restart',
  summary: 'SIGKILL of a supervised program until its successor runs',
  rounds: 20,
  prepare,
};
