// What happens in the tree, told to whoever wants to know: events for the sockets, counters for cantal.
import type { Logger } from '@suite/shared/cli/log.ts';
import type { Clock } from '@suite/shared/ports/index.ts';
import {
  type InstanceStatus,
  LITHOS_LIMITS,
  type LithosEvent,
  type LithosEventBody,
  type RolloutStatus,
  type TreeStatus,
} from '@suite/shared/wire/lithos.ts';
import type { MetricsFile } from '../adapters/metrics-file.ts';
import { stepEvents } from '../core/events/from-step.ts';
import { EventRing } from '../core/events/ring.ts';
import type { Event, Instance } from '../core/instance/types.ts';
import { Counters, counterKey } from '../core/metrics/counters.ts';
import type { Reading } from './configuration.ts';
import { describeInstance } from './snapshot.ts';
import type { Supervisor } from './supervisor.ts';

export interface WitnessOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: MetricsFile;
  /** Names of the instances that are wanted. */
  readonly configured: () => ReadonlySet<string>;
}

export class Witness {
  readonly ring: EventRing;
  readonly counters: Counters;
  private readonly options: WitnessOptions;
  private readonly listeners = new Set<(event: LithosEvent) => void>();
  private rollouts = new Map<string, string>();
  private losses = new Map<string, number>();
  private complaint = '';

  constructor(options: WitnessOptions) {
    this.options = options;
    this.ring = new EventRing(LITHOS_LIMITS.eventsKept, options.clock.wallMs());
    this.counters = new Counters(options.metrics.recover(counterKey));
    this.counters.add('master', 'restarts');
  }

  /** Returns what ends it. */
  listen(listener: (event: LithosEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  step(supervisor: Supervisor, was: Instance, is: Instance, event: Event['kind']): void {
    if (was === is) return;
    const [before, after] = [describeInstance(supervisor, was), describeInstance(supervisor, is)];
    const { name } = after;
    if (after.state === 'starting' && before.state !== 'starting') this.counters.count(name, 'started');
    if (event === 'exited' || event === 'failed') this.counters.count(name, 'deaths');
    this.counters.count(name, 'failures', after.failures - before.failures);
    const nowMs = this.options.clock.wallMs();
    for (const body of stepEvents({ before, after, ended: event === 'exited' }, nowMs)) this.tell(body);
  }

  reloaded(reloads: number, { errors, sandboxes }: Pick<Reading, 'errors' | 'sandboxes'>): void {
    const bad = sandboxes.filter(({ ok }) => !ok);
    this.tell({
      type: 'reload',
      reloads,
      errors: [...errors, ...bad.flatMap(sandbox => sandbox.errors)]
        .slice(0, LITHOS_LIMITS.eventErrors)
        .map(error => error.slice(0, LITHOS_LIMITS.words)),
      kept: bad.map(({ name }) => name),
    });
  }

  /** The state of now: roll-outs that are different from what was told last, and all metrics. */
  publish({ rollouts, sandboxes, instances }: TreeStatus): void {
    this.tellRollouts(rollouts);
    this.tellLosses(instances);
    const levels = { sandboxes: sandboxes.length, instances, configured: this.options.configured() };
    try {
      this.options.metrics.write(this.counters.list(levels));
      this.complaint = '';
    } catch (error) {
      const { message } = error as Error;
      // Said once: the next event would say the same.
      if (message !== this.complaint) this.options.log.error(`metrics: ${message}`);
      this.complaint = message;
    }
  }

  private tellLosses(instances: readonly InstanceStatus[]): void {
    const told = this.losses;
    this.losses = new Map();
    for (const { name, lostLines: lines, lostBytes: bytes } of instances) {
      if (bytes === 0) continue;
      this.losses.set(name, bytes);
      if (bytes > (told.get(name) ?? 0)) this.tell({ type: 'log-loss', name, lines, bytes });
    }
  }

  private tellRollouts(rollouts: readonly RolloutStatus[]): void {
    const told = this.rollouts;
    this.rollouts = new Map();
    for (const rollout of rollouts) {
      const key = `${rollout.sandbox}/${rollout.process}`;
      const text = JSON.stringify(rollout);
      this.rollouts.set(key, text);
      if (told.get(key) !== text) this.tell({ type: 'rollout', rollout });
    }
  }

  private tell(body: LithosEventBody): void {
    const event = this.ring.add(body, this.options.clock.wallMs());
    for (const listener of this.listeners) listener(event);
  }
}
