// The state of a run as a file that its supervisor writes and everybody else reads.
import { readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { parseProcStat, processStartTime } from '@suite/shared/linux/proc.ts';
import type { RunReport } from '../../core/supervise/run-state.ts';
import type { Layout } from '../image/layout.ts';
import type { CachedRuntime } from '../project/cache.ts';
import { type RunPlace, runPlaces } from './place.ts';

export interface Supervising {
  readonly pid: number;
  /** Pids are used again. */
  readonly startTime: string;
  readonly pidNamespace: string;
  /** It is root of a user namespace, which who wants into its containers must enter first. */
  readonly insideUserNamespace: boolean;
}

export interface RunState {
  readonly command: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly supervisor: Supervising;
  readonly engine: CachedRuntime;
  /** Path of the terminal on which it prints, if it is one. */
  readonly terminal?: string;
  /** Of the engine, by child, while they run. */
  readonly containers: Readonly<Record<string, string>>;
  readonly report: RunReport;
}

const ownNamespace = () => readlinkSync('/proc/self/ns/pid');

export function supervising(insideUserNamespace: boolean): Supervising {
  return {
    pid: process.pid,
    startTime: processStartTime(process.pid) ?? '',
    pidNamespace: ownNamespace(),
    insideUserNamespace,
  };
}

/** A reader sees the old one or the new one. */
export function writeState(place: RunPlace, state: RunState): void {
  const temporary = `${place.state}.new`;
  writeFileSync(temporary, JSON.stringify(state), { mode: 0o600 });
  renameSync(temporary, place.state);
}

export interface KnownRun {
  readonly place: RunPlace;
  readonly state: RunState;
  /** Its supervisor lives. */
  readonly alive: boolean;
  /** Ctrl-Z has stopped the supervisor: it hears no orders. */
  readonly suspended: boolean;
}

const isSeen = ({ supervisor }: RunState): boolean => supervisor.pidNamespace === ownNamespace();

/** From another pid namespace its supervisor cannot be seen, so it is believed to live until it says otherwise. */
function isAlive(state: RunState): boolean {
  if (state.report.state === 'ended') return false;
  const { pid, startTime } = state.supervisor;
  return !isSeen(state) || processStartTime(pid) === startTime;
}

function isSuspended(state: RunState): boolean {
  if (!isSeen(state)) return false;
  try {
    return parseProcStat(readFileSync(`/proc/${state.supervisor.pid}/stat`, 'latin1'))?.state === 'T';
  } catch {
    return false;
  }
}

/** Undefined: it was never started, or has been removed. */
export function readRun(place: RunPlace): KnownRun | undefined {
  try {
    const state = JSON.parse(readFileSync(place.state, 'utf8')) as RunState;
    const alive = isAlive(state);
    return { place, state, alive, suspended: alive && isSuspended(state) };
  } catch {
    return undefined;
  }
}

/** Of the detached ones also those that have ended; the others had a user who has seen their end. */
export function allRuns(layout: Layout): KnownRun[] {
  const all = runPlaces(layout).flatMap(place => readRun(place) ?? []);
  return all.filter(({ place, alive }) => alive || place.mode === 'detached');
}
