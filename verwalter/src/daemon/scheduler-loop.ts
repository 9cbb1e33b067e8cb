import { join } from 'node:path';
import type { Timer } from '@suite/shared/ports/index.ts';
import type { ScheduleObject } from '@suite/shared/wire/verwalter.ts';
import { readLuaFiles, readRuntime, treeSignature } from '../adapters/config-tree.ts';
import { sha1 } from '../adapters/storage.ts';
import * as defaults from '../config/defaults.ts';
import { distinctSchedules, makeSchedule } from '../core/schedule/schedule.ts';
import type { Json, RunResult, SchedulerInput, SchedulerRunner } from '../core/scheduler/engine.ts';
import type { Actions } from './actions.ts';
import type { ElectionLoop } from './election-loop.ts';
import type { Context } from './options.ts';
import { buildInput, gatherMetrics, inputDigest } from './scheduler-input.ts';
import type { SharedState } from './shared-state.ts';

/** A larger schedule would be refused by every other node: better the old one for all than the new one for the leader alone. */
function withinLimit(result: RunResult): RunResult {
  if (!result.ok) return result;
  const sizeBytes = Buffer.byteLength(JSON.stringify(result.schedule));
  if (sizeBytes <= defaults.SCHEDULE_DATA_BYTES_MAX) return result;
  const error = `the schedule is larger than ${defaults.SCHEDULE_DATA_BYTES_MAX} bytes: ${sizeBytes}`;
  return { ok: false, error, debug: result.debug };
}

/**
 *   idle ──lead(parents)──▶ running rounds ──stop()──▶ idle
 *
 * One round: read changed files, gather the input, run the script, publish. Rounds never overlap. A failed round keeps the
 * last schedule and is repeated with the same parents.
 */
export class SchedulerLoop {
  /** A schedule was made that differs from the one before, or the first one of this leadership. */
  onPublish: (schedule: ScheduleObject) => void = () => {};
  /** Nothing good came out for so long that another node should try. */
  onStuck: () => void = () => {};
  readonly #context: Context;
  readonly #election: ElectionLoop;
  readonly #shared: SharedState;
  readonly #actions: Actions;
  readonly #runner: SchedulerRunner;
  readonly #schedulerDir: string;
  readonly #runtimeDir: string;
  #signatures = { lua: '', runtime: '' };
  #loadFailedMs: number | undefined;
  #runtime: Json = {};
  /** Parents of the next run; empty once a run has used them. */
  #parents: readonly ScheduleObject[] = [];
  #active = false;
  #busy = false;
  #hurry = false;
  #timer: Timer | undefined;
  #lastRunMs = Number.NEGATIVE_INFINITY;
  #lastGoodMs = 0;
  #lastDigest = '';

  constructor(
    context: Context,
    election: ElectionLoop,
    shared: SharedState,
    actions: Actions,
    runner: SchedulerRunner,
  ) {
    this.#context = context;
    this.#election = election;
    this.#shared = shared;
    this.#actions = actions;
    this.#runner = runner;
    this.#schedulerDir = join(context.options.configDir, 'scheduler', 'v1');
    this.#runtimeDir = join(context.options.configDir, 'runtime');
    actions.onAdd = () => this.wake();
  }

  /** First load, before there is any leader. Gives the error of a scheduler that cannot be loaded. */
  async prepare(): Promise<string | undefined> {
    await this.#reload();
    return this.#shared.errors.get('scheduler_load');
  }

  /** This node is a stable leader now. */
  lead(parents: readonly ScheduleObject[]): void {
    this.#parents = parents;
    this.#active = true;
    this.#lastGoodMs = this.#context.ports.clock.monotonicMs();
    this.#lastRunMs = Number.NEGATIVE_INFINITY;
    this.#lastDigest = '';
    this.wake();
  }

  addParent(schedule: ScheduleObject): void {
    if (!this.#active) return;
    const base =
      this.#parents.length === 0 && this.#shared.owned !== null ? [this.#shared.owned] : this.#parents;
    this.#parents = distinctSchedules([...base, schedule]);
    this.wake();
  }

  stop(): void {
    this.#active = false;
    this.#timer?.cancel();
    this.#parents = [];
  }

  /** Something changed that should not wait for the next regular round. */
  wake(): void {
    this.#hurry = true;
    if (!this.#busy) this.#schedule(0);
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    if (this.#active) this.#timer = this.#context.ports.clock.after(delayMs, () => void this.#round());
  }

  async #round(): Promise<void> {
    if (!this.#active || this.#busy) return;
    this.#busy = true;
    let retryMs: number = defaults.SCHEDULER_MIN_INTERVAL_MS;
    try {
      await this.#reload();
      const input = await this.#gather();
      if (this.#isDue(input) && !(await this.#run(input))) retryMs = defaults.SCHEDULER_RETRY_MS;
    } catch (error) {
      // Only our own mistakes arrive here; the leader goes on with the schedule it has.
      this.#shared.setError('scheduler', `internal: ${(error as Error).message}`);
    }
    this.#busy = false;
    if (
      this.#active &&
      this.#context.ports.clock.monotonicMs() - this.#lastGoodMs > defaults.SCHEDULER_WATCHDOG_MS
    ) {
      this.onStuck();
    }
    this.#schedule(this.#hurry ? 0 : retryMs);
  }

  /** Scripts and metadata are read again when a file has changed; a version that does not load leaves the old one in place. */
  async #reload(): Promise<void> {
    const lua = await treeSignature(this.#schedulerDir, 'lua').catch(error => `unreadable: ${error}`);
    const runtime = await treeSignature(this.#runtimeDir, 'metadata').catch(error => `unreadable: ${error}`);
    if (lua !== this.#signatures.lua || this.#loadAgainDue()) {
      const failure = await this.#loadScripts();
      this.#loadFailedMs = failure === undefined ? undefined : this.#context.ports.clock.monotonicMs();
      this.#shared.setError('scheduler_load', failure);
      this.#lastDigest = '';
    }
    if (runtime !== this.#signatures.runtime) {
      const { tree, problems } = await readRuntime(this.#runtimeDir).catch(error => ({
        tree: this.#runtime,
        problems: [String(error)],
      }));
      this.#runtime = tree;
      this.#shared.setError('runtime', problems.length > 0 ? problems.join('\n') : undefined);
      this.#lastDigest = '';
    }
    this.#signatures = { lua, runtime };
  }

  /** A load may fail because the machine was in trouble, not the script: it is tried again although no file changed. */
  #loadAgainDue(): boolean {
    if (this.#loadFailedMs === undefined) return false;
    return this.#context.ports.clock.monotonicMs() - this.#loadFailedMs >= defaults.SCHEDULER_MAX_INTERVAL_MS;
  }

  async #loadScripts(): Promise<string | undefined> {
    try {
      const files = await readLuaFiles(this.#schedulerDir);
      if (!files.has('main.lua')) return `${join(this.#schedulerDir, 'main.lua')} does not exist`;
      const loaded = await this.#runner.load(files);
      return loaded.ok ? undefined : loaded.error;
    } catch (error) {
      return (error as Error).message;
    }
  }

  async #gather(): Promise<SchedulerInput> {
    this.#hurry = false;
    const { owned } = this.#shared;
    const parents = this.#parents.length > 0 || owned === null ? this.#parents : [owned];
    const metrics = await gatherMetrics(this.#context, this.#election, parents[0]?.data ?? null);
    return buildInput(this.#context, this.#election, this.#shared, {
      parents: parents.map(parent => parent.data as Json),
      actions: this.#actions.snapshot(),
      runtime: this.#runtime,
      metrics,
    });
  }

  #isDue(input: SchedulerInput): boolean {
    const passedMs = this.#context.ports.clock.monotonicMs() - this.#lastRunMs;
    return passedMs >= defaults.SCHEDULER_MAX_INTERVAL_MS || inputDigest(input) !== this.#lastDigest;
  }

  async #run(input: SchedulerInput): Promise<boolean> {
    const { clock } = this.#context.ports;
    const { epoch } = this.#election.state;
    this.#lastRunMs = clock.monotonicMs();
    this.#shared.lastInput = input;
    const result = withinLimit(await this.#runner.run(input, defaults.SCHEDULER_DEADLINE_MS));
    if (!this.#active || this.#election.state.epoch !== epoch || !this.#election.isLeader) return false;
    this.#shared.counters.scheduling_time = Math.round(clock.monotonicMs() - this.#lastRunMs);
    this.#shared.count(result.ok ? 'scheduler_succeeded' : 'scheduler_failed');
    this.#shared.debugText = result.ok
      ? result.debug
      : `${result.debug}${result.debug === '' ? '' : '\n'}${result.error}`;
    this.#shared.setError('scheduler', result.ok ? undefined : result.error);
    if (!result.ok) return false;
    this.#lastGoodMs = clock.monotonicMs();
    this.#lastDigest = inputDigest(input);
    this.#publish(result.schedule, input);
    return true;
  }

  #publish(data: Readonly<Record<string, unknown>>, input: SchedulerInput): void {
    const { clock } = this.#context.ports;
    const schedule = makeSchedule(data, this.#context.options.machineId, clock.wallMs(), sha1);
    // Parents that came while the script ran have not been seen by it.
    const seen = new Set<unknown>(input.parents);
    const late = this.#parents.filter(parent => !seen.has(parent.data));
    this.#parents = late.length > 0 ? distinctSchedules([schedule, ...late]) : [];
    if (this.#shared.owned?.hash !== schedule.hash) {
      this.#shared.owned = schedule;
      this.onPublish(schedule);
    }
    this.#actions.consumed(Object.keys(input.actions));
    this.#shared.changed();
  }
}
