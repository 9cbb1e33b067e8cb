// Tells the sockets in which state the instances are, once for a storm of changes, so that those nobody uses are closed.
import type { Clock, Timer } from '@suite/shared/ports/index.ts';
import type { SocketInstance, Sockets } from '../adapters/sockets.ts';
import { currentRun, wantsSockets } from '../core/instance/facts.ts';
import type { Instance } from '../core/instance/types.ts';

function socketInstance(instance: Instance): SocketInstance {
  const { name, desired } = instance;
  return {
    name,
    run: currentRun(instance)?.number,
    wants: wantsSockets(instance),
    sockets: desired?.sockets ?? [],
  };
}

export interface SocketKeeperOptions {
  readonly clock: Clock;
  readonly sockets: Sockets;
  readonly instances: () => readonly Instance[];
  /** Whether it is known what is configured. Until then whoever is to use a socket may not be an instance yet. */
  readonly isKnown: () => boolean;
}

export class SocketKeeper {
  private readonly options: SocketKeeperOptions;
  private timer: Timer | undefined;
  private known = false;

  constructor(options: SocketKeeperOptions) {
    this.options = options;
  }

  changed(): void {
    this.timer ??= this.options.clock.after(0, () => this.settle());
  }

  private settle(): void {
    this.timer = undefined;
    const { sockets, instances, isKnown } = this.options;
    this.known ||= isKnown();
    if (this.known) sockets.settle(() => instances().map(socketInstance));
  }
}
