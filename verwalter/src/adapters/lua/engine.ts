import type { RawValue } from '../../core/scheduler/encode.ts';
import type { EngineKind, Json } from '../../core/scheduler/engine.ts';

/** A function Lua can call. Arguments are copies; a thrown `Error` becomes a Lua error with its message. `undefined` = nil. */
export type HostFunction = (args: readonly RawValue[]) => Json | undefined;

export interface Evaluation {
  /** Lua text; called as `chunk(host, input, mode)`, must return a boolean and two strings. */
  readonly chunk: string;
  readonly chunkName: string;
  readonly host: Readonly<Record<string, HostFunction>>;
  readonly input: Json;
  readonly mode: 'check' | 'run';
  /** From `performance.now()`. */
  readonly deadlineAtMs: number;
}

export type EvaluationResult =
  | { readonly kind: 'returned'; readonly success: boolean; readonly first: string; readonly second: string }
  /** The error left the chunk itself: out of memory or time while handling an error. */
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'expired'; readonly traceback: string };

/** One Lua implementation. Every evaluation gets a state of its own: nothing survives from one run to the next. */
export interface LuaEngine {
  readonly kind: EngineKind;
  evaluate(evaluation: Evaluation): EvaluationResult;
}

/** Deeper tables are taken for tables that contain themselves. */
export const MAX_TABLE_DEPTH = 100;

/** Instructions between two looks at the clock: below 0.1 ms of Lua. */
export const HOOK_INSTRUCTIONS = 1000;

export const EXPIRED_MESSAGE = 'time limit reached';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** Keys and names: for these a loop is several times faster than the decoder. */
const SHORT_TEXT = 32;

function shortAscii(bytes: Uint8Array): string | undefined {
  let text = '';
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x80) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}

export function decodeStrict(bytes: Uint8Array): RawValue {
  const short = bytes.length <= SHORT_TEXT ? shortAscii(bytes) : undefined;
  if (short !== undefined) return short;
  try {
    return strict.decode(bytes);
  } catch {
    return { invalidText: true };
  }
}

export function decodeLenient(bytes: Uint8Array): string {
  return lenient.decode(bytes);
}
