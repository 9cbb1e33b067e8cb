import type { Timer } from '@suite/shared/ports/index.ts';
import type { RoleState, ScheduleObject } from '@suite/shared/wire/verwalter.ts';
import { type Applied, type ApplyMemory, applySchedule } from '../adapters/render/apply.ts';
import type { Storage } from '../adapters/storage.ts';
import { ROLE_RETRY_MAX_MS, ROLE_RETRY_MIN_MS, STORAGE_RETRY_MS } from '../config/defaults.ts';
import type { Context } from './options.ts';
import type { SharedState } from './shared-state.ts';

const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 24;

/**
 * Renders schedules one after another. The slot holds one schedule, the newest: three schedules that arrive during a rendering make
 * one more rendering. Roles that failed are tried again with a growing pause, although nothing has changed.
 */
export class ApplyLoop {
  readonly #context: Context;
  readonly #shared: SharedState;
  readonly #storage: Storage;
  #slot: ScheduleObject | undefined;
  #current: ScheduleObject | undefined;
  #appliedHash: string | undefined;
  /** What each role was applied with; a forced rendering starts with none. */
  #memory: ApplyMemory = new Map();
  #busy: Promise<void> | undefined;
  #attempts = 0;
  #retry: Timer | undefined;
  #saveAgain: Timer | undefined;
  #stopped = false;

  constructor(context: Context, shared: SharedState, storage: Storage) {
    this.#context = context;
    this.#shared = shared;
    this.#storage = storage;
  }

  /** The schedule that was rendered last, or is being rendered. */
  get current(): ScheduleObject | undefined {
    return this.#current;
  }

  submit(schedule: ScheduleObject): void {
    if (this.#slot === undefined && schedule.hash === this.#current?.hash) {
      // Another leader made the same: nothing to render, but the file should name the new origin.
      void this.#save(schedule);
      return;
    }
    this.#slot = schedule;
    this.#attempts = 0;
    this.#start();
  }

  /** Renders the last schedule again, changed or not; nothing happens when there was none since the start. */
  force(): void {
    this.#slot ??= this.#current;
    this.#memory = new Map();
    this.#start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    this.#saveAgain?.cancel();
    await this.#busy;
  }

  #start(): void {
    this.#retry?.cancel();
    if (this.#busy !== undefined || this.#stopped) return;
    this.#busy = this.#work().finally(() => {
      this.#busy = undefined;
    });
  }

  async #work(): Promise<void> {
    for (let next = this.#slot; next !== undefined && !this.#stopped; next = this.#slot) {
      this.#slot = undefined;
      this.#current = next;
      await this.#save(next);
      const roles = await this.#apply(next);
      this.#appliedHash = next.hash;
      this.#attempts = roles.every(role => role.ok) ? 0 : this.#attempts + 1;
      this.#shared.roles = this.#withRetry(roles);
      this.#shared.changed();
      await this.#storage
        .addToHistory(this.#context.ports.clock.wallMs())
        .catch(error => this.#storageFailed(error));
    }
    if (this.#attempts > 0 && !this.#stopped) this.#armRetry();
  }

  async #apply(schedule: ScheduleObject): Promise<RoleState[]> {
    const { options, ports } = this.#context;
    const startedMs = ports.clock.monotonicMs();
    const done = await applySchedule({
      schedule,
      previousHash: this.#appliedHash,
      hostname: options.hostname,
      configDir: options.configDir,
      logDir: options.logDir,
      dryRun: options.dryRun,
      proc: ports.proc,
      disk: ports.disk,
      clock: ports.clock,
      deploymentId: this.#deploymentId(),
      memory: this.#memory,
      ...(schedule.origin === options.machineId &&
        this.#shared.debugText !== null && { debug: this.#shared.debugText }),
    }).catch(
      (error: Error): Applied => ({
        roles: [{ name: '(all)', ok: false, error: error.message, changed: false, durationMs: 0 }],
      }),
    );
    this.#shared.setError('log', done.logError);
    this.#shared.count('applied');
    this.#shared.counters.apply_time = Math.round(ports.clock.monotonicMs() - startedMs);
    const before = new Map(this.#shared.roles.map(role => [role.name, role]));
    return done.roles.map(({ durationMs, ...role }) => ({
      ...role,
      duration_ms: Math.round(durationMs),
      finished_at: ports.clock.wallMs(),
      attempts: role.ok ? 0 : (before.get(role.name)?.attempts ?? 0) + 1,
      retry_at: null,
    }));
  }

  #delayMs(): number {
    return Math.min(ROLE_RETRY_MAX_MS, ROLE_RETRY_MIN_MS * 2 ** Math.min(this.#attempts - 1, 16));
  }

  #withRetry(roles: readonly RoleState[]): RoleState[] {
    const retryAt = this.#context.ports.clock.wallMs() + this.#delayMs();
    return roles.map(role => (role.ok ? role : { ...role, retry_at: retryAt }));
  }

  #armRetry(): void {
    this.#retry = this.#context.ports.clock.after(this.#delayMs(), () => {
      this.#slot ??= this.#current;
      this.#start();
    });
  }

  async #save(schedule: ScheduleObject): Promise<void> {
    try {
      await this.#storage.saveSchedule(schedule);
      this.#shared.setError('storage', undefined);
    } catch (error) {
      this.#storageFailed(error);
    }
  }

  #storageFailed(error: unknown): void {
    this.#shared.setError('storage', (error as Error).message);
    this.#saveAgain?.cancel();
    this.#saveAgain = this.#context.ports.clock.after(STORAGE_RETRY_MS, () => {
      if (!this.#stopped && this.#current !== undefined) void this.#save(this.#current);
    });
    this.#context.log.warn('the storage directory cannot be written', { error });
  }

  #deploymentId(): string {
    const { random } = this.#context.ports;
    return Array.from({ length: ID_LENGTH }, () => ID_LETTERS[random.between(0, ID_LETTERS.length)]).join('');
  }
}
