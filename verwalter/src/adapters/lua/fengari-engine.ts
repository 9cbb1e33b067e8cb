import type { RawTable, RawValue } from '../../core/scheduler/encode.ts';
import type { Json } from '../../core/scheduler/engine.ts';
import {
  decodeLenient,
  decodeStrict,
  type Evaluation,
  type EvaluationResult,
  EXPIRED_MESSAGE,
  HOOK_INSTRUCTIONS,
  type HostFunction,
  type LuaEngine,
  MAX_TABLE_DEPTH,
} from './engine.ts';
import { type Fengari, type FengariApi, type FengariState, loadFengari } from './fengari-loader.ts';
import { stringFormat } from './fengari-strings.ts';

/** `LUA_MASKCOUNT` of lua.h. */
const MASK_COUNT = 8;
const RESULTS = 3;
/** The heap is looked at each so many clock hooks (100,000 instructions, some 20 ms): the look costs 20 µs. */
const HOOKS_PER_MEMORY_LOOK = 100;
/** One string may take this part of the memory. */
const STRING_SHARE = 0.25;

const encoder = new TextEncoder();
const LIST_FIELD = encoder.encode('__verwalter_list');

function raise(api: FengariApi, L: FengariState, message: string): never {
  api.lua_pushstring(L, encoder.encode(message));
  return api.lua_error(L);
}

function pushTable(
  api: FengariApi,
  L: FengariState,
  value: readonly Json[] | { readonly [key: string]: Json | undefined },
): void {
  if (!api.lua_checkstack(L, 4)) throw new Error('the input is nested too deeply');
  api.lua_createtable(L, 0, 0);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      push(api, L, value[index] as Json);
      api.lua_rawseti(L, -2, index + 1);
    }
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if (item === null || item === undefined) continue;
    api.lua_pushstring(L, encoder.encode(key));
    push(api, L, item);
    api.lua_rawset(L, -3);
  }
}

function push(api: FengariApi, L: FengariState, value: Json | undefined): void {
  if (value === null || value === undefined) api.lua_pushnil(L);
  else if (typeof value === 'string') api.lua_pushstring(L, encoder.encode(value));
  else if (typeof value === 'boolean') api.lua_pushboolean(L, value);
  else if (typeof value !== 'number') pushTable(api, L, value);
  else if (Number.isSafeInteger(value)) api.lua_pushinteger(L, value + 0);
  else api.lua_pushnumber(L, value);
}

function pullTable(api: FengariApi, L: FengariState, index: number, depth: number): RawTable {
  if (depth >= MAX_TABLE_DEPTH)
    throw new Error(`tables are nested deeper than ${MAX_TABLE_DEPTH}: does one contain itself?`);
  if (!api.lua_checkstack(L, 4)) throw new Error('not enough memory');
  const table = index < 0 ? api.lua_gettop(L) + index + 1 : index;
  const entries: [RawValue, RawValue][] = [];
  api.lua_pushnil(L);
  while (api.lua_next(L, table) !== 0) {
    entries.push([pull(api, L, -2, depth + 1), pull(api, L, -1, depth + 1)]);
    api.lua_settop(L, -2);
  }
  if (entries.length > 0 || api.luaL_getmetafield(L, table, LIST_FIELD) === 0)
    return { entries, markedList: false };
  api.lua_settop(L, -2);
  return { entries, markedList: true };
}

function pull(api: FengariApi, L: FengariState, index: number, depth = 0): RawValue {
  const type = api.lua_type(L, index);
  if (type <= 0) return null;
  if (type === 1) return api.lua_toboolean(L, index);
  if (type === 3) return api.lua_tonumber(L, index);
  if (type === 4) return decodeStrict(api.lua_tostring(L, index));
  if (type === 5) return pullTable(api, L, index, depth);
  return { unsupported: type === 6 ? 'function' : 'userdata' };
}

function text(api: FengariApi, L: FengariState, index: number): string {
  return api.lua_type(L, index) === 4 ? decodeLenient(api.lua_tostring(L, index)) : '';
}

/** Lua errors are thrown objects of fengari, not `Error`s: they pass. */
function callHost(api: FengariApi, L: FengariState, host: HostFunction): number {
  let message: string;
  try {
    const args = Array.from({ length: api.lua_gettop(L) }, (_, index) => pull(api, L, index + 1));
    push(api, L, host(args));
    return 1;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    message = error.message;
  }
  return raise(api, L, message);
}

interface Session {
  readonly api: FengariApi;
  readonly L: FengariState;
  readonly isOverMemory: () => boolean;
  traceback: string | undefined;
}

/** As in the other engine: after the deadline every instruction raises. Also looks at the memory. */
function installClock(session: Session, deadlineAtMs: number): void {
  const { api, L } = session;
  let looks = 0;
  const hook = (state: FengariState) => {
    if (session.traceback === undefined) {
      if (++looks % HOOKS_PER_MEMORY_LOOK === 0 && session.isOverMemory())
        raise(api, state, 'not enough memory');
      if (performance.now() < deadlineAtMs) return;
      api.luaL_traceback(L, state, null, 0);
      session.traceback = text(api, L, -1);
      api.lua_sethook(L, hook, MASK_COUNT, 1);
    }
    raise(api, state, EXPIRED_MESSAGE);
  };
  api.lua_sethook(L, hook, MASK_COUNT, HOOK_INSTRUCTIONS);
}

function pushHost(api: FengariApi, L: FengariState, host: Readonly<Record<string, HostFunction>>): void {
  api.lua_createtable(L, 0, 0);
  for (const [name, run] of Object.entries(host)) {
    api.lua_pushcfunction(L, state => callHost(api, state, run));
    api.lua_setfield(L, -2, encoder.encode(name));
  }
}

/** A JavaScript error inside the engine (its own stack overflow, say) becomes a Lua error with its message. */
function nativeError(api: FengariApi, L: FengariState): number {
  const error = api.lua_touserdata(L, 1);
  const message =
    error instanceof RangeError ? 'stack overflow' : error instanceof Error ? error.message : 'engine error';
  api.lua_pushstring(L, encoder.encode(message));
  return 1;
}

function body(fengari: Fengari, session: Session, evaluation: Evaluation, L: FengariState): number {
  const { api } = fengari;
  fengari.openLibraries(L);
  api.lua_getglobal(L, encoder.encode('string'));
  api.lua_pushcfunction(L, stringFormat(api));
  api.lua_setfield(L, -2, encoder.encode('format'));
  api.lua_settop(L, 0);
  const chunk = encoder.encode(evaluation.chunk);
  if (api.luaL_loadbuffer(L, chunk, chunk.length, encoder.encode(`@${evaluation.chunkName}`)) !== 0)
    return api.lua_error(L);
  pushHost(api, L, evaluation.host);
  push(api, L, evaluation.input);
  push(api, L, evaluation.mode);
  installClock(session, evaluation.deadlineAtMs);
  api.lua_call(L, 3, RESULTS);
  return RESULTS;
}

function evaluate(fengari: Fengari, isOverMemory: () => boolean, evaluation: Evaluation): EvaluationResult {
  const { api } = fengari;
  const L = api.luaL_newstate();
  if (L === null) return { kind: 'failed', error: 'not enough memory for a Lua state' };
  const session: Session = { api, L, isOverMemory, traceback: undefined };
  api.lua_atnativeerror(L, state => nativeError(api, state));
  api.lua_pushcfunction(L, state => body(fengari, session, evaluation, state));
  const status = api.lua_pcall(L, 0, RESULTS, 0);
  if (session.traceback !== undefined) return { kind: 'expired', traceback: session.traceback };
  if (status !== 0) return { kind: 'failed', error: text(api, L, -1) };
  return {
    kind: 'returned',
    success: api.lua_toboolean(L, -3),
    first: text(api, L, -2),
    second: text(api, L, -1),
  };
}

/** Lua 5.3 in JavaScript, about ten times slower than the other engine; for places where WebAssembly may not run. */
export function createFengariEngine(sourceDirectory: string, memoryBytes: number): LuaEngine {
  const isOverMemory = () => {
    const usage = process.memoryUsage();
    return usage.heapUsed + usage.external > memoryBytes;
  };
  const limits = { maxStringBytes: memoryBytes * STRING_SHARE, isOverMemory };
  const fengari = loadFengari(sourceDirectory, limits);
  return { kind: 'fengari', evaluate: evaluation => evaluate(fengari, isOverMemory, evaluation) };
}
