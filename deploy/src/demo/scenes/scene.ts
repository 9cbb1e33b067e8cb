// A scene of the chaos script: something breaks on purpose, and the clock runs until the cluster is whole again.
import { performance } from 'node:perf_hooks';
import type { Load, LoadCounts } from '../cluster/load.ts';
import type { ClusterView } from '../cluster/view.ts';
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
  /** Sends the load to where nginx is now; stays at the last known place while nobody knows. */
  readonly follow: (view: ClusterView) => void;
}

/** For the report: how many visits failed and why, and how many were asked twice. */
export function failuresOf(...counts: readonly LoadCounts[]): Record<string, unknown> {
  const failures: Record<string, number> = {};
  for (const [reason, count] of counts.flatMap(each => Object.entries(each.failures))) {
    failures[reason] = (failures[reason] ?? 0) + count;
  }
  const sum = (pick: (each: LoadCounts) => number): number =>
    counts.reduce((all, each) => all + pick(each), 0);
  const failed = sum(each => each.failed);
  return { failed, ...(failed > 0 && { failures }), retried: sum(each => each.retried) };
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
