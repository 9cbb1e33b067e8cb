import type { ScheduleStamp } from '@suite/shared/wire/election.ts';
import type { ScheduleObject } from '@suite/shared/wire/verwalter.ts';
import { canonicalJson } from './canonical.ts';

/** SHA-1 of a UTF-8 text as 40 lower-case hex digits. The core has no crypto of its own. */
export type Sha1 = (text: string) => string;

/** The schedule a leader publishes; `data` is any JSON object. */
export function makeSchedule(
  data: Readonly<Record<string, unknown>>,
  origin: string,
  timestamp: number,
  sha1: Sha1,
): ScheduleObject {
  return { timestamp, hash: sha1(canonicalJson(data)), data, origin };
}

export function stampOf(schedule: ScheduleObject): ScheduleStamp {
  return { timestamp: schedule.timestamp, hash: schedule.hash, origin: schedule.origin };
}

/** Checks an object from a disk or another node. Gives the schedule, or a sentence saying what is wrong with it. */
export function readSchedule(raw: unknown, sha1: Sha1): ScheduleObject | { readonly error: string } {
  if (typeof raw !== 'object' || raw === null) return { error: 'a schedule is a JSON object' };
  const { timestamp, hash, data, origin } = raw as Record<string, unknown>;
  if (typeof timestamp !== 'number' || !Number.isSafeInteger(timestamp) || timestamp < 0) {
    return { error: 'timestamp is not a whole number of ms' };
  }
  if (typeof hash !== 'string' || !/^[0-9a-f]{40}$/.test(hash)) return { error: 'hash is not 40 hex digits' };
  if (typeof origin !== 'string' || !/^([0-9a-f]{2}){1,64}$/.test(origin))
    return { error: 'origin is not a hex id' };
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    return { error: 'data is not an object' };
  try {
    if (sha1(canonicalJson(data)) !== hash) return { error: `the hash of the data is not ${hash}` };
  } catch (error) {
    // JSON.parse reads any depth, walking it does not.
    return { error: `data: ${(error as Error).message}` };
  }
  return { timestamp, hash, data: data as Record<string, unknown>, origin };
}

/** Distinct schedules by hash, newest first; the order decides nothing, but it is the same on every node. */
export function distinctSchedules(schedules: Iterable<ScheduleObject>): ScheduleObject[] {
  const byHash = new Map<string, ScheduleObject>();
  for (const schedule of schedules) {
    const other = byHash.get(schedule.hash);
    if (other === undefined || other.timestamp < schedule.timestamp) byHash.set(schedule.hash, schedule);
  }
  return [...byHash.values()].sort(
    (one, two) => two.timestamp - one.timestamp || (one.hash < two.hash ? -1 : 1),
  );
}
