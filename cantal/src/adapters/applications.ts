// Metrics that applications publish through files in memory (see shared/src/wire/cantal-metrics.ts). The files of a
// process in another mount namespace are reached through /proc/PID/root.
import { lstatSync, type Stats } from 'node:fs';
import type { MetricKey, StateValue } from '@suite/shared/wire/cantal.ts';
import {
  METRIC_LIMITS,
  type MetricField,
  type MetricMeta,
  parseMeta,
  readNumber,
  readState,
} from '@suite/shared/wire/cantal-metrics.ts';
import type { History } from '../core/history/history.ts';
import type { Field, Group } from '../core/history/slots.ts';
import type { Tips } from '../core/history/tips.ts';
import { readPlain } from './files.ts';
import type { Collector } from './machine.ts';
import type { ObservedProcess } from './process.ts';
import type { Processes } from './processes.ts';

/** The metric files of one process, as they were read last. */
interface Source {
  readonly process: ObservedProcess;
  readonly base: string;
  readonly labels: MetricKey;
  identity: string;
  meta: MetricMeta;
  numbers: readonly MetricField[];
  group: Group | undefined;
  scan: number;
}

const EMPTY: MetricMeta = { fields: [], sizeBytes: 0, warnings: [] };
const KINDS = { counter: 'Counter', signed: 'Integer', float: 'Float' } as const;

function identityOf(stats: Stats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}`;
}

/** undefined when there is no such regular file. */
function currentIdentity(path: string): string | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats?.isFile() ? identityOf(stats) : undefined;
}

function labelsOf(process: ObservedProcess): MetricKey {
  const pid = String(process.pid);
  if (process.cgroup !== undefined) return { pid, cgroup: process.cgroup };
  const appname = process.metrics?.appname;
  return appname === undefined ? { pid } : { pid, appname };
}

export interface ApplicationsOptions {
  readonly procRoot: string;
  readonly history: History;
  readonly tips: Tips;
  readonly processes: Processes;
  readonly log: (message: string) => void;
}

export class Applications implements Collector {
  readonly name = 'applications';
  readonly #options: ApplicationsOptions;
  readonly #sources = new Map<number, Source>();
  /** Values files seen in this scan: children inherit the environment, the lowest pid owns the metrics. */
  readonly #seen = new Set<string>();
  #states: { key: MetricKey; value: StateValue }[] = [];
  #scan = 0;

  constructor(options: ApplicationsOptions) {
    this.#options = options;
  }

  collect(nowMs: number): void {
    this.#scan++;
    this.#seen.clear();
    this.#states = [];
    const publishing = [...this.#options.processes.byPid.values()].filter(
      process => process.metrics !== undefined,
    );
    for (const process of publishing.sort((a, b) => a.pid - b.pid)) this.#readProcess(process);
    for (const [pid, source] of this.#sources) if (source.scan !== this.#scan) this.#drop(pid, source);
    this.#options.tips.push(this.#states, nowMs);
  }

  #readProcess(process: ObservedProcess): void {
    const base = `${this.#options.procRoot}/${process.pid}/root/${process.metrics?.path ?? ''}`;
    const source = this.#source(process, base);
    source.scan = this.#scan;
    if (!this.#readSource(source) && source.group !== undefined) this.#options.history.blank(source.group);
  }

  #source(process: ObservedProcess, base: string): Source {
    const labels = labelsOf(process);
    const known = this.#sources.get(process.pid);
    const same =
      known?.process === process &&
      known.base === base &&
      known.labels.cgroup === labels.cgroup &&
      known.labels.appname === labels.appname;
    if (known !== undefined && same) return known;
    if (known !== undefined) this.#drop(process.pid, known);
    const source = {
      process,
      base,
      labels,
      identity: '',
      meta: EMPTY,
      numbers: [],
      group: undefined,
      scan: 0,
    };
    this.#sources.set(process.pid, source);
    return source;
  }

  /** Values count only when the meta file is the same before and after they were read; a change is tried once more. */
  #readSource(source: Source): boolean {
    for (let attempt = 0; attempt < 2; attempt++) {
      const identity = currentIdentity(`${source.base}.meta`);
      if (identity === undefined) return false;
      if (identity !== source.identity && !this.#readMeta(source)) return false;
      const file = readPlain(`${source.base}.values`, METRIC_LIMITS.valuesBytes, stats =>
        this.#claim(stats, source),
      );
      if (file === undefined || file.bytes.length < source.meta.sizeBytes) return false;
      if (currentIdentity(`${source.base}.meta`) !== source.identity) continue;
      this.#store(source, file.bytes);
      return true;
    }
    this.#options.log(`${source.base}.meta changes while it is read`);
    return false;
  }

  /** A source may read its own file again, another one's not. */
  #claim(stats: Stats, source: Source): boolean {
    const id = `${stats.dev}:${stats.ino}`;
    const own = `${id}:${source.process.pid}`;
    if (this.#seen.has(id)) return this.#seen.has(own);
    this.#seen.add(id).add(own);
    return true;
  }

  #readMeta(source: Source): boolean {
    const path = `${source.base}.meta`;
    const file = readPlain(path, METRIC_LIMITS.metaBytes, () => true);
    if (file === undefined) return false;
    source.identity = identityOf(file.stats);
    const parsed = parseMeta(file.bytes.toString('utf8'));
    if (!parsed.ok) this.#options.log(`${path}: ${parsed.error}`);
    else for (const warning of parsed.meta.warnings) this.#options.log(`${path}: ${warning}`);
    source.meta = parsed.ok ? parsed.meta : EMPTY;
    this.#reopen(source);
    return true;
  }

  #reopen(source: Source): void {
    const { history } = this.#options;
    if (source.group !== undefined) history.close(source.group);
    source.numbers = source.meta.fields.filter(field => field.type !== 'state');
    const fields = source.numbers.map((field): Field => {
      return { labels: field.labels, kind: KINDS[field.type as keyof typeof KINDS] };
    });
    source.group = fields.length === 0 ? undefined : history.open(source.labels, fields);
  }

  #store(source: Source, bytes: Buffer): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { group } = source;
    if (group !== undefined) {
      source.numbers.forEach((field, index) => {
        this.#options.history.set(group.first + index, readNumber(view, field));
      });
    }
    for (const field of source.meta.fields) {
      if (field.type !== 'state') continue;
      this.#states.push({ key: { ...source.labels, ...field.labels }, value: readState(view, field) });
    }
  }

  #drop(pid: number, source: Source): void {
    if (source.group !== undefined) this.#options.history.close(source.group);
    this.#sources.delete(pid);
  }

  blank(): void {
    for (const { group } of this.#sources.values())
      if (group !== undefined) this.#options.history.blank(group);
  }

  close(): void {
    for (const [pid, source] of this.#sources) this.#drop(pid, source);
  }
}
