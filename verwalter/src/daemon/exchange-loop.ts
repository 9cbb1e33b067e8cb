import type { Timer } from '@suite/shared/ports/index.ts';
import {
  type FetchState,
  SCHEDULE_BYTES_MAX,
  type ScheduleObject,
  type ScheduleStatus,
} from '@suite/shared/wire/verwalter.ts';
import { urlHost } from '../adapters/cantal-client.ts';
import { fetchJson } from '../adapters/http-client.ts';
import { sha1 } from '../adapters/storage.ts';
import * as defaults from '../config/defaults.ts';
import {
  type ExchangeEffect,
  type ExchangeEvent,
  type ExchangeSettings,
  type ExchangeState,
  type ExchangeView,
  exchange,
  fetchState,
  scheduleStatus,
} from '../core/exchange/exchange.ts';
import { readSchedule } from '../core/schedule/schedule.ts';
import type { ElectionLoop } from './election-loop.ts';
import type { Context } from './options.ts';
import type { SharedState } from './shared-state.ts';

/** How often a state that waits for time to pass is looked at; packets make it look earlier. */
const LOOK_MS = 100;
const NO_PEERS: ExchangeView['peers'] = new Map();

/** Runs the exchange core: fetches over HTTP, hands accepted schedules and parents on. */
export class ExchangeLoop {
  state: ExchangeState = { kind: 'unstable' };
  /** The leader's schedule has arrived here. */
  onAccept: (schedule: ScheduleObject) => void = () => {};
  /** This node is a stable leader; what the first run gets as parents. */
  onParents: (schedules: readonly ScheduleObject[]) => void = () => {};
  onLateParent: (schedule: ScheduleObject) => void = () => {};
  readonly #context: Context;
  readonly #election: ElectionLoop;
  readonly #shared: SharedState;
  readonly #settings: ExchangeSettings;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(context: Context, election: ElectionLoop, shared: SharedState) {
    this.#context = context;
    this.#election = election;
    this.#shared = shared;
    this.#settings = {
      times: {
        settleMs: defaults.PREFETCH_SETTLE_MS,
        maxMs: defaults.PREFETCH_MAX_MS,
        retryMinMs: defaults.FETCH_RETRY_MIN_MS,
        retryMaxMs: defaults.FETCH_RETRY_MAX_MS,
        voteMs: defaults.ELECTION.electingMaxMs,
      },
      random: election.settings.random,
    };
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  view(): ExchangeView {
    const { clock } = this.#context.ports;
    return {
      nowMs: clock.monotonicMs(),
      self: this.#election.settings.self,
      phase: this.#election.state.phase,
      epoch: this.#election.state.epoch,
      peers: this.#election.table.peers ?? NO_PEERS,
      known: this.#shared.known,
    };
  }

  /** To be called after every election step and every peer list. */
  look(): void {
    this.#step({ type: 'look' });
  }

  get fetchState(): FetchState {
    return fetchState(this.state, this.view());
  }

  get scheduleStatus(): ScheduleStatus {
    return scheduleStatus(this.state, this.view());
  }

  /** Hash accepted under the present leader, or made as leader. */
  get stableHash(): string | null {
    if (this.state.kind === 'replicating') return this.state.stable;
    return this.#shared.owned?.hash ?? null;
  }

  #step(event: ExchangeEvent): void {
    if (this.#stopped) return;
    const was = this.state;
    const { state, effects } = exchange(this.#settings, was, event, this.view());
    this.state = state;
    this.#arm();
    if (was.kind !== state.kind) {
      this.#context.log.info(`schedule exchange: ${was.kind} -> ${state.kind}`);
      this.#shared.changed();
    }
    for (const effect of effects) this.#perform(effect);
  }

  #arm(): void {
    const { clock } = this.#context.ports;
    const aside = this.state.kind === 'unstable' ? [] : [...this.state.asideUntilMs.values()];
    const waits = this.state.kind === 'prefetching' || aside.some(untilMs => untilMs > clock.monotonicMs());
    this.#timer?.cancel();
    this.#timer = waits ? clock.after(LOOK_MS, () => this.look()) : undefined;
  }

  #perform(effect: ExchangeEffect): void {
    switch (effect.type) {
      case 'fetch':
        void this.#fetch(effect.peer, effect.hash);
        break;
      case 'parents':
        this.onParents(effect.schedules);
        break;
      case 'lateParent':
        this.#context.log.info('a part of the cluster came back with its own schedule', {
          origin: effect.schedule.origin,
        });
        this.onLateParent(effect.schedule);
        break;
      case 'accept':
        this.onAccept(effect.schedule);
        break;
    }
  }

  async #fetch(peer: string, hash: string): Promise<void> {
    const address = this.#election.table.get(peer)?.report.address;
    const timeoutMs =
      this.state.kind === 'prefetching' ? defaults.PREFETCH_REQUEST_MS : defaults.FETCH_TIMEOUT_MS;
    if (address === null || address === undefined)
      return this.#failed(peer, hash, 'its address is unknown', false);
    const url = `http://${urlHost(address)}:${this.#context.options.port}/v1/schedule/${hash}`;
    const answer = await fetchJson(url, { timeoutMs, maxBytes: SCHEDULE_BYTES_MAX });
    if (!answer.ok) return this.#failed(peer, hash, answer.error, answer.status === 404);
    const schedule = readSchedule(answer.value, sha1);
    if ('error' in schedule) return this.#failed(peer, hash, schedule.error, false);
    this.#step({ type: 'fetched', peer, hash, schedule });
  }

  #failed(peer: string, hash: string, error: string, gone: boolean): void {
    this.#shared.count('fetch_failed');
    this.#context.log.debug('a schedule could not be fetched', { peer, hash, error });
    this.#step({ type: 'failed', peer, hash, gone });
  }
}
