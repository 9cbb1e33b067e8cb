import { LuaWasm } from 'wasmoon';
import {
  type Evaluation,
  type EvaluationResult,
  EXPIRED_MESSAGE,
  HOOK_INSTRUCTIONS,
  type HostFunction,
  type LuaEngine,
} from './engine.ts';
import { type LuaModule, StateAccess } from './wasmoon-state.ts';

/** `LUA_MASKCOUNT` of lua.h. */
const MASK_COUNT = 8;
/** `lua_pcallk` results wanted by the sandbox chunk: success flag and two strings. */
const RESULTS = 3;

/** What one evaluation holds; everything is released at its end. */
interface Session {
  readonly module: LuaModule;
  readonly L: number;
  readonly access: StateAccess;
  readonly functions: number[];
  expired: boolean;
  traceback: string;
}

function addFunction(
  session: Session,
  run: (...args: number[]) => number | undefined,
  signature: string,
): number {
  const pointer = session.module.addFunction(run, signature);
  session.functions.push(pointer);
  return pointer;
}

/** Raises `message` as a Lua error. The module unwinds by throwing, which must not be caught on its way. */
function raise(session: Session, message: string): never {
  session.access.pushString(message);
  session.module._lua_error(session.L);
  throw new Error('lua_error returned');
}

/** wasmoon's C code unwinds with `throw Infinity` (emscripten's longjmp): only real errors are ours. */
function callHost(session: Session, host: HostFunction): number {
  let message: string;
  try {
    const count = session.module._lua_gettop(session.L);
    const args = Array.from({ length: count }, (_, index) => session.access.pull(index + 1));
    session.access.push(host(args));
    return 1;
  } catch (error) {
    if (!(error instanceof Error) || error.name === 'RuntimeError') throw error;
    message = error.message;
  }
  return raise(session, message);
}

/**
 * Looks at the clock. Once the time is over every further instruction raises, so that a script which catches the
 * error in a loop ends as well.
 */
function installClock(session: Session, deadlineAtMs: number): void {
  const { module, L, access } = session;
  const hook = addFunction(
    session,
    () => {
      if (!session.expired) {
        if (performance.now() < deadlineAtMs) return undefined;
        session.expired = true;
        module._luaL_traceback(L, L, 0, 0);
        session.traceback = access.text(-1);
        module._lua_sethook(L, hook, MASK_COUNT, 1);
      }
      return raise(session, EXPIRED_MESSAGE);
    },
    'vii',
  );
  module._lua_sethook(L, hook, MASK_COUNT, HOOK_INSTRUCTIONS);
}

function pushHost(session: Session, host: Readonly<Record<string, HostFunction>>): void {
  const { module, L, access } = session;
  module._lua_createtable(L, 0, 0);
  for (const [name, run] of Object.entries(host)) {
    access.pushString(name);
    module._lua_pushcclosure(
      L,
      addFunction(session, () => callHost(session, run), 'ii'),
      0,
    );
    module._lua_rawset(L, -3);
  }
}

function load(session: Session, evaluation: Evaluation): void {
  const { module, L, access } = session;
  const name = access.cString(`@${evaluation.chunkName}`);
  const { pointer, size } = access.stage(evaluation.chunk);
  const status = module._luaL_loadbufferx(L, pointer, size, name, 0);
  module._free(name);
  if (status !== 0) throw new Error(access.text(-1));
}

/**
 * Everything that may raise runs inside one protected call: also handing over the input, because an allocation that
 * fails outside of one would abort the whole module.
 */
function call(session: Session, evaluation: Evaluation): EvaluationResult {
  const { module, L, access } = session;
  const body = () => {
    module._luaL_openlibs(L);
    load(session, evaluation);
    pushHost(session, evaluation.host);
    access.push(evaluation.input);
    access.push(evaluation.mode);
    installClock(session, evaluation.deadlineAtMs);
    module._lua_callk(L, 3, RESULTS, 0, 0);
    return RESULTS;
  };
  module._lua_pushcclosure(L, addFunction(session, body, 'ii'), 0);
  const status = module._lua_pcallk(L, 0, RESULTS, 0, 0, 0);
  module._lua_sethook(L, 0, 0, 0);
  if (session.expired) return { kind: 'expired', traceback: session.traceback };
  if (status !== 0) return { kind: 'failed', error: access.text(-1) };
  return {
    kind: 'returned',
    success: module._lua_toboolean(L, -3) !== 0,
    first: access.text(-2),
    second: access.text(-1),
  };
}

/** An allocator with a cap: above it Lua gets no memory, collects, and raises "not enough memory". */
function allocator(module: LuaModule, maxBytes: number) {
  let used = 0;
  return (_data: number, pointer: number, oldSize: number, newSize: number): number => {
    const before = pointer === 0 ? 0 : oldSize;
    if (newSize === 0) {
      if (pointer !== 0) module._free(pointer);
      used -= before;
      return 0;
    }
    if (newSize > before && used - before + newSize > maxBytes) return 0;
    const moved = module._realloc(pointer, newSize);
    if (moved !== 0) used += newSize - before;
    return moved;
  };
}

function evaluate(module: LuaModule, maxBytes: number, evaluation: Evaluation): EvaluationResult {
  const functions = [module.addFunction(allocator(module, maxBytes) as () => number, 'iiiii')];
  const L = module._lua_newstate(functions[0] as number, 0);
  if (L === 0) throw new Error('not enough memory for a Lua state');
  const access = new StateAccess(module, L);
  const session: Session = { module, L, access, functions, expired: false, traceback: '' };
  try {
    return call(session, evaluation);
  } catch (error) {
    if (error instanceof Error) return { kind: 'failed', error: error.message };
    throw error;
  } finally {
    module._lua_close(L);
    access.dispose();
    for (const pointer of functions) module.removeFunction(pointer);
  }
}

/** Real Lua 5.4 in WebAssembly. `wasmFile`: path of wasmoon's `glue.wasm`. Start: 10–15 ms. */
export async function createWasmoonEngine(wasmFile: string, memoryBytes: number): Promise<LuaEngine> {
  const wasm = await LuaWasm.initialize(wasmFile);
  const module = wasm.module as unknown as LuaModule;
  return { kind: 'wasmoon', evaluate: evaluation => evaluate(module, memoryBytes, evaluation) };
}
