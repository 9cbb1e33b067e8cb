// A scene of the chaos script: something breaks on purpose, and the clock runs until the cluster is whole again.
import { performance } from 'node:perf_hooks';
import type { Load } from '../cluster/load.ts';
import type { Demo } from '../demo.ts';
import type { Screen } from '../screen/screen.ts';

export interface SceneResult {
  readonly id: string;
  readonly name: string;
  readonly ok: boolean;
  /** The figure the bar is about. */
  readonly seconds: number;
  readonly barSeconds: number;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Stage {
  readonly demo: Demo;
  readonly screen: Screen;
  readonly load: Load;
}

export function secondsSince(startedMs: number): number {
  return round((performance.now() - startedMs) / 1000);
}

export function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
