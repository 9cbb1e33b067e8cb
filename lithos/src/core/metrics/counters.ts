// The metrics that cantal collects from the tree: names are upstream's, so that its dashboards go on working.
import type { PublishedMetric } from '@suite/shared/wire/cantal-metrics.ts';
import type { InstanceStatus } from '@suite/shared/wire/lithos.ts';

export type CounterName = 'started' | 'deaths' | 'failures';
const COUNTERS: readonly CounterName[] = ['started', 'deaths', 'failures'];

const ALL = 'containers';

export function counterKey(group: string, metric: string): string {
  return `${group} ${metric}`;
}

/** `sandbox/process.N` → its group. */
function groupOf(name: string): string {
  return `processes.${name.replace('/', '.').replace(/\.\d+$/, '')}`;
}

function isRunning({ state }: InstanceStatus): boolean {
  return state === 'running' || state === 'stopping';
}

/** What the levels are made of. */
export interface MetricsInput {
  readonly sandboxes: number;
  readonly instances: readonly InstanceStatus[];
  /** Names of configured instances; the others are only waited for. */
  readonly configured: ReadonlySet<string>;
}

export class Counters {
  private readonly values: Map<string, number>;

  /** `before`: what an earlier supervisor left, by `counterKey`. */
  constructor(before: ReadonlyMap<string, number>) {
    this.values = new Map(before);
  }

  add(group: string, metric: string, amount = 1): void {
    this.values.set(counterKey(group, metric), this.get(group, metric) + amount);
  }

  get(group: string, metric: string): number {
    return this.values.get(counterKey(group, metric)) ?? 0;
  }

  /** Counted for the instance's process and for all together. */
  count(name: string, metric: CounterName, amount = 1): void {
    if (amount <= 0) return;
    for (const group of [ALL, groupOf(name)]) this.add(group, metric, amount);
  }

  ofProcess(process: string, metric: CounterName): number {
    return this.get(groupOf(process), metric);
  }

  /** Everything that is published, in the order of the file: a changed list is a changed layout. */
  list({ sandboxes, instances, configured }: MetricsInput): PublishedMetric[] {
    const groups = [...new Set([...configured].map(groupOf))].sort();
    const running = instances.filter(isRunning);
    const runningIn = new Map<string, number>();
    for (const { name } of running) runningIn.set(groupOf(name), (runningIn.get(groupOf(name)) ?? 0) + 1);
    const level = (group: string, metric: string, value: number): PublishedMetric => ({
      type: 'signed',
      labels: { group, metric },
      value,
    });
    const counters = (group: string): PublishedMetric[] =>
      COUNTERS.map(metric => this.counter(group, metric));
    return [
      this.counter('master', 'restarts'),
      level('master', 'sandboxes', sandboxes),
      level('master', 'containers', configured.size),
      level('master', 'queue', instances.filter(({ state }) => state === 'waiting').length),
      ...counters(ALL),
      level(ALL, 'running', running.length),
      level(ALL, 'unknown', running.filter(({ name }) => !configured.has(name)).length),
      ...groups.flatMap(group => [...counters(group), level(group, 'running', runningIn.get(group) ?? 0)]),
    ];
  }

  private counter(group: string, metric: string): PublishedMetric {
    return { type: 'counter', labels: { group, metric }, value: this.get(group, metric) };
  }
}
