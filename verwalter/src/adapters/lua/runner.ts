import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type {
  EngineKind,
  LoadResult,
  RunResult,
  SchedulerInput,
  SchedulerRunner,
} from '../../core/scheduler/engine.ts';
import type { WorkerReply, WorkerRequest, WorkerSetup } from './protocol.ts';

/** Loading compiles a few files; a scheduler whose top level takes longer has an endless loop there. */
const LOAD_DEADLINE_MS = 5000;
/** Starting a worker and its engine takes 80–120 ms; this much is for a machine in trouble. */
const START_ALLOWANCE_MS = 2000;
/** After the engine's own limit the worker gets this long to say so, then it is killed. */
const GRACE_MS = 500;
/** A 5 MB input with 1,000 hosts takes 180 MB (wasmoon). */
const DEFAULT_MEMORY_MB = 256;
/** The heap of the worker's JavaScript ends a little later than Lua's own limit, which gives the better error. */
const HEAP_FACTOR = 1.5;
/** A worker that is not asked for this long ends: followers load the scheduler, but do not run it. */
const IDLE_MS = 60_000;
/** Of what a dying worker says. */
const MAX_LAST_WORDS = 16_384;

export interface RunnerOptions {
  readonly engine: EngineKind;
  /** Upper bound for every run's deadline, ms. */
  readonly deadlineMs?: number;
  readonly memoryMb?: number;
  /** Directory of `lua-worker.cjs`; default: beside this program, or where tests find it. */
  readonly directory?: string;
}

/** Bundled commands lie in `dist/`, compiled tests in `dist/test/unit/`. */
function workerFile(directory: string | undefined): string {
  const places =
    directory === undefined ? [__dirname, join(__dirname, '..'), join(__dirname, '..', '..')] : [directory];
  const found = places.map(place => join(place, 'lua-worker.cjs')).find(existsSync);
  if (found === undefined)
    throw new Error(`lua-worker.cjs is not in ${places.join(' or ')}: run "npm run build"`);
  return found;
}

type Failure = { readonly ok: false; readonly error: string; readonly debug: string };
const failure = (error: string): Failure => ({ ok: false, error, debug: '' });

function describeEnd(code: number | null, signal: string | null, lastWords: string): string {
  if (/heap out of memory|Array buffer allocation failed/.test(lastWords)) {
    return 'not enough memory: the scheduler reached its memory limit';
  }
  return `the scheduler process ended with ${signal ?? code}`;
}

/** One process, asked one question at a time. Its environment is empty: a scheduler has nothing to find there. */
class LuaWorker {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #answer: ((reply: WorkerReply) => void) | undefined;
  #dead: string | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(file: string, setup: WorkerSetup) {
    const heapMb = Math.round((setup.memoryBytes / 2 ** 20) * HEAP_FACTOR);
    this.#child = spawn(process.execPath, [`--max-old-space-size=${heapMb}`, file], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
      env: {},
    });
    let lastWords = '';
    this.#child.stderr?.on('data', (data: Buffer) => {
      lastWords = (lastWords + data.toString()).slice(-MAX_LAST_WORDS);
    });
    this.#child.on('message', reply => this.#answer?.(reply as WorkerReply));
    this.#child.on('error', error => this.#end(`the scheduler process: ${error.message}`));
    this.#ended = new Promise(resolve => {
      this.#child.once('close', (code, signal) => {
        this.#end(describeEnd(code, signal, lastWords));
        resolve();
      });
    });
    this.#child.send(setup, () => {});
    this.#hold(false);
  }

  get isAlive(): boolean {
    return this.#dead === undefined;
  }

  /** While nothing is asked the worker does not keep the program running. */
  #hold(isHeld: boolean): void {
    const change = isHeld ? 'ref' : 'unref';
    this.#child[change]();
    this.#child.channel?.[change]();
    (this.#child.stderr as unknown as { ref(): void; unref(): void } | null)?.[change]();
  }

  #end(reason: string): void {
    this.#dead ??= reason;
    this.#answer?.(failure(this.#dead));
  }

  /** `limitMs` after which the process is killed, whatever it does. */
  async ask(request: WorkerRequest, limitMs: number): Promise<WorkerReply> {
    if (this.#dead !== undefined) return failure(this.#dead);
    clearTimeout(this.#idle);
    this.#hold(true);
    let timer: NodeJS.Timeout | undefined;
    const reply = await new Promise<WorkerReply>(resolve => {
      this.#answer = resolve;
      timer = setTimeout(() => {
        this.#end(`the scheduler ran longer than ${request.deadlineMs} ms and had to be killed`);
        this.#child.kill('SIGKILL');
      }, limitMs);
      this.#child.send(request, () => {});
    });
    clearTimeout(timer);
    this.#answer = undefined;
    this.#hold(false);
    if (this.isAlive) this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref();
    return reply;
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    this.#dead ??= 'the scheduler process was ended';
    this.#child.kill('SIGKILL');
    this.#hold(true);
    await this.#ended;
  }
}

/**
 *     (nothing) ──load ok──▶ version A in a worker ──load ok──▶ version B in a new worker, A's ended
 *                                 │ crash, kill, out of memory, idle: the same version in a new worker at the next run
 */
class WorkerRunner implements SchedulerRunner {
  readonly #file: string;
  readonly #engine: EngineKind;
  readonly #memoryBytes: number;
  readonly #maxDeadlineMs: number;
  #files: ReadonlyMap<string, string> | undefined;
  #worker: LuaWorker | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: RunnerOptions) {
    this.#file = workerFile(options.directory);
    this.#engine = options.engine;
    this.#memoryBytes = (options.memoryMb ?? DEFAULT_MEMORY_MB) * 2 ** 20;
    this.#maxDeadlineMs = options.deadlineMs ?? Number.POSITIVE_INFINITY;
  }

  /** Calls follow each other: a new version waits for the run under way. */
  #next<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(run);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #start(files: ReadonlyMap<string, string>): LuaWorker {
    return new LuaWorker(this.#file, { engine: this.#engine, memoryBytes: this.#memoryBytes, files });
  }

  async #load(files: ReadonlyMap<string, string>): Promise<LoadResult> {
    const worker = this.#start(files);
    const request: WorkerRequest = { mode: 'check', input: '{}', deadlineMs: LOAD_DEADLINE_MS };
    const reply = await worker.ask(request, LOAD_DEADLINE_MS + GRACE_MS + START_ALLOWANCE_MS);
    if (!reply.ok) {
      await worker.close();
      return { ok: false, error: reply.error };
    }
    await this.#worker?.close();
    this.#worker = worker;
    this.#files = files;
    return { ok: true };
  }

  async #run(input: SchedulerInput, wantedMs: number): Promise<RunResult> {
    if (this.#files === undefined) return failure('no scheduler is loaded');
    const deadlineMs = Math.min(wantedMs, this.#maxDeadlineMs);
    const isFresh = this.#worker?.isAlive !== true;
    if (isFresh) this.#worker = this.#start(this.#files);
    const request: WorkerRequest = { mode: 'run', input: JSON.stringify(input), deadlineMs };
    const allowanceMs = isFresh ? START_ALLOWANCE_MS : 0;
    const reply = await (this.#worker as LuaWorker).ask(request, deadlineMs + GRACE_MS + allowanceMs);
    if (!reply.ok) return reply;
    const schedule = JSON.parse(reply.json) as Record<string, unknown>;
    return { ok: true, schedule, debug: reply.debug, durationMs: reply.durationMs };
  }

  load(files: ReadonlyMap<string, string>): Promise<LoadResult> {
    return this.#next(() => this.#load(files));
  }

  run(input: SchedulerInput, deadlineMs: number): Promise<RunResult> {
    return this.#next(() => this.#run(input, deadlineMs));
  }

  close(): Promise<void> {
    return this.#next(async () => {
      await this.#worker?.close();
      this.#worker = undefined;
      this.#files = undefined;
    });
  }
}

/** A runner without a version; call `load` first. Throws only if the worker's program file is missing. */
export function createSchedulerRunner(options: RunnerOptions): SchedulerRunner {
  return new WorkerRunner(options);
}
