// What a collector found in one scan, before it has a place in the history.
import type { MetricKey } from '@suite/shared/wire/cantal.ts';
import type { Field } from '../history/slots.ts';

export type Reading = readonly [metric: string, kind: Field['kind'], value: number];

export interface Sample {
  /** Labels shared by the readings: a disk, an interface, a cgroup; empty for the machine. */
  readonly labels: MetricKey;
  readonly readings: readonly Reading[];
}

/** A whole number at the start of a text; NaN for anything else, so that one odd field drops one metric. */
export function integer(text: string | undefined): number {
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
}

export function words(line: string): string[] {
  const trimmed = line.trim();
  return trimmed === '' ? [] : trimmed.split(/\s+/);
}

export function lines(text: string): string[] {
  const all = text.split('\n');
  if (all.at(-1) === '') all.pop();
  return all;
}
