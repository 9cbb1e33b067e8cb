// One question that is asked again and again, and how often in a row the answer was good or bad.
import type { Probe } from '../desired/types.ts';

export interface Check {
  readonly probe: Probe;
  /** When it is asked next; null while an answer is awaited. */
  readonly nextMs: number | null;
  readonly goods: number;
  readonly bads: number;
  /** The last bad answer. */
  readonly problem: string | null;
}

export function newCheck(probe: Probe, nextMs: number): Check {
  return { probe, nextMs, goods: 0, bads: 0, problem: null };
}

export function asked(check: Check): Check {
  return { ...check, nextMs: null };
}

/** `problem` null: a good answer. Asked again after `delayMs`. */
export function answered(check: Check, problem: string | null, nowMs: number, delayMs: number): Check {
  const nextMs = nowMs + delayMs;
  if (problem === null) return { ...check, nextMs, goods: check.goods + 1, bads: 0 };
  return { ...check, nextMs, goods: 0, bads: check.bads + 1, problem };
}

export function isWell(check: Check): boolean {
  return check.goods >= check.probe.successThreshold;
}

export function isUnwell(check: Check): boolean {
  return check.bads >= check.probe.failureThreshold;
}

export function inWords(check: Check): string {
  const times = check.bads > 1 ? ` (${check.bads} times in a row)` : '';
  return `${check.problem ?? 'no answer yet'}${times}`;
}
