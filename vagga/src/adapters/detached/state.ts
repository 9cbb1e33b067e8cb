// The state of a detached command as a file that its supervisor writes and everybody else reads.
import { readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import { processStartTime } from '@suite/shared/linux/proc.ts';
import type { RunReport } from '../../core/supervise/run-state.ts';
import type { Layout } from '../image/layout.ts';
import type { CachedRuntime } from '../project/cache.ts';
import { type DetachedPlace, detachedPlaces } from './place.ts';

export interface Supervising {
  readonly pid: number;
  /** Pids are used again. */
  readonly startTime: string;
  readonly pidNamespace: string;
  /** It is root of a user namespace, which who wants into its containers must enter first. */
  readonly insideUserNamespace: boolean;
}

export interface DetachedState {
  readonly command: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly supervisor: Supervising;
  readonly engine: CachedRuntime;
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
export function writeState(place: DetachedPlace, state: DetachedState): void {
  const temporary = `${place.state}.new`;
  writeFileSync(temporary, JSON.stringify(state), { mode: 0o600 });
  renameSync(temporary, place.state);
}

export interface Detached {
  readonly place: DetachedPlace;
  readonly state: DetachedState;
  /** Its supervisor lives. */
  readonly alive: boolean;
}

/** From another pid namespace its supervisor cannot be seen, so it is believed to live until it says otherwise. */
function isAlive({ supervisor, report }: DetachedState): boolean {
  if (report.state === 'ended') return false;
  if (supervisor.pidNamespace !== ownNamespace()) return true;
  return processStartTime(supervisor.pid) === supervisor.startTime;
}

/** Undefined: it was never started, or has been removed. */
export function readDetached(place: DetachedPlace): Detached | undefined {
  try {
    const state = JSON.parse(readFileSync(place.state, 'utf8')) as DetachedState;
    return { place, state, alive: isAlive(state) };
  } catch {
    return undefined;
  }
}

export function allDetached(layout: Layout): Detached[] {
  return detachedPlaces(layout).flatMap(place => readDetached(place) ?? []);
}
