import type { Timer } from '@suite/shared/ports/index.ts';
import type { ScheduleObject } from '@suite/shared/wire/verwalter.ts';
import { fetchPeers } from '../adapters/cantal-client.ts';
import { closeConnections } from '../adapters/http-client.ts';
import { createSchedulerRunner } from '../adapters/lua/runner.ts';
import { Storage } from '../adapters/storage.ts';
import { CANTAL_POLL_MS } from '../config/defaults.ts';
import type { ElectionState } from '../core/election/state.ts';
import type { SchedulerRunner } from '../core/scheduler/engine.ts';
import { Actions } from './actions.ts';
import { ApplyLoop } from './apply-loop.ts';
import { ElectionLoop } from './election-loop.ts';
import { ExchangeLoop } from './exchange-loop.ts';
import { passToLeader } from './forward.ts';
import { Handover } from './handover.ts';
import { type Context, EXIT_CODE } from './options.ts';
import { SchedulerLoop } from './scheduler-loop.ts';
import { SharedState } from './shared-state.ts';

/** A start that cannot go on; `code` is the exit code. */
export class StartError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** One verwalter without its HTTP server: election, exchange, scheduler and rendering wired together. */
export class VerwalterNode {
  readonly context: Context;
  readonly shared = new SharedState();
  readonly storage: Storage;
  readonly election: ElectionLoop;
  readonly exchange: ExchangeLoop;
  readonly scheduler: SchedulerLoop;
  readonly apply: ApplyLoop;
  readonly actions: Actions;
  /** A reason to end the process with this exit code. */
  onFatal: (code: number, reason: string) => void = () => {};
  readonly #runner: SchedulerRunner;
  readonly #handover: Handover;
  #poll: Timer | undefined;
  #stopped = false;

  private constructor(
    context: Context,
    storage: Storage,
    remembered: { epoch: number; ballot: string | null },
  ) {
    this.context = context;
    this.storage = storage;
    this.actions = new Actions(context.ports.clock);
    this.election = new ElectionLoop(context, this.shared, storage, remembered);
    this.exchange = new ExchangeLoop(context, this.election, this.shared);
    this.#runner = createSchedulerRunner({ engine: context.options.engine });
    this.scheduler = new SchedulerLoop(context, this.election, this.shared, this.actions, this.#runner);
    this.apply = new ApplyLoop(context, this.shared, storage);
    this.#handover = new Handover(context, async (action, timeoutMs) => {
      if (this.election.isLeader) return this.actions.add(action) !== undefined;
      const taken = await passToLeader(this, '/v1/action', action, timeoutMs);
      return taken?.ok === true;
    });
    this.#wire();
  }

  /** Reads what the last run left and loads the scheduler. Throws StartError. */
  static async create(context: Context): Promise<VerwalterNode> {
    const storage = new Storage(context.options.storageDir, context.ports.disk);
    const note = (what: string) => (error: unknown) =>
      context.log.warn(`${what} in ${context.options.storageDir} is not usable`, { error });
    await storage.prepare().catch(note('the directory'));
    const remembered = await storage.loadBallot().catch(note('the ballot'));
    const node = new VerwalterNode(context, storage, remembered ?? { epoch: 0, ballot: null });
    const schedule = await storage.loadSchedule().catch(note('the schedule'));
    if (schedule) node.shared.remember(schedule, context.ports.clock.monotonicMs());
    const failure = await node.scheduler.prepare();
    if (failure === undefined) return node;
    await node.#runner.close();
    throw new StartError(EXIT_CODE.scheduler, `the scheduler cannot be loaded: ${failure}`);
  }

  /** Joins the cluster. Throws StartError when UDP cannot be bound. */
  async start(): Promise<void> {
    try {
      await this.election.start();
    } catch (error) {
      throw new StartError(
        EXIT_CODE.config,
        `UDP port ${this.context.options.port}: ${(error as Error).message}`,
      );
    }
    void this.#pollCantal();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#poll?.cancel();
    this.exchange.stop();
    this.scheduler.stop();
    this.election.stop();
    this.#handover.take(this.actions.drop());
    this.#handover.stop();
    await this.apply.stop();
    await this.#runner.close();
    closeConnections();
  }

  #wire(): void {
    this.election.onStep = was => this.#onElection(was);
    this.exchange.onAccept = schedule => this.#take(schedule);
    this.exchange.onParents = parents => this.scheduler.lead(parents);
    this.exchange.onLateParent = schedule => this.scheduler.addParent(schedule);
    this.scheduler.onPublish = schedule => {
      this.#take(schedule);
      this.election.announce();
    };
    this.scheduler.onStuck = () =>
      this.onFatal(EXIT_CODE.watchdog, 'no successful scheduler run for too long');
  }

  #take(schedule: ScheduleObject): void {
    this.context.log.info('new schedule', { hash: schedule.hash, origin: schedule.origin });
    this.shared.remember(schedule, this.context.ports.clock.monotonicMs());
    this.apply.submit(schedule);
  }

  #onElection(was: ElectionState): void {
    const { state } = this.election;
    const lost = was.phase.kind === 'leader' && (state.phase.kind !== 'leader' || state.epoch !== was.epoch);
    if (lost) {
      this.scheduler.stop();
      this.#handover.take(this.actions.drop());
      this.shared.dropLeaderData();
    }
    this.exchange.look();
    if (was.phase.kind !== state.phase.kind || was.epoch !== state.epoch) this.shared.changed();
  }

  /** A failed poll only lets the old list age. */
  async #pollCantal(): Promise<void> {
    const { clock } = this.context.ports;
    const startedMs = clock.monotonicMs();
    const answer = await fetchPeers(this.context.options.cantalUrl, this.context.options.machineId);
    if (this.#stopped) return;
    if ('error' in answer)
      this.shared.setError('cantal', `${this.context.options.cantalUrl}: ${answer.error}`);
    else {
      this.shared.setError('cantal', undefined);
      const before = this.#peersDigest();
      // The list is as old as the question: the answer may have been made then.
      this.shared.peersTimestampMs = clock.wallMs();
      this.election.table.update(answer.peers, startedMs, clock.wallMs());
      this.exchange.look();
      if (before !== this.#peersDigest()) this.shared.changed();
    }
    const restMs = Math.max(0, startedMs + CANTAL_POLL_MS - clock.monotonicMs());
    this.#poll = clock.after(restMs, () => void this.#pollCantal());
  }

  #peersDigest(): string {
    return [...(this.election.table.peers?.values() ?? [])]
      .map(peer => `${peer.id}${peer.responsive}`)
      .join();
  }
}
