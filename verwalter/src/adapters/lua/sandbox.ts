import { placeFromLua } from '../../core/placement/from-lua.ts';
import { canonicalJson } from '../../core/schedule/canonical.ts';
import { encodeLua, type RawValue } from '../../core/scheduler/encode.ts';
import type { Json } from '../../core/scheduler/engine.ts';
import type { HostFunction } from './engine.ts';

/** Debug text beyond this is cut: a print in a hot loop must not fill the daemon. */
const MAX_DEBUG_BYTES = 1024 * 1024;

export interface DebugText {
  add(line: string): void;
  text(): string;
}

export function debugText(): DebugText {
  const lines: string[] = [];
  let size = 0;
  let cut = false;
  return {
    add(line) {
      size += line.length + 1;
      if (size <= MAX_DEBUG_BYTES) lines.push(line);
      else if (!cut) lines.push(`… cut after ${MAX_DEBUG_BYTES} characters`);
      cut = size > MAX_DEBUG_BYTES;
    },
    text: () => lines.map(line => `${line}\n`).join(''),
  };
}

/** mulberry32 (public domain, Tommy Ettinger): 32-bit state, enough for tie breaking and jitter. */
function generator(seed: number) {
  let state = 0;
  const reseed = (value: number) => {
    state = (Math.trunc(value % 0x1_0000_0000) ^ Math.trunc(value / 0x1_0000_0000)) >>> 0;
  };
  const next32 = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  reseed(seed);
  return { reseed, next: () => (next32() * 0x200000 + (next32() >>> 11)) / 2 ** 53 };
}

const MATH: Readonly<Record<string, (value: number, second: number) => number>> = {
  exp: Math.exp,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  log: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  atan2: Math.atan2,
  pow: Math.pow,
};

function text(value: RawValue | undefined, what: string): string {
  if (typeof value !== 'string') throw new Error(`${what} must be a string`);
  return value;
}

function number(value: RawValue | undefined): number {
  return typeof value === 'number' ? value : Number.NaN;
}

/**
 * The functions `sandbox.lua` builds the scheduler's world from. `source` finds a module's text by its slash name.
 * `now` seeds `math.random`.
 */
export function hostFunctions(
  source: (name: string) => string | undefined,
  now: number,
  debug: DebugText,
): Record<string, HostFunction> {
  const random = generator(now);
  return {
    source: ([name]) => source(text(name, 'the name')),
    print: ([line]) => {
      debug.add(typeof line === 'string' ? line : '(text that is not UTF-8)');
      return undefined;
    },
    random: () => random.next(),
    randomseed: ([seed]) => {
      random.reseed(number(seed) || 0);
      return undefined;
    },
    math: ([name, value, second]) => MATH[text(name, 'the name')]?.(number(value), number(second)),
    encode: ([value, root]) => encodeLua(value ?? null, text(root, 'the root')),
    decode: ([value]) => JSON.parse(text(value, 'JSON text')) as Json,
    place: ([spec]) => placeFromLua(JSON.parse(encodeLua(spec ?? null, 'place'))) as unknown as Json,
  };
}

/** The scheduler's own JSON text → canonical text of an object, or what is wrong with it. */
export function checkSchedule(json: string): { readonly json: string } | { readonly error: string } {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    return {
      error: `the scheduler's text is not JSON: ${error instanceof Error ? error.message : 'syntax error'}`,
    };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { error: 'invalid return value: the schedule must be a JSON object' };
  }
  return { json: canonicalJson(value) };
}
