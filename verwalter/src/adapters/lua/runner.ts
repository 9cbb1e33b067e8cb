import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
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
/** Starting a worker and its engine takes 30–60 ms; this much is for a machine in trouble. */
const START_ALLOWANCE_MS = 2000;
/** After the engine's own limit the worker gets this long to say so, then it is terminated (takes 3–23 ms). */
const GRACE_MS = 500;
/** A 5 MB input with 1,000 hosts takes 180 MB (wasmoon); four times the usual. */
const DEFAULT_MEMORY_MB = 256;
/** Lua's own limit of nested calls must be met before the thread's stack ends. */
const STACK_MB = 16;

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

function describeCrash(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? 'not enough memory: the scheduler reached its memory limit'
    : error.message;
}

/** One worker thread: asks one question at a time. */
class LuaWorker {
  readonly #worker: Worker;
  #answer: ((reply: WorkerReply) => void) | undefined;
  #dead: string | undefined;

  constructor(file: string, setup: WorkerSetup) {
    const limits = { maxOldGenerationSizeMb: setup.memoryBytes / 2 ** 20, stackSizeMb: STACK_MB };
    this.#worker = new Worker(file, { workerData: setup, resourceLimits: limits, env: {}, execArgv: [] });
    this.#worker.unref();
    this.#worker.on('message', (reply: WorkerReply) => this.#answer?.(reply));
    this.#worker.on('error', error => this.#end(describeCrash(error as Error)));
    this.#worker.on('exit', () => this.#end('the scheduler thread ended'));
  }

  get isAlive(): boolean {
    return this.#dead === undefined;
  }

  #end(reason: string): void {
    this.#dead ??= reason;
    this.#answer?.(failure(this.#dead));
  }

  /** `limitMs` after which the thread is terminated, whatever it does. */
  async ask(request: WorkerRequest, limitMs: number): Promise<WorkerReply> {
    if (this.#dead !== undefined) return failure(this.#dead);
    let timer: NodeJS.Timeout | undefined;
    const reply = await new Promise<WorkerReply>(resolve => {
      this.#answer = resolve;
      timer = setTimeout(() => {
        this.#end(`the scheduler ran longer than ${request.deadlineMs} ms and had to be terminated`);
        void this.#worker.terminate();
      }, limitMs);
      this.#worker.postMessage(request);
    });
    clearTimeout(timer);
    this.#answer = undefined;
    return reply;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/**
 *     (nothing) ──load ok──▶ version A in a worker ──load ok──▶ version B in a new worker, A's ended
 *                                 │ crash, terminate, out of memory: the same version in a new worker at the next run
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
    const reply = await (this.#worker as LuaWorker).ask(request, deadlineMs + GRACE_MS);
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
