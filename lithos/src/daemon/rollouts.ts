// Carries out roll-outs: decides at each reload what is in force at once, then moves on whenever an instance changes.
import type { Logger } from '@suite/shared/cli/log.ts';
import type { Clock, Timer } from '@suite/shared/ports/index.ts';
import type { RolloutStatus } from '@suite/shared/wire/lithos.ts';
import type { RolloutFiles } from '../adapters/rollout-files.ts';
import type { DesiredInstance, RollingUpdate } from '../core/desired/types.ts';
import { currentRun } from '../core/instance/facts.ts';
import { beginRollout, divide, rolloutStatus, sameFiles } from '../core/rollout/begin.ts';
import { stepRollout } from '../core/rollout/step.ts';
import type { Rollout } from '../core/rollout/types.ts';
import type { Supervisor } from './supervisor.ts';
import { WorkQueues } from './work-queues.ts';

export interface RolloutsOptions {
  readonly supervisor: Supervisor;
  readonly files: RolloutFiles;
  readonly clock: Clock;
  readonly log: Logger;
  /** What `status` answers may have changed. */
  readonly onChange: () => void;
}

/** What one reading of the configuration says of roll-outs. */
export interface Wanted {
  readonly desired: ReadonlyMap<string, DesiredInstance>;
  /** By sandbox. */
  readonly policies: ReadonlyMap<string, RollingUpdate | null>;
  /** What was in force before this reading, as far as it is known. */
  readonly before: ReadonlyMap<string, DesiredInstance>;
}

function keyOf({ sandbox, process }: Pick<DesiredInstance, 'sandbox' | 'process'>): string {
  return `${sandbox}/${process}`;
}

function byProcess(instances: Iterable<DesiredInstance>): Map<string, DesiredInstance[]> {
  const groups = new Map<string, DesiredInstance[]>();
  for (const each of instances) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return groups;
}

export class Rollouts {
  private readonly options: RolloutsOptions;
  private readonly rollouts = new Map<string, Rollout>();
  private readonly writes: WorkQueues;
  private timer: Timer | undefined;
  private looking = false;
  /** Between reading a configuration and having it applied nothing may move: it would be undone. */
  private paused = true;

  constructor(options: RolloutsOptions) {
    this.options = options;
    this.writes = new WorkQueues(options.clock, (key, error) =>
      options.log.error(`roll-out of ${key}: ${error.message}`),
    );
  }

  /** What an earlier supervisor was at. */
  async load(): Promise<void> {
    for (const rollout of await this.options.files.load()) this.rollouts.set(keyOf(rollout), rollout);
  }

  status(): RolloutStatus[] {
    return [...this.rollouts.values()].map(rolloutStatus).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  /**
   * Of what is wanted, what may be in force now; the rest follows by and by. Resolves when everything that a later
   * supervisor would need is on disk.
   */
  async apply(wanted: Wanted): Promise<ReturnType<Supervisor['apply']>> {
    this.paused = true;
    const groups = byProcess(wanted.desired.values());
    for (const [key, rollout] of this.rollouts) if (!groups.has(key)) this.drop(key, rollout);
    const now: DesiredInstance[] = [];
    const held: DesiredInstance[] = [];
    const inForce = byProcess(this.inForce(wanted.before));
    for (const [key, group] of groups) {
      const divided = this.decide(key, group, inForce.get(key) ?? [], wanted.policies);
      now.push(...(divided?.now ?? group));
      held.push(...(divided?.held ?? []));
    }
    await this.writes.idle();
    const actions = this.options.supervisor.apply(new Map([...now, ...held].map(each => [each.name, each])), {
      held: new Set(held.map(({ name }) => name)),
    });
    this.paused = false;
    this.look();
    return actions;
  }

  /** At shutdown: what is not ready any more says nothing about its configuration. A later supervisor goes on. */
  stop(): void {
    this.paused = true;
    this.timer?.cancel();
  }

  /** An instance has changed. Merged, so that a storm of changes costs one look. */
  changed(): void {
    if (this.looking) return;
    this.looking = true;
    queueMicrotask(() => {
      this.looking = false;
      this.look();
    });
  }

  private decide(
    key: string,
    group: readonly DesiredInstance[],
    inForce: readonly DesiredInstance[],
    policies: Wanted['policies'],
  ) {
    const nowMs = this.options.clock.monotonicMs();
    const known = this.rollouts.get(key);
    const same = known !== undefined && sameFiles(known.next, group);
    const policy = policies.get(group[0]?.sandbox ?? '') ?? null;
    const rollout = same ? known : beginRollout(inForce, group, policy);
    if (rollout === undefined) {
      if (known !== undefined) this.drop(key, known);
      return undefined;
    }
    const divided = divide(rollout, name => this.identityOf(name), nowMs);
    this.rollouts.set(key, divided.rollout);
    if (!same) {
      this.save(key, divided.rollout);
      this.options.log.warn(`roll-out of ${key} begins`);
    } else if (rollout.state === 'rolled-back') {
      this.options.log.error(`${key} stays with its previous configuration: ${rollout.message}`);
    }
    return divided;
  }

  private identityOf(name: string): string | undefined {
    const instance = this.options.supervisor.get(name);
    if (instance === undefined || instance.state.kind === 'held') return undefined;
    return instance.desired?.identity ?? currentRun(instance)?.identity ?? instance.lastIdentity;
  }

  /** The configurations that the instances have now; of what an earlier supervisor left, as far as it is known. */
  private inForce(before: ReadonlyMap<string, DesiredInstance>): DesiredInstance[] {
    return this.options.supervisor.all().flatMap(({ name, desired, state }) => {
      if (state.kind === 'held') return [];
      return desired ?? this.remembered(name, before) ?? [];
    });
  }

  private remembered(
    name: string,
    before: ReadonlyMap<string, DesiredInstance>,
  ): DesiredInstance | undefined {
    const known = this.rollouts.get(name.slice(0, name.lastIndexOf('.')));
    const all = [before.get(name), ...(known?.next ?? []), ...(known?.previous ?? [])];
    const identity = this.identityOf(name);
    return all.find(each => each?.name === name && each.identity === identity);
  }

  private look(): void {
    if (this.paused) return;
    this.timer?.cancel();
    const { clock, supervisor } = this.options;
    const nowMs = clock.monotonicMs();
    const times: number[] = [];
    for (const [key, before] of this.rollouts) {
      const { rollout, moves, wakeAtMs } = stepRollout(before, name => supervisor.get(name), nowMs);
      this.rollouts.set(key, rollout);
      if (rollout !== before) this.options.onChange();
      if (wakeAtMs !== null) times.push(wakeAtMs);
      if (rollout.state !== before.state || rollout.way !== before.way) this.turned(key, rollout);
      for (const move of moves) {
        if (move.kind === 'retire') supervisor.retire(move.name);
        else this.tell(move.desired);
      }
    }
    if (times.length > 0)
      this.timer = clock.after(Math.max(0, Math.min(...times) - nowMs), () => this.look());
  }

  private tell(desired: DesiredInstance): void {
    const { supervisor, log } = this.options;
    log.info(`roll-out: ${desired.name}`, { identity: desired.identity });
    supervisor.configure(desired);
    const state = supervisor.get(desired.name)?.state;
    if (state?.kind === 'held' && state.reason === 'roll-out') supervisor.release(desired.name);
  }

  private turned(key: string, rollout: Rollout): void {
    const { state, way, message } = rollout;
    this.save(key, rollout);
    const { log } = this.options;
    if (state === 'done') log.warn(`roll-out of ${key} is done`);
    else if (state === 'rolling' && way === 'back')
      log.error(`roll-out of ${key}: back to the previous configuration: ${message}`);
    else log.error(`roll-out of ${key} ${state === 'failed' ? 'failed' : 'was rolled back'}: ${message}`);
  }

  private save(key: string, rollout: Rollout): void {
    this.writes.add(key, () => this.options.files.save(rollout));
  }

  private drop(key: string, rollout: Rollout): void {
    this.rollouts.delete(key);
    this.writes.add(key, () => this.options.files.remove(rollout));
  }
}
