// Carries out what the state machines of the instances ask for. One table maps each effect to what does it.
import type { Logger } from '@suite/shared/cli/log.ts';
import type { Clock, Disk, Timer } from '@suite/shared/ports/index.ts';
import type { Containers } from '../adapters/containers.ts';
import type { ExitWatch } from '../adapters/exits.ts';
import type { StdioLogs } from '../adapters/logs/stdio-logs.ts';
import type { Lost } from '../adapters/logs/take-over.ts';
import type { HostPaths } from '../adapters/paths.ts';
import { type RestRecord, saveRest } from '../adapters/rest.ts';
import type { DesiredInstance } from '../core/desired/types.ts';
import { freshInstance } from '../core/instance/beginnings.ts';
import { currentRun, isReady } from '../core/instance/facts.ts';
import { step } from '../core/instance/machine.ts';
import type { Effect, Event, HoldReason, Instance, Run, StopOrder } from '../core/instance/types.ts';
import { type Action, type Known, plan } from '../core/plan/plan.ts';
import { describeExit } from '../core/restart/exit.ts';
import { fromRecord, fromRest, type LeftRunning, toRest } from './adopt.ts';
import { Endings } from './endings.ts';
import { LiveRuns } from './live-runs.ts';
import type { MakeObserver, Observer, Report } from './observer.ts';
import { StartOrder } from './start-order.ts';
import { WorkQueues } from './work-queues.ts';

export interface SupervisorOptions {
  readonly containers: Containers;
  readonly exits: ExitWatch;
  readonly logs: StdioLogs;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly paths: HostPaths;
  readonly log: Logger;
  /** Absent: everything is ready as soon as it runs, and hooks are skipped. */
  readonly makeObserver?: MakeObserver;
  /** Something that lithos_ps shows has changed. */
  readonly onChange: () => void;
  /** Every event that reached an instance, whatever came of it. */
  readonly onStep: (before: Instance, after: Instance, event: Event['kind']) => void;
}

type EffectOf<K extends Effect['kind']> = Extract<Effect, { kind: K }>;
type Executors = { readonly [K in Effect['kind']]: (name: string, effect: EffectOf<K>) => void };

export class Supervisor {
  private readonly options: SupervisorOptions;
  private readonly instances = new Map<string, Instance>();
  private readonly live: LiveRuns;
  readonly order: StartOrder;
  private readonly timers = new Map<string, Timer>();
  private readonly queues: WorkQueues;
  private readonly executors: Executors;
  private readonly observer: Observer | undefined;
  /** What the current run of each was started with, as far as we know. */
  private readonly startedWith = new Map<string, DesiredInstance>();
  /** Found on disk and not decided about yet. */
  private readonly found = new Set<string>();
  /** Stops that an earlier supervisor had begun. */
  private readonly stopOrders = new Map<string, StopOrder>();
  private readonly firstFreeRun = new Map<string, number>();
  /** Resolves waiting for the next change of anything. */
  private whenChanged: (() => void)[] = [];
  private stopping = false;

  constructor(options: SupervisorOptions) {
    this.options = options;
    const { exits, clock, log, onChange } = options;
    this.queues = new WorkQueues(clock, (name, error) => log.error(`${name}: ${error.message}`));
    this.live = new LiveRuns({
      exits,
      clock,
      log,
      onEnd: (name, code, outOfMemory) => this.exited(name, code, outOfMemory),
      onMonitorLost: name => {
        options.logs.monitorGone(name);
        onChange();
      },
    });
    this.order = new StartOrder({
      clock,
      instances: () => (this.stopping ? [] : this.all()),
      release: name => this.dispatch(name, { kind: 'released', next: null }),
    });
    this.observer = options.makeObserver?.(this.report);
    const endings = new Endings({ ...options, live: this.live, observer: this.observer });
    this.executors = {
      start: (name, { run, desired }) => {
        options.containers.expectStart();
        this.startedWith.set(name, desired);
        this.queues.add(name, () => this.start(name, run, desired));
      },
      observe: (name, { run, desired, pid, ready }) => {
        this.startedWith.set(name, desired);
        this.observer?.observe(name, desired, run, pid, ready);
      },
      unobserve: (name, { run }) => {
        this.startedWith.delete(name);
        this.observer?.unobserve(name, run);
      },
      'note-ready': (name, { run, ready }) =>
        this.queues.add(name, () => this.options.containers.noteReady(name, run.number, ready)),
      'note-stop': (name, { run, order }) =>
        this.queues.add(name, () => this.options.containers.noteStop(name, run.number, order)),
      hook: (name, { run }) => {
        const desired = this.startedWith.get(name);
        endings.hook(name, run, desired, () => this.report(name, run.number, { kind: 'hook-done' }));
      },
      terminate: (name, { pid, signal }) => endings.terminate(name, pid, signal),
      kill: (name, { run, pid }) => endings.kill(name, run, pid),
      wake: (name, { event, atMs }) => this.wake(name, event, atMs),
      rest: name => this.rest(name),
      discard: (name, { run }) =>
        this.queues.addCalm(name, () => this.options.containers.discard(name, run.number)),
      forget: name => this.queues.add(name, () => this.forget(name)),
    };
  }

  all(): readonly Instance[] {
    return [...this.instances.values()].filter(instance => instance.state.kind !== 'gone');
  }

  get(name: string): Instance | undefined {
    const instance = this.instances.get(name);
    return instance?.state.kind === 'gone' ? undefined : instance;
  }

  pidOf(name: string): number | undefined {
    return this.live.get(name)?.pid;
  }

  /** Why a running instance is not quite well. */
  monitorLost(name: string): boolean {
    return this.live.get(name)?.monitorLost ?? false;
  }

  /** What its program says of itself. */
  saysOf(name: string): string | undefined {
    return this.observer?.statusOf(name);
  }

  /** Output of it that no disk took. */
  lostOf(name: string): Lost {
    return this.options.logs.lostOf(name);
  }

  /** What an earlier supervisor left; stays untouched until `apply` says what becomes of it. */
  adopt({ record, files, readySinceWallMs, stopOrder }: LeftRunning): void {
    const { name, pid, processStart, run } = record;
    this.live.set(name, { run, id: files.id, pid, processStart, monitorPidFile: files.monitorPidFile });
    const free = this.firstFreeRun.get(name) ?? 1;
    this.instances.set(name, fromRecord(this.options.clock, record, readySinceWallMs, free));
    this.found.add(name);
    if (stopOrder !== undefined) this.stopOrders.set(name, stopOrder);
  }

  /** As `adopt`, for what does not run. */
  adoptRest(rest: RestRecord): void {
    const free = this.firstFreeRun.get(rest.name) ?? 1;
    this.instances.set(rest.name, fromRest(this.options.clock, rest, free));
    this.found.add(rest.name);
    this.stopOrders.delete(rest.name);
  }

  /** A monitor may still leave an exit file for this run of an earlier supervisor: its number is not used again. */
  reserveRun(name: string, run: number): void {
    this.firstFreeRun.set(name, Math.max(run + 1, this.firstFreeRun.get(name) ?? 1));
  }

  /** What the plan would be; nothing is done. */
  plan(desired: ReadonlyMap<string, DesiredInstance>): Action[] {
    const identities = new Map([...desired].map(([name, instance]) => [name, instance.identity]));
    const known = new Map(
      this.all().map((instance): [string, Known] => [
        instance.name,
        { identity: currentRun(instance)?.identity, supervised: !this.found.has(instance.name) },
      ]),
    );
    return plan(identities, known);
  }

  /** Brings what runs to what is desired; touches only what differs. `held`: names that are made and wait for `release`. */
  apply(
    desired: ReadonlyMap<string, DesiredInstance>,
    { held }: { readonly held: ReadonlySet<string> } = { held: new Set() },
  ): Action[] {
    if (this.stopping) return [];
    const actions = this.plan(desired);
    for (const { name } of actions) {
      const wanted = desired.get(name);
      if (wanted === undefined) this.dispatch(name, { kind: 'removed' });
      else this.configure(wanted, held.has(name) ? 'roll-out' : undefined);
    }
    for (const [name, order] of this.stopOrders) this.dispatch(name, order);
    this.stopOrders.clear();
    // What was found may have ended while nobody watched; the others are watched.
    if (this.found.size > 0) this.live.checkAll();
    this.found.clear();
    this.order.look();
    return actions;
  }

  /** One instance, at once: made if there is none, else told; `hold` keeps a new one from starting yet. */
  configure(desired: DesiredInstance, hold?: HoldReason): void {
    if (this.stopping) return;
    const before = this.get(desired.name);
    if (before === undefined) {
      this.begin(desired, hold);
      return;
    }
    // The very same: neither the machine nor the bundle that is ready for its next run is touched.
    if (before.desired !== undefined && JSON.stringify(before.desired) === JSON.stringify(desired)) return;
    this.dispatch(desired.name, { kind: 'configured', desired });
    this.queues.add(desired.name, () => this.prepare(desired.name));
  }

  /** It is not wanted any more. */
  retire(name: string): void {
    this.dispatch(name, { kind: 'removed' });
  }

  /** Lets one that a roll-out holds start, if its `after:` is fulfilled too. */
  release(name: string): void {
    const desired = this.get(name)?.desired;
    const next = desired === undefined || this.order.mayStart(desired) ? null : 'after';
    this.dispatch(name, { kind: 'released', next });
    this.order.look();
  }

  /** An operator's verb: stop and start again. False when there is no such instance. */
  restart(name: string): boolean {
    return this.tell(name, { kind: 'restart' });
  }

  /** An operator's verb: a failed one, or one in back-off, starts at once. False when there is no such instance. */
  clear(name: string): boolean {
    return this.tell(name, { kind: 'clear' });
  }

  /** Nothing is started any more. */
  beginShutdown(): void {
    this.stopping = true;
  }

  /** For a shutdown whose time is up. */
  killNow(name: string): void {
    const state = this.get(name)?.state;
    if (state?.kind === 'stopping' && state.phase !== 'kill') this.dispatch(name, { kind: 'deadline' });
  }

  /** Resolves at the next change of any instance. */
  async nextChange(): Promise<void> {
    await new Promise<void>(resolve => this.whenChanged.push(resolve));
  }

  /** Waits for starts that are under way, at most `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    const limit = new Promise<void>(resolve => this.options.clock.after(limitMs, resolve));
    await Promise.race([this.queues.idle(), limit]);
  }

  /** How an observer tells what it has seen. */
  readonly report: Report = (name, run, seen) => {
    const instance = this.instances.get(name);
    if (instance !== undefined && currentRun(instance)?.number === run) this.dispatch(name, seen);
  };

  /** See LiveRuns; called on a timer. */
  glance(): void {
    this.live.glance();
  }

  /** See LiveRuns. */
  reaped(pid: number, code: number): void {
    this.live.reaped(pid, code);
  }

  private tell(name: string, event: Event): boolean {
    if (this.stopping || this.get(name) === undefined) return false;
    this.dispatch(name, event);
    return true;
  }

  private begin(desired: DesiredInstance, hold?: HoldReason): void {
    const { name } = desired;
    const nextRun = Math.max(this.instances.get(name)?.nextRun ?? 1, this.firstFreeRun.get(name) ?? 1);
    const why = hold ?? (desired.after.length > 0 ? 'after' : undefined);
    this.instances.set(name, freshInstance(desired, nextRun, this.options.clock.monotonicMs(), why));
    this.dispatch(name, { kind: 'due' });
  }

  private dispatch(name: string, event: Event): void {
    const before = this.instances.get(name);
    if (before === undefined) return;
    const { instance, effects } = step(before, event, this.options.clock.monotonicMs());
    this.instances.set(name, instance);
    this.options.onStep(before, instance, event.kind);
    // A deadline or start time belongs to the state in which it was set.
    if (instance.state.kind !== before.state.kind) this.clearTimer(name);
    for (const effect of effects)
      (this.executors[effect.kind] as (name: string, effect: Effect) => void)(name, effect);
    if (isReady(instance) !== isReady(before) || instance.state.kind === 'gone') this.order.look();
    this.changed();
  }

  private changed(): void {
    this.options.onChange();
    const waiting = this.whenChanged;
    this.whenChanged = [];
    for (const resolve of waiting) resolve();
  }

  private async start(name: string, run: Run, desired: DesiredInstance): Promise<void> {
    const { containers, log } = this.options;
    const { id, monitorPidFile } = containers.files(name, run.number);
    try {
      const started = await containers.start(this.instances.get(name) as Instance, run, desired);
      this.live.set(name, { run: run.number, id, monitorPidFile, ...started });
      log.warn(`${name} started`, { pid: started.pid, run: run.number });
      this.dispatch(name, { kind: 'started', pid: started.pid });
      this.live.checkExit(name);
      this.queues.addCalm(name, () => this.prepare(name));
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
    if (!this.stopping && this.get(name)?.desired !== undefined) this.options.containers.expectStart();
    this.dispatch(name, { kind: 'exited', code, outOfMemory });
    const { lastExit, state, problem } = this.instances.get(name) as Instance;
    this.options.logs.ended(name, lastExit === undefined ? 'ended' : describeExit(lastExit));
    if (lastExit !== undefined)
      this.options.log[lastExit.requested ? 'warn' : 'error'](`${name} ${describeExit(lastExit)}`);
    if (state.kind === 'failed') this.options.log.error(`${name} has failed and stays down: ${problem}`);
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

  private rest(name: string): void {
    const { clock, disk, paths } = this.options;
    const record = toRest(clock, this.instances.get(name) as Instance);
    if (record !== undefined) this.queues.add(name, () => saveRest(disk, paths, record));
  }

  private async forget(name: string): Promise<void> {
    // Whatever cannot be removed must not keep the supervisor from ending.
    await this.options.containers
      .forget(name)
      .catch((error: Error) => this.options.log.error(`${name}: ${error.message}`));
    if (this.instances.get(name)?.state.kind === 'gone') this.instances.delete(name);
    this.changed();
  }

  /** The bundle of the next run, with the configuration as it is now: it must not cost the restart any time. */
  private async prepare(name: string): Promise<void> {
    const instance = this.get(name);
    if (this.stopping || instance?.desired === undefined) return;
    // What is missing now is reported when the start needs it; it may be there by then.
    await this.options.containers.prepare(instance.desired, instance.nextRun).catch(() => undefined);
  }
}
