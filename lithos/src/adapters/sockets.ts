// The listening sockets of all containers. Shared ones are held here, so that they outlive the programs that accept on
// them; a new tree gets them back from its own descriptors (re-exec) or from the monitors (crash).
import { closeSync } from 'node:fs';
import type { Logger } from '@suite/shared/cli/log.ts';
import { setNonBlocking } from '@suite/shared/linux/fd-flags.ts';
import {
  copyListeningSockets,
  inheritedListeningSockets,
  type ListeningSocket,
} from '@suite/shared/linux/listening.ts';
import { inNetwork } from '@suite/shared/linux/netns.ts';
import { removeStaleSocket } from '@suite/shared/linux/unix-socket.ts';
import type { DesiredInstance, ListenSpec } from '../core/desired/types.ts';
import {
  describeAddress,
  planSockets,
  type SocketAction,
  type SocketUser,
  socketsToClose,
} from '../core/sockets/sockets.ts';
import { keyOfFound, openSocket, socketKey } from './open-socket.ts';

interface Held {
  readonly fd: number;
  /** As it was opened; undefined for one that was found again. */
  readonly spec: ListenSpec | undefined;
}

/** One instance in its present state. */
export interface SocketInstance extends Omit<SocketUser, 'given'> {
  readonly name: string;
  /** Undefined: nothing of it lives. */
  readonly run: number | undefined;
}

function runKey(name: string, run: number): string {
  return `${name}.${run}`;
}

export class Sockets {
  private readonly log: Logger;
  private readonly held = new Map<string, Held>();
  /** Run → keys of the shared sockets it was given. */
  private readonly given = new Map<string, Set<string>>();
  /** Run → descriptors that only it gets; closed here as soon as it has them. */
  private readonly own = new Map<string, number[]>();

  /** Takes over what this program had open before it was replaced in place. */
  constructor(log: Logger) {
    this.log = log;
    for (const socket of inheritedListeningSockets()) this.keep(socket);
  }

  /** To be passed on when this program is replaced in place. */
  fds(): number[] {
    return [...this.held.values()].map(({ fd }) => fd);
  }

  /** What a run of an earlier tree was given: found in `pids`, its monitor first; the first that has any counts. */
  recover(name: string, run: number, pids: readonly number[]): void {
    for (const pid of pids) {
      const keys = copyListeningSockets(pid).flatMap(socket => this.keep(socket) ?? []);
      if (keys.length === 0) continue;
      this.given.set(runKey(name, run), new Set(keys));
      return;
    }
  }

  /** Descriptor inside → ours. `network`: that of the container when it is not the host's. Throws with a sentence. */
  open(desired: DesiredInstance, run: number, network: number | undefined): Map<number, number> {
    const id = runKey(desired.name, run);
    this.release(desired.name, run);
    this.given.set(id, new Set());
    this.own.set(id, []);
    const held = new Map([...this.held].map(([key, { spec }]) => [key, spec] as const));
    const actions = planSockets(desired.sockets, held, socketKey);
    return new Map(actions.map(action => [action.spec.fd, this.execute(action, desired, id, network)]));
  }

  /** The container has its own copies by now. */
  handedOver(name: string, run: number): void {
    const id = runKey(name, run);
    for (const fd of this.own.get(id) ?? []) closeSync(fd);
    this.own.delete(id);
  }

  /** The run is over or never was. */
  release(name: string, run: number): void {
    this.handedOver(name, run);
    this.given.delete(runKey(name, run));
  }

  /** Closes what nobody uses any more; called after every change of a state. */
  settle(instances: () => readonly SocketInstance[]): void {
    if (this.held.size === 0) return;
    const users = instances().map(({ name, run, ...user }) => ({
      ...user,
      given: run === undefined ? undefined : this.given.get(runKey(name, run)),
    }));
    for (const key of socketsToClose(this.held.keys(), users, socketKey)) this.close(key);
  }

  private execute(
    action: SocketAction,
    desired: DesiredInstance,
    id: string,
    network: number | undefined,
  ): number {
    const { spec } = action;
    if (action.kind === 'own') {
      const open = () => openSocket(spec, desired);
      const isInside = network !== undefined && spec.kind === 'tcp' && spec.place === 'inside';
      const fd = isInside ? inNetwork(network, open) : open();
      this.own.get(id)?.push(fd);
      return fd;
    }
    if (action.kind === 'open') {
      this.held.set(action.key, { fd: openSocket(spec, desired), spec });
      this.log.info(`listening on ${describeAddress(spec)}`);
    }
    if (action.kind === 'share') this.share(action, desired.name);
    this.given.get(id)?.add(action.key);
    return (this.held.get(action.key) as Held).fd;
  }

  private share({ key, spec, ignored }: Extract<SocketAction, { kind: 'share' }>, name: string): void {
    const { fd, spec: first } = this.held.get(key) as Held;
    if (ignored.length > 0) {
      const what = `${describeAddress(spec)} is open already: ${ignored.join(', ')}`;
      this.log.warn(`${name}: ${what} without effect until everybody has closed it`);
    }
    // The last program may have changed it; among several that share it nobody may.
    const others = [...this.given].filter(([id]) => !id.startsWith(`${name}.`));
    if (!others.some(([, keys]) => keys.has(key))) setNonBlocking(fd, (first ?? spec).nonBlocking);
    if (first === undefined) this.held.set(key, { fd, spec });
  }

  /** The key of a socket that was found; closed when it is none of ours, or a copy of one we have. */
  private keep(socket: ListeningSocket): string | undefined {
    const key = keyOfFound(socket);
    if (key === undefined || this.held.has(key)) closeSync(socket.fd);
    else this.held.set(key, { fd: socket.fd, spec: undefined });
    return key;
  }

  private close(key: string): void {
    const { fd, spec } = this.held.get(key) as Held;
    this.held.delete(key);
    closeSync(fd);
    if (spec === undefined) return;
    this.log.info(`no longer listening on ${describeAddress(spec)}`);
    if (spec.kind !== 'unix') return;
    try {
      removeStaleSocket(spec);
    } catch (error) {
      this.log.debug(`${spec.path}: ${(error as Error).message}`);
    }
  }
}
