import type { Endpoint } from '../ports/net.ts';
import type { SimNode } from './node.ts';

/**
 * One thing that will happen: a timer (`run`) or a packet (`data`, `port`, `from`). One class with every field
 * set keeps the hot loop monomorphic; the event is its own `Timer`, so that a timer costs one object.
 */
export class SimEvent {
  timeMs: number;
  /** Of creation: two events of the same time happen in this order. */
  readonly order: number;
  readonly owner: SimNode | undefined;
  /** A timer dies with the run of the process that set it. */
  readonly incarnation: number;
  readonly run: (() => void) | undefined;
  readonly data: Uint8Array | undefined;
  readonly port: number;
  readonly from: Endpoint | undefined;
  /** Place in the heap, -1 outside. */
  index = -1;
  readonly #heap: EventHeap;

  constructor(
    heap: EventHeap,
    timeMs: number,
    order: number,
    owner: SimNode | undefined,
    run: (() => void) | undefined,
    packet?: { readonly data: Uint8Array; readonly port: number; readonly from: Endpoint },
  ) {
    this.#heap = heap;
    this.timeMs = timeMs;
    this.order = order;
    this.owner = owner;
    this.incarnation = owner === undefined ? 0 : owner.incarnation;
    this.run = run;
    this.data = packet?.data;
    this.port = packet?.port ?? 0;
    this.from = packet?.from;
  }

  cancel(): void {
    this.#heap.remove(this);
  }
}

function before(a: SimEvent, b: SimEvent): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order);
}

/** A binary heap whose members know their place: taking one out of the middle costs as much as taking the first. */
export class EventHeap {
  readonly #items: SimEvent[] = [];

  get size(): number {
    return this.#items.length;
  }

  first(): SimEvent | undefined {
    return this.#items[0];
  }

  push(event: SimEvent): void {
    this.#items.push(event);
    this.#up(event, this.#items.length - 1);
  }

  remove(event: SimEvent): void {
    const { index } = event;
    if (index < 0) return;
    event.index = -1;
    const last = this.#items.pop() as SimEvent;
    if (last === event) return;
    const parent = this.#items[(index - 1) >> 1];
    if (index > 0 && parent !== undefined && before(last, parent)) this.#up(last, index);
    else this.#down(last, index);
  }

  #up(event: SimEvent, from: number): void {
    const items = this.#items;
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = items[above] as SimEvent;
      if (!before(event, parent)) break;
      items[index] = parent;
      parent.index = index;
      index = above;
    }
    items[index] = event;
    event.index = index;
  }

  #down(event: SimEvent, from: number): void {
    const items = this.#items;
    const half = items.length >> 1;
    let index = from;
    while (index < half) {
      let below = 2 * index + 1;
      const right = items[below + 1];
      if (right !== undefined && before(right, items[below] as SimEvent)) below++;
      const child = items[below] as SimEvent;
      if (!before(child, event)) break;
      items[index] = child;
      child.index = index;
      index = below;
    }
    items[index] = event;
    event.index = index;
  }
}
