// Carries out what the state machines of the instances ask for. One table maps each effect to what does it.
import type { Logger } from '@suite/shared/cli/log.ts';
import type { Clock, Timer } from '@suite/shared/ports/index.ts';
import type { Containers } from '../adapters/containers.ts';
import type { ExitWatch } from '../adapters/exits.ts';
import type { RunRecord } from '../adapters/records.ts';
import type { DesiredInstance } from '../core/desired/types.ts';
import { adoptedInstance, freshInstance, step } from '../core/instance/machine.ts';
import type { Effect, Event, Instance, Run } from '../core/instance/types.ts';
import { type Action, type Known, plan } from '../core/plan/plan.ts';
import { describeExit } from '../core/restart/restart.ts';
import { LiveRuns } from './live-runs.ts';
import type { Report } from './observer.ts';
import { WorkQueues } from './work-queues.ts';

export interface SupervisorOptions {
  readonly containers: Containers;
  readonly exits: ExitWatch;
  readonly clock: Clock;
  readonly log: Logger;
  /** Something that lithos_ps shows has changed. */
  readonly onChange: () => void;
}

type EffectOf<K extends Effect['kind']> = Extract<Effect, { kind: K }>;
type Executors = { readonly [K in Effect['kind']]: (name: string, effect: EffectOf<K>) => void };

export class Supervisor {
  private readonly options: SupervisorOptions;
  private readonly instances = new Map<string, Instance>();
  private readonly live: LiveRuns;
  private readonly timers = new Map<string, Timer>();
  private readonly queues: WorkQueues;
  private readonly executors: Executors;
  /** Found on disk and not decided about yet. */
  private readonly found = new Set<string>();
  private readonly firstFreeRun = new Map<string, number>();
  private whenEmpty: (() => void) | undefined;
  private stopping = false;

  constructor(options: SupervisorOptions) {
    this.options = options;
    this.executors = {
      start: (name, { run, desired }) => this.queues.add(name, () => this.start(name, run, desired)),
      terminate: (name, { pid }) => this.terminate(name, pid),
      kill: (name, { run, pid }) => this.kill(name, run, pid),
      wake: (name, { event, atMs }) => this.wake(name, event, atMs),
      discard: (name, { run }) =>
        this.queues.add(name, () => this.options.containers.discard(name, run.number)),
      forget: name => this.queues.add(name, () => this.forget(name)),
    };
    const { exits, clock, log, onChange } = options;
    this.queues = new WorkQueues((name, error) => log.error(`${name}: ${error.message}`));
    this.live = new LiveRuns({
      exits,
      clock,
      log,
      onEnd: (name, code, outOfMemory) => this.exited(name, code, outOfMemory),
      onMonitorLost: onChange,
    });
  }

  all(): readonly Instance[] {
    return [...this.instances.values()].filter(instance => instance.state.kind !== 'gone');
  }

  pidOf(name: string): number | undefined {
    return this.live.get(name)?.pid;
  }

  /** Why a running instance is not quite well. */
  monitorLost(name: string): boolean {
    return this.live.get(name)?.monitorLost ?? false;
  }

  /** What an earlier supervisor left; stays untouched until `apply` says what becomes of it. */
  adopt(record: RunRecord, id: string, monitorPidFile: string): void {
    const { clock } = this.options;
    const agoMs = Math.max(0, clock.wallMs() - record.startedWallMs);
    const run: Run = {
      number: record.run,
      identity: record.identity,
      stop: { signal: 'SIGTERM', timeoutMs: record.killTimeoutMs, hook: [] },
      normalExitCodes: record.normalExitCodes,
      startedMs: clock.monotonicMs() - agoMs,
    };
    const { name, pid, processStart, restarts, failures } = record;
    const lastExit = record.lastExit ?? undefined;
    this.live.set(name, { run: run.number, id, pid, processStart, monitorPidFile });
    const nextRun = Math.max(run.number + 1, this.firstFreeRun.get(name) ?? 1);
    this.instances.set(name, adoptedInstance({ name, run, nextRun, pid, restarts, failures, lastExit }));
    this.found.add(name);
  }

  /** A monitor may still leave an exit file for this run of an earlier supervisor: its number is not used again. */
  reserveRun(name: string, run: number): void {
    this.firstFreeRun.set(name, Math.max(run + 1, this.firstFreeRun.get(name) ?? 1));
  }

  /** What the plan would be; nothing is done. */
  plan(desired: ReadonlyMap<string, DesiredInstance>): Action[] {
    const identities = new Map([...desired].map(([name, instance]) => [name, instance.identity]));
    const known = new Map(
      this.all().map((instance): [string, Known] => {
        const { state } = instance;
        const identity = state.kind === 'waiting' || state.kind === 'gone' ? undefined : state.run.identity;
        return [instance.name, { identity, supervised: !this.found.has(instance.name) }];
      }),
    );
    return plan(identities, known);
  }

  /** Brings what runs to what is desired; touches only what differs. */
  apply(desired: ReadonlyMap<string, DesiredInstance>): Action[] {
    if (this.stopping) return [];
    const actions = this.plan(desired);
    for (const { kind, name } of actions) {
      const wanted = desired.get(name);
      if (wanted === undefined) this.dispatch(name, { kind: 'removed' });
      else if (kind === 'start') this.begin(wanted);
      else this.dispatch(name, { kind: 'configured', desired: wanted });
    }
    this.found.clear();
    this.live.checkAll();
    this.prepareNext();
    return actions;
  }

  /** TERM to all, KILL after each one's kill-timeout; resolves when nothing is left. Nothing is started any more. */
  async stopAll(): Promise<void> {
    this.stopping = true;
    for (const { name } of this.all()) this.dispatch(name, { kind: 'removed' });
    while (this.all().length > 0) {
      await new Promise<void>(resolve => {
        this.whenEmpty = resolve;
      });
    }
    await this.queues.idle();
  }

  /** Waits for starts that are under way, at most `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    const limit = new Promise<void>(resolve => this.options.clock.after(limitMs, resolve));
    await Promise.race([this.queues.idle(), limit]);
  }

  /** How an observer tells what it has seen. */
  readonly report: Report = (name, run, seen) => {
    const state = this.instances.get(name)?.state;
    if (state !== undefined && 'run' in state && state.run.number === run) this.dispatch(name, seen);
  };

  /** See LiveRuns; called on a timer. */
  checkPids(): void {
    this.live.checkPids();
  }

  /** See LiveRuns. */
  reaped(pid: number, code: number): void {
    this.live.reaped(pid, code);
  }

  private begin(desired: DesiredInstance): void {
    const before = this.instances.get(desired.name);
    const nextRun = Math.max(before?.nextRun ?? 1, this.firstFreeRun.get(desired.name) ?? 1);
    this.instances.set(desired.name, freshInstance(desired, nextRun, this.options.clock.monotonicMs()));
    this.dispatch(desired.name, { kind: 'due' });
  }

  private dispatch(name: string, event: Event): void {
    const instance = this.instances.get(name);
    if (instance === undefined) return;
    const next = step(instance, event, this.options.clock.monotonicMs());
    this.instances.set(name, next.instance);
    if (next.instance.state.kind === 'running' || next.instance.state.kind === 'gone') this.clearTimer(name);
    for (const effect of next.effects)
      (this.executors[effect.kind] as (name: string, effect: Effect) => void)(name, effect);
    this.options.onChange();
  }

  private async start(name: string, run: Run, desired: DesiredInstance): Promise<void> {
    const { containers, log } = this.options;
    const files = containers.files(name, run.number);
    try {
      const started = await containers.start(this.instances.get(name) as Instance, run, desired);
      this.live.set(name, {
        run: run.number,
        id: files.id,
        monitorPidFile: files.monitorPidFile,
        ...started,
      });
      log.warn(`${name} started`, { pid: started.pid, run: run.number });
      this.dispatch(name, { kind: 'started', pid: started.pid });
      this.live.checkExit(name);
    } catch (error) {
      const { message } = error as Error;
      log.error(`${name} could not be started: ${message}`);
      // Whatever cannot be cleared away now is met by the next start; the instance must not stay `starting` for ever.
      await containers
        .discardIncomplete(name, run.number)
        .catch((problem: Error) => log.error(`${name}: ${problem.message}`));
      this.dispatch(name, { kind: 'failed', message });
    }
  }

  private exited(name: string, code: number | null, outOfMemory: boolean): void {
    this.dispatch(name, { kind: 'exited', code, outOfMemory });
    const last = this.instances.get(name)?.lastExit;
    if (last !== undefined)
      this.options.log[last.requested ? 'warn' : 'error'](`${name} ${describeExit(last)}`);
    // Behind the start of the next run, which it must not delay.
    this.queues.add(name, () => this.prepare(name));
  }

  private terminate(name: string, pid: number): void {
    const live = this.live.get(name);
    if (live === undefined) return;
    this.options.log.info(`${name}: TERM`, { pid });
    this.options.containers.terminate(pid, live.processStart).catch((error: Error) => {
      this.options.log.error(`${name}: ${error.message}`);
    });
  }

  private kill(name: string, run: Run, pid: number): void {
    const live = this.live.get(name);
    this.options.log.error(`${name} did not end within ${run.stop.timeoutMs / 1000} s: KILL`);
    // Not in the queue: it must act on a container whatever else is going on with its files.
    this.options.containers.kill(name, pid, live?.processStart ?? '').catch((error: Error) => {
      this.options.log.error(`${name}: ${error.message}`);
    });
  }

  private clearTimer(name: string): void {
    this.timers.get(name)?.cancel();
    this.timers.delete(name);
  }

  private wake(name: string, event: 'due' | 'deadline', atMs: number): void {
    this.clearTimer(name);
    const delayMs = Math.max(0, atMs - this.options.clock.monotonicMs());
    this.timers.set(
      name,
      this.options.clock.after(delayMs, () => this.dispatch(name, { kind: event })),
    );
  }

  private async forget(name: string): Promise<void> {
    // Whatever cannot be removed must not keep the supervisor from ending.
    await this.options.containers
      .forget(name)
      .catch((error: Error) => this.options.log.error(`${name}: ${error.message}`));
    if (this.instances.get(name)?.state.kind === 'gone') this.instances.delete(name);
    this.options.onChange();
    if (this.all().length === 0) this.whenEmpty?.();
  }

  /** Bundles of the next runs, with the configuration as it is now. */
  private prepareNext(): void {
    for (const { name } of this.all()) this.queues.add(name, () => this.prepare(name));
  }

  private async prepare(name: string): Promise<void> {
    const instance = this.instances.get(name);
    if (this.stopping || instance?.desired === undefined || instance.state.kind === 'gone') return;
    // What is missing now is reported when the start needs it; it may be there by then.
    await this.options.containers.prepare(instance.desired, instance.nextRun).catch(() => undefined);
  }
}
