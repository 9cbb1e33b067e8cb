import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Json } from '../../core/scheduler/engine.ts';
import type { Evaluation, LuaEngine } from './engine.ts';
import { createFengariEngine } from './fengari-engine.ts';
import type { WorkerReply, WorkerRequest, WorkerSetup } from './protocol.ts';
import { checkSchedule, type DebugText, debugText, hostFunctions } from './sandbox.ts';
import { createWasmoonEngine } from './wasmoon-engine.ts';

/**
 * The process of one scheduler version: bundled as `lua-worker.cjs`, with the engines' files and `lua/` beside it. A process, not a thread
 * of the daemon: Node 20 aborts as a whole now and then when a busy thread is terminated (a compiler thread still asks for
 * the isolate), and a thread's memory limit does not cover everything.
 */

/** A pattern match that never ends keeps the main thread from seeing that the daemon is gone; this thread sees it. */
const GUARD = `
const { workerData } = require('node:worker_threads');
setInterval(() => { if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL'); }, 1000);
`;

/** The shipped modules (`verwalter/NAME`), by slash name without suffix. */
function readLibrary(): Map<string, string> {
  const directory = join(__dirname, 'lua', 'verwalter');
  const files = readdirSync(directory).filter(name => name.endsWith('.lua'));
  return new Map(
    files.map(name => [`verwalter/${name.slice(0, -4)}`, readFileSync(join(directory, name), 'utf8')]),
  );
}

async function createEngine(setup: WorkerSetup): Promise<LuaEngine> {
  return setup.engine === 'wasmoon'
    ? await createWasmoonEngine(join(__dirname, 'glue.wasm'), setup.memoryBytes)
    : createFengariEngine(join(__dirname, 'fengari'), setup.memoryBytes);
}

function answer(
  engine: LuaEngine,
  evaluation: Evaluation,
  debug: DebugText,
  deadlineMs: number,
): WorkerReply {
  const started = performance.now();
  const result = engine.evaluate(evaluation);
  const durationMs = performance.now() - started;
  if (result.kind === 'expired') {
    return {
      ok: false,
      error: `the scheduler ran longer than ${deadlineMs} ms\n${result.traceback}`,
      debug: debug.text(),
    };
  }
  if (result.kind === 'failed') return { ok: false, error: result.error, debug: debug.text() };
  const text = debug.text() + result.second;
  if (!result.success) return { ok: false, error: result.first, debug: text };
  if (evaluation.mode === 'check') return { ok: true, json: '{}', debug: text, durationMs };
  const checked = checkSchedule(result.first);
  if ('error' in checked) return { ok: false, error: checked.error, debug: text };
  return { ok: true, json: checked.json, debug: text, durationMs };
}

function nowOf(input: Json): number {
  return typeof input === 'object' && input !== null && 'now' in input && typeof input.now === 'number'
    ? input.now
    : 0;
}

async function prepare(setup: WorkerSetup): Promise<(request: WorkerRequest) => WorkerReply> {
  const sandbox = readFileSync(join(__dirname, 'lua', 'sandbox.lua'), 'utf8');
  const library = readLibrary();
  const source = (name: string) => setup.files.get(`${name}.lua`) ?? library.get(name);
  const engine = await createEngine(setup);
  return request => {
    const deadlineAtMs = performance.now() + request.deadlineMs;
    const input = JSON.parse(request.input) as Json;
    const debug = debugText();
    const host = hostFunctions(source, nowOf(input), debug);
    const evaluation = {
      chunk: sandbox,
      chunkName: 'sandbox.lua',
      host,
      input,
      mode: request.mode,
      deadlineAtMs,
    };
    return answer(engine, evaluation, debug, request.deadlineMs);
  };
}

function main(): void {
  new Worker(GUARD, { eval: true, workerData: process.ppid }).unref();
  process.once('disconnect', () => process.exit(0));
  process.once('message', (setup: WorkerSetup) => {
    const ready = prepare(setup);
    process.on('message', async (request: WorkerRequest) => process.send?.((await ready)(request)));
  });
}

main();
