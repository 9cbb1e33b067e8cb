// Records of runs as they are met on disk: of this version, of the previous one, damaged.
import { uptime } from 'node:os';
import { processStartTime } from '@suite/shared/linux/proc.ts';
import { DEFAULTS } from '../config/defaults.ts';
import type { RunRecord, RunTerms } from './records.ts';

/** What the annotations of a bundle say. */
export interface Annotated {
  readonly identity: string;
  /** Undefined in bundles of version 1. */
  readonly terms: RunTerms | undefined;
}

const SECOND_MS = 1000;
const TICKS_PER_S = 100;

/** Enough to stop and judge a run of which nothing more is known. */
const PLAIN_TERMS: RunTerms = {
  stop: { signal: 'SIGTERM', timeoutMs: DEFAULTS.killTimeoutS * SECOND_MS, hook: [] },
  normalExitCodes: [],
  waitsForReady: false,
  healthyAfterMs: DEFAULTS.healthyAfterS * SECOND_MS,
};

function areNumbers(values: readonly unknown[]): boolean {
  return values.every(Number.isFinite);
}

function isTerms(value: Partial<RunTerms> | null): value is RunTerms {
  const { stop } = value ?? {};
  return (
    typeof value?.waitsForReady === 'boolean' &&
    Array.isArray(value.normalExitCodes) &&
    /^SIG\w+$/.test(stop?.signal ?? '') &&
    Array.isArray(stop?.hook) &&
    areNumbers([value.healthyAfterMs, stop?.timeoutMs])
  );
}

export function parseTerms(text: string | undefined): RunTerms | undefined {
  try {
    const value = JSON.parse(text ?? 'null') as Partial<RunTerms> | null;
    return isTerms(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A damaged record must not be believed by half: what it lacks would be met much later. */
function isSound(record: Partial<RunRecord>, name: string, run: number): boolean {
  return (
    record.name === name &&
    record.run === run &&
    typeof record.identity === 'string' &&
    typeof record.processStart === 'string' &&
    areNumbers([record.pid, record.startedWallMs, record.restarts, record.failures])
  );
}

interface RecordVersion1 extends Omit<RunRecord, keyof RunTerms | 'version' | 'row'> {
  readonly version: 1;
  readonly killTimeoutMs: number;
  readonly normalExitCodes: readonly number[];
}

/** The record in the format of today; undefined when it is damaged or of a version to come. */
export function upgraded(value: unknown, name: string, run: number): RunRecord | undefined {
  if (typeof value !== 'object' || value === null || !isSound(value, name, run)) return undefined;
  const record = value as RunRecord | RecordVersion1;
  if (record.version === 2) return isTerms(record) && Number.isFinite(record.row) ? record : undefined;
  if (record.version !== 1) return undefined;
  const { killTimeoutMs, normalExitCodes, ...same } = record;
  if (!Number.isFinite(killTimeoutMs) || !Array.isArray(normalExitCodes)) return undefined;
  const stop = { ...PLAIN_TERMS.stop, timeoutMs: killTimeoutMs };
  return { ...same, ...PLAIN_TERMS, version: 2, stop, normalExitCodes, row: 0 };
}

/**
 * A record from what else is known of a living process that is surely this run's; what only the damaged one knew
 * (how often it was restarted) begins at 0. Undefined when the process ended just now.
 */
export function rebuilt(bundle: Annotated, name: string, run: number, pid: number): RunRecord | undefined {
  const processStart = processStartTime(pid);
  if (processStart === undefined) return undefined;
  const ageMs = (uptime() - Number(processStart) / TICKS_PER_S) * SECOND_MS;
  return {
    ...(bundle.terms ?? PLAIN_TERMS),
    version: 2,
    name,
    run,
    identity: bundle.identity,
    pid,
    processStart,
    startedWallMs: Date.now() - Math.max(0, ageMs),
    restarts: 0,
    failures: 0,
    row: 0,
    lastExit: null,
  };
}
