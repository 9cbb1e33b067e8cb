// Gives the samples of one collector their slots. A label set keeps its series while its metrics stay the same; one
// that is not in a scan has no values in it and is closed.

import type { History } from '../history/history.ts';
import type { Field, Group } from '../history/slots.ts';
import { keyText } from '../history/tips.ts';
import type { Reading, Sample } from './sample.ts';

interface Known {
  readonly group: Group;
  readonly readings: readonly Reading[];
  scan: number;
}

export class Recorder {
  readonly #history: History;
  readonly #known = new Map<string, Known>();
  /** Field lists by the metrics they hold, shared by all groups of a kind. */
  readonly #fields = new Map<string, readonly Field[]>();
  #scan = 0;

  constructor(history: History) {
    this.#history = history;
  }

  record(samples: readonly Sample[]): void {
    this.#scan++;
    for (const sample of samples) {
      const known = this.#find(keyText(sample.labels), sample);
      if (known === undefined) continue;
      known.scan = this.#scan;
      const { first } = known.group;
      sample.readings.forEach((reading, index) => {
        this.#history.set(first + index, reading[2]);
      });
    }
    for (const [id, known] of this.#known) if (known.scan !== this.#scan) this.#close(id, known);
  }

  /** After a failure: no values rather than old ones. */
  blank(): void {
    for (const { group } of this.#known.values()) this.#history.blank(group);
  }

  #close(id: string, known: Known): void {
    this.#history.close(known.group);
    this.#known.delete(id);
  }

  #find(id: string, sample: Sample): Known | undefined {
    const known = this.#known.get(id);
    if (known !== undefined && sameMetrics(known.readings, sample.readings)) return known;
    if (known !== undefined) this.#close(id, known);
    const group = this.#history.open(sample.labels, this.#fieldsOf(sample.readings));
    if (group === undefined) return undefined;
    const created = { group, readings: sample.readings, scan: this.#scan };
    this.#known.set(id, created);
    return created;
  }

  #fieldsOf(readings: readonly Reading[]): readonly Field[] {
    const text = readings.map(([metric, kind]) => `${metric} ${kind}`).join('\n');
    const shared = this.#fields.get(text);
    if (shared !== undefined) return shared;
    const fields = readings.map(([metric, kind]) => ({ labels: { metric }, kind }));
    this.#fields.set(text, fields);
    return fields;
  }
}

function sameMetrics(before: readonly Reading[], now: readonly Reading[]): boolean {
  if (before.length !== now.length) return false;
  return now.every((reading, index) => {
    const old = before[index] as Reading;
    return old[0] === reading[0] && old[1] === reading[1];
  });
}
