import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { compileFunction } from 'node:vm';
import { REPLACEMENTS } from './fengari-patch.ts';
import { fengariSupport, type RaiseLua, type StringLimits } from './fengari-support.ts';

/** A state and a byte string of fengari; opaque for us. */
export type FengariState = object & { readonly stack: unknown };
export type FengariFunction = (L: FengariState) => number;

/** The part of fengari's C-like interface in use. Names and meaning are those of the Lua 5.3 manual. */
export interface FengariApi {
  luaL_newstate(): FengariState | null;
  luaL_loadbuffer(L: FengariState, text: Uint8Array, size: number, name: Uint8Array): number;
  luaL_traceback(L: FengariState, from: FengariState, message: null, level: number): void;
  luaL_getmetafield(L: FengariState, index: number, name: Uint8Array): number;
  luaL_requiref(L: FengariState, name: Uint8Array, open: FengariFunction, global: boolean): void;
  luaL_checknumber(L: FengariState, index: number): number;
  luaL_checkinteger(L: FengariState, index: number): number;
  luaL_checkstring(L: FengariState, index: number): Uint8Array;
  luaL_tolstring(L: FengariState, index: number): Uint8Array;
  lua_atnativeerror(L: FengariState, run: FengariFunction): void;
  lua_touserdata(L: FengariState, index: number): unknown;
  lua_gettop(L: FengariState): number;
  lua_settop(L: FengariState, index: number): void;
  lua_checkstack(L: FengariState, extra: number): boolean;
  lua_type(L: FengariState, index: number): number;
  lua_isinteger(L: FengariState, index: number): boolean;
  lua_tonumber(L: FengariState, index: number): number;
  lua_toboolean(L: FengariState, index: number): boolean;
  lua_tostring(L: FengariState, index: number): Uint8Array;
  lua_pushnil(L: FengariState): void;
  lua_pushboolean(L: FengariState, value: boolean): void;
  lua_pushnumber(L: FengariState, value: number): void;
  lua_pushinteger(L: FengariState, value: number): void;
  lua_pushstring(L: FengariState, text: Uint8Array): void;
  lua_pushcfunction(L: FengariState, run: FengariFunction): void;
  lua_createtable(L: FengariState, list: number, record: number): void;
  lua_getglobal(L: FengariState, name: Uint8Array): number;
  lua_setfield(L: FengariState, index: number, name: Uint8Array): void;
  lua_rawset(L: FengariState, index: number): void;
  lua_rawseti(L: FengariState, index: number, at: number): void;
  lua_next(L: FengariState, index: number): number;
  lua_pcall(L: FengariState, args: number, results: number, handler: number): number;
  lua_call(L: FengariState, args: number, results: number): void;
  lua_sethook(L: FengariState, hook: ((L: FengariState) => void) | null, mask: number, count: number): void;
  lua_error(L: FengariState): never;
}

interface Exports {
  [name: string]: unknown;
}

type Requirer = (path: string) => Exports;

function patched(file: string, text: string): string {
  let result = text;
  for (const { from, to, times } of REPLACEMENTS[file] ?? []) {
    const parts = result.split(from);
    if (parts.length !== times + 1) {
      throw new Error(`fengari's ${file} has ${parts.length - 1} times, not ${times} times: ${from}`);
    }
    result = parts.join(to);
  }
  return result;
}

/** Its modules see no `process` and no Node module: they then take their browser branches, which touch nothing. */
function requirer(directory: string, support: unknown): Requirer {
  const modules = new Map<string, { exports: Exports }>();
  const load: Requirer = path => {
    const file = basename(path);
    const known = modules.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} as Exports };
    modules.set(file, module);
    const text = patched(file, readFileSync(join(directory, file), 'utf8'));
    const names = ['module', 'exports', 'require', 'process', 'SUITE'];
    const run = compileFunction(text, names, { filename: `fengari/${file}` });
    run(module, module.exports, load, undefined, support);
    return module.exports;
  };
  return load;
}

export interface Fengari {
  readonly api: FengariApi;
  /** Opens base, table, string, math, utf8 and debug: the rest is never loaded. */
  openLibraries(L: FengariState): void;
}

/** Loads fengari from `directory` (its `src`), with the replacements of `fengari-patch.ts`. About 25 ms. */
export function loadFengari(directory: string, limits: StringLimits): Fengari {
  // luaG_runerror makes room on the stack first; the public lua_error does not, and the VM calls from its middle.
  let runError: ((L: unknown, format: Uint8Array, text: Uint8Array) => never) | undefined;
  const raise: RaiseLua = (L, message) => {
    runError?.(L, Buffer.from('%s'), Buffer.from(message));
    throw new Error(message);
  };
  const load = requirer(directory, fengariSupport(raise, limits));
  const api = { ...load('./lua.js'), ...load('./lauxlib.js') } as unknown as FengariApi;
  runError = load('./ldebug.js').luaG_runerror as typeof runError;
  const libraries: readonly [string, string, string][] = [
    ['_G', 'lbaselib.js', 'luaopen_base'],
    ['table', 'ltablib.js', 'luaopen_table'],
    ['string', 'lstrlib.js', 'luaopen_string'],
    ['math', 'lmathlib.js', 'luaopen_math'],
    ['utf8', 'lutf8lib.js', 'luaopen_utf8'],
    ['debug', 'ldblib.js', 'luaopen_debug'],
  ];
  const openers = libraries.map(([name, file, open]) => [name, load(file)[open] as FengariFunction] as const);
  return {
    api,
    openLibraries: L => {
      for (const [name, open] of openers) api.luaL_requiref(L, Buffer.from(name), open, true);
    },
  };
}
