// Which series lives in which slot. Series come in groups that share labels (a process, a disk, a metric file): one
// labels object per group and one shared field list per kind of group keep 10,000 keys in a few hundred kilobytes.
import type { MetricKey, ValueKind } from '@suite/shared/wire/cantal.ts';

export interface Field {
  /** Labels of the field itself; they win over the group's. */
  readonly labels: MetricKey;
  readonly kind: Exclude<ValueKind, 'State'>;
}

export interface Group {
  readonly labels: MetricKey;
  readonly fields: readonly Field[];
  /** Slot of the first field; the others follow. */
  readonly first: number;
  /** Scan number at which the group ended; Infinity while it is alive. */
  closedAt: number;
}

export function fieldKey(group: Group, field: Field): MetricKey {
  return { ...group.labels, ...field.labels };
}

/** A query may ask for any label, also for one every object inherits, such as `constructor`. */
export function textOf(key: MetricKey, label: string): string | undefined {
  const text: unknown = key[label];
  return typeof text === 'string' ? text : undefined;
}

export function labelOf(group: Group, field: Field, label: string): string | undefined {
  return textOf(field.labels, label) ?? textOf(group.labels, label);
}

export class Slots {
  readonly groups = new Set<Group>();
  /** Slots ever used; the arrays of the history are at least this long. */
  used = 0;
  refusedSeries = 0;
  readonly #limit: number;
  readonly #free = new Map<number, number[]>();
  /** Nothing was freed since the free stretches were joined. */
  #joined = false;
  #closed: Group[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** undefined when the limit is reached: the caller goes on without these series. */
  open(labels: MetricKey, fields: readonly Field[]): Group | undefined {
    const reused = this.#reuse(fields.length);
    if (reused === undefined && this.used + fields.length > this.#limit) {
      this.refusedSeries += fields.length;
      return undefined;
    }
    const first = reused ?? this.used;
    if (reused === undefined) this.used += fields.length;
    const group: Group = { labels, fields, first, closedAt: Number.POSITIVE_INFINITY };
    this.groups.add(group);
    return group;
  }

  /** First slot of a free stretch. Only when nothing new fits are stretches of other lengths joined and cut. */
  #reuse(size: number): number | undefined {
    const exact = this.#free.get(size)?.pop();
    if (exact !== undefined || this.used + size <= this.#limit) return exact;
    if (!this.#joined) this.#joinFree();
    const length = [...this.#free.keys()]
      .filter(key => key >= size && this.#free.get(key)?.length)
      .sort((a, b) => a - b)[0];
    const first = length === undefined ? undefined : this.#free.get(length)?.pop();
    if (first === undefined || length === undefined) return undefined;
    if (length > size) this.#giveBack(first + size, length - size);
    return first;
  }

  /** Neighbouring free stretches become one: metric files grow, and the places of short ones would never be used again. */
  #joinFree(): void {
    const all = [...this.#free].flatMap(([size, firsts]) => firsts.map(first => ({ first, size })));
    all.sort((a, b) => a.first - b.first);
    this.#free.clear();
    this.#joined = true;
    let open: { first: number; size: number } | undefined;
    for (const stretch of all) {
      if (open !== undefined && open.first + open.size === stretch.first) open.size += stretch.size;
      else {
        if (open !== undefined) this.#giveBack(open.first, open.size);
        open = stretch;
      }
    }
    if (open !== undefined) this.#giveBack(open.first, open.size);
  }

  #giveBack(first: number, size: number): void {
    const list = this.#free.get(size);
    if (list === undefined) this.#free.set(size, [first]);
    else list.push(first);
  }

  close(group: Group, scan: number): void {
    if (group.closedAt !== Number.POSITIVE_INFINITY) return;
    group.closedAt = scan;
    this.#closed.push(group);
  }

  /** Gives back the slots of groups that ended before `oldestScan`, the oldest one still readable. */
  collect(oldestScan: number): void {
    const ended = this.#closed.filter(group => group.closedAt < oldestScan);
    if (ended.length === 0) return;
    this.#closed = this.#closed.filter(group => group.closedAt >= oldestScan);
    this.#joined = false;
    for (const group of ended) {
      this.groups.delete(group);
      this.#giveBack(group.first, group.fields.length);
    }
  }
}
