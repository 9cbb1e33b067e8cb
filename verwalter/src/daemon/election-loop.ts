import type { Endpoint, Timer, UdpSocket } from '@suite/shared/ports/index.ts';
import { decodeElectionPacket, encodeElectionPacket } from '@suite/shared/wire/election.ts';
import type { ElectionInfo } from '@suite/shared/wire/verwalter.ts';
import type { Storage } from '../adapters/storage.ts';
import { ELECTION, PEER_LIST_FRESH_MS } from '../config/defaults.ts';
import { completePacket } from '../core/election/packet.ts';
import {
  type ElectionEffect,
  type ElectionEvent,
  type ElectionSettings,
  type ElectionState,
  initialState,
  type Outgoing,
  type Remembered,
  type View,
} from '../core/election/state.ts';
import { step } from '../core/election/step.ts';
import { PeerTable } from '../core/peers/table.ts';
import { stampOf } from '../core/schedule/schedule.ts';
import type { Context } from './options.ts';
import type { SharedState } from './shared-state.ts';

/** A disk that hangs must not silence a leader: after this the packet leaves although its ballot is not stored yet. */
const BALLOT_PATIENCE_MS = 200;

const isStable = ({ kind }: ElectionState['phase']): boolean => kind === 'leader' || kind === 'follower';

/** Runs the election core on UDP and timers. `onStep` is called after every event, with the state before it. */
export class ElectionLoop {
  readonly table: PeerTable;
  readonly settings: ElectionSettings;
  state: ElectionState;
  onStep: (was: ElectionState) => void = () => {};
  readonly #context: Context;
  readonly #shared: SharedState;
  readonly #storage: Storage;
  readonly #sockets: UdpSocket[] = [];
  #timer: Timer | undefined;
  /** Effects leave in order, and a packet never before its ballot. */
  #outbox: Promise<void> = Promise.resolve();

  constructor(context: Context, shared: SharedState, storage: Storage, remembered: Remembered) {
    const { options, ports } = context;
    this.#context = context;
    this.#shared = shared;
    this.#storage = storage;
    this.table = new PeerTable({
      staleMs: options.peerStaleMs,
      freshMs: Math.max(PEER_LIST_FRESH_MS, options.peerStaleMs),
    });
    this.settings = {
      self: options.machineId,
      times: ELECTION,
      allowMinority: options.allowMinority,
      forceLeader: options.forceLeader,
      random: (minMs, maxMs) => minMs + ports.random.next() * (maxMs - minMs),
    };
    this.state = initialState(this.settings, remembered, ports.clock.monotonicMs());
  }

  /** Binds UDP on every address; rejects when one cannot be bound. */
  async start(): Promise<void> {
    const { options, ports } = this.#context;
    for (const address of options.addresses) {
      this.#sockets.push(
        await ports.net.udp(address, options.port, (data, from) => this.#receive(data, from)),
      );
    }
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    for (const socket of this.#sockets) socket.close();
    this.#sockets.length = 0;
  }

  get isLeader(): boolean {
    return this.state.phase.kind === 'leader';
  }

  /** Id of the leader this node knows, itself included. */
  get leader(): string | null {
    const { phase } = this.state;
    if (phase.kind === 'leader') return this.settings.self;
    return phase.kind === 'follower' ? phase.leader : null;
  }

  view(): View {
    const nowMs = this.#context.ports.clock.monotonicMs();
    return { nowMs, peers: this.table.peers };
  }

  /** A leader tells its new stamp at once instead of with the next heartbeat. */
  announce(): void {
    if (this.isLeader) this.#send('all', { type: 'Ping', epoch: this.state.epoch });
  }

  #receive(data: Uint8Array, from: Endpoint): void {
    const packet = decodeElectionPacket(data);
    if ('error' in packet) {
      this.#shared.count('bad_packets');
      this.#context.log.debug(`election packet from ${from.address} dropped`, { reason: packet.error });
      return;
    }
    if (packet.id === this.settings.self) {
      this.#twin(from.address);
      return;
    }
    this.#shared.count(`${packet.type.toLowerCase()}_no`);
    const { clock } = this.#context.ports;
    if (!this.table.heard(packet.id, clock.monotonicMs(), clock.wallMs(), packet))
      this.#shared.count('bad_hosts_no');
    this.#step({ type: 'packet', packet });
  }

  /** A copied disk image is the usual reason. Neither of the two can take part in an election in earnest. */
  #twin(address: string): void {
    if (this.#context.options.addresses.includes(address)) return;
    const text = `the node at ${address} has the same machine id ${this.settings.self}: give one of them another /etc/machine-id`;
    this.#shared.setError('machine_id', text);
  }

  #step(event: ElectionEvent): void {
    const was = this.state;
    this.table.refresh(this.#context.ports.clock.monotonicMs());
    const next = step(this.settings, was, event, this.view());
    this.state = next.state;
    for (const effect of next.effects) this.#perform(effect);
    if (next.state !== was) this.#arm();
    if (was.phase.kind !== next.state.phase.kind || was.epoch !== next.state.epoch) this.#report(was);
    this.onStep(was);
  }

  #report(was: ElectionState): void {
    const { phase, epoch } = this.state;
    const who =
      phase.kind === 'follower' ? phase.leader : phase.kind === 'voted' ? phase.candidate : undefined;
    this.#context.log.info(`election: ${was.phase.kind} -> ${phase.kind}`, { epoch, ...(who && { who }) });
    if (phase.kind === 'electing') this.#shared.count('start_election_no');
    if (phase.kind === 'leader' && was.phase.kind !== 'leader') this.#shared.count('became_leader_no');
    if (phase.kind !== 'leader') this.table.forgetErrors();
    // While stable: since when. Otherwise: until when it was.
    if (isStable(phase) || isStable(was.phase)) {
      this.#shared.lastStableMs = this.#context.ports.clock.wallMs();
    }
  }

  #perform(effect: ElectionEffect): void {
    if (effect.type === 'send') this.#send(effect.to, effect.packet);
    else this.#outbox = this.#outbox.then(() => this.#save({ epoch: effect.epoch, ballot: effect.ballot }));
  }

  async #save(remembered: Remembered): Promise<void> {
    const saved = this.#storage.saveBallot(remembered).then(
      () => this.#shared.setError('storage', undefined),
      error => this.#shared.setError('storage', `the ballot cannot be stored: ${(error as Error).message}`),
    );
    let timer: Timer | undefined;
    const patience = new Promise<void>(resolve => {
      timer = this.#context.ports.clock.after(BALLOT_PATIENCE_MS, resolve);
    });
    await Promise.race([saved, patience]);
    timer?.cancel();
  }

  #send(to: string | 'all', outgoing: Outgoing): void {
    this.#outbox = this.#outbox.then(() => {
      const speech = {
        own: this.#shared.owned && stampOf(this.#shared.owned),
        known: this.#shared.known && stampOf(this.#shared.known),
        errors: this.#shared.errorCount,
        fork: this.#shared.fork(this.#context.ports.clock.monotonicMs()),
      };
      const view = this.view();
      for (const peer of this.table.peers?.values() ?? []) {
        if ((to !== 'all' && to !== peer.id) || peer.report.address === null) continue;
        const packet = completePacket(this.settings, outgoing, peer.id, view, speech);
        const target = { address: peer.report.address, port: this.#context.options.port };
        this.#socketFor(target.address)?.send(encodeElectionPacket(packet), target);
      }
    });
  }

  /** A socket of the same family. */
  #socketFor(address: string): UdpSocket | undefined {
    const { addresses } = this.#context.options;
    const at = addresses.findIndex(own => own.includes(':') === address.includes(':'));
    return this.#sockets[at];
  }

  #arm(): void {
    this.#timer?.cancel();
    const { clock } = this.#context.ports;
    const delayMs = this.state.deadlineMs - clock.monotonicMs();
    this.#timer = clock.after(Math.max(0, delayMs), () => {
      this.#step({ type: 'timer' });
      this.#arm();
    });
  }

  /** `/v1/election`. */
  info(): ElectionInfo {
    const { clock } = this.#context.ports;
    const { phase, epoch, deadlineMs } = this.state;
    const electing = phase.kind === 'electing' ? phase : undefined;
    return {
      kind: phase.kind,
      is_leader: phase.kind === 'leader',
      is_stable: isStable(phase),
      leader: phase.kind === 'follower' ? phase.leader : null,
      promoting: phase.kind === 'voted' ? phase.candidate : null,
      num_votes_for_me: electing?.voters.length ?? null,
      needed_votes: electing?.needed ?? null,
      epoch,
      deadline: Math.round(clock.wallMs() + deadlineMs - clock.monotonicMs()),
      last_stable_timestamp: this.#shared.lastStableMs,
    };
  }
}
