// Id maps of user namespaces (user_namespaces(7)): which id inside is which outside.
import type { IdRange } from '../../config/model.ts';

export interface IdMapping {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

export type IdMap = readonly IdMapping[];

/** Ids of the user: its own, which becomes 0 inside, and the ranges that follow it there. */
export interface UserIds {
  readonly own: number;
  readonly ranges: readonly IdRange[];
}

const countOf = (ranges: readonly IdRange[]): number =>
  ranges.reduce((sum, { start, end }) => sum + end - start, 0);

/** Sorted, without id 0 (which is always there) and without doubles. */
function withoutZero(ranges: readonly IdRange[]): IdRange[] {
  const result: IdRange[] = [];
  let next = 1;
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const from = Math.max(start, next);
    if (from < end) result.push({ start: from, end });
    next = Math.max(next, end);
  }
  return result;
}

/** The ids that a container asks for besides 0. */
export const requiredCount = (wanted: readonly IdRange[]): number => countOf(withoutZero(wanted));

/** What is wanted, laid over what there is one after another; undefined when there is too little. */
export function layOver(wanted: readonly IdRange[], { own, ranges }: UserIds): IdMap | undefined {
  const map: IdMapping[] = [{ inside: 0, outside: own, count: 1 }];
  const free = ranges.map(({ start, end }) => ({ start, end }));
  for (const { start, end } of withoutZero(wanted)) {
    for (let inside = start; inside < end; ) {
      const [range] = free;
      if (range === undefined) return undefined;
      const count = Math.min(end - inside, range.end - range.start);
      map.push({ inside, outside: range.start, count });
      inside += count;
      range.start += count;
      if (range.start === range.end) free.shift();
    }
  }
  return map;
}

/** Everything the user has, without gaps: 0, 1, 2, … */
export function wholeMap(ids: UserIds): IdMap {
  return layOver([{ start: 0, end: countOf(ids.ranges) + 1 }], ids) ?? [];
}

/** `map` for a process that sees the outside through `session`; undefined when some id is not there. */
export function within(map: IdMap, session: IdMap): IdMap | undefined {
  const result: IdMapping[] = [];
  for (const { inside, outside, count } of map) {
    for (let done = 0; done < count; ) {
      const at = outside + done;
      const home = session.find(item => item.outside <= at && at < item.outside + item.count);
      if (home === undefined) return undefined;
      const length = Math.min(count - done, home.outside + home.count - at);
      result.push({ inside: inside + done, outside: home.inside + at - home.outside, count: length });
      done += length;
    }
  }
  return result;
}

/** True when every id means the same on both sides: then no further namespace is needed. */
export const isIdentity = (map: IdMap): boolean => map.every(({ inside, outside }) => inside === outside);

/** As the kernel prints /proc/PID/uid_map. */
export function mapText(map: IdMap): string {
  const column = (value: number) => String(value).padStart(10);
  return map
    .map(({ inside, outside, count }) => `${column(inside)} ${column(outside)} ${column(count)}\n`)
    .join('');
}

export function parseMap(text: string): IdMap {
  return text
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => {
      const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
      return { inside, outside, count };
    });
}
