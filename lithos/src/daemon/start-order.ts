// Lets instances start that `after:` holds, as soon as those they wait for are ready.
import type { Clock, Timer } from '@suite/shared/ports/index.ts';
import type { DesiredInstance } from '../core/desired/types.ts';
import type { Instance } from '../core/instance/types.ts';
import { type NotReady, notReady, waitsFor } from '../core/order/order.ts';

export interface StartOrderOptions {
  readonly clock: Clock;
  readonly instances: () => readonly Instance[];
  readonly release: (name: string) => void;
}

export class StartOrder {
  private readonly options: StartOrderOptions;
  private timer: Timer | undefined;

  constructor(options: StartOrderOptions) {
    this.options = options;
  }

  notReady(): NotReady {
    return notReady(this.options.instances(), this.options.clock.monotonicMs());
  }

  mayStart(desired: DesiredInstance): boolean {
    return desired.after.length === 0 || waitsFor(desired, this.notReady()).length === 0;
  }

  /** Something has become ready, or is not waited for any more. */
  look(): void {
    this.timer?.cancel();
    const { clock, instances, release } = this.options;
    const held = instances().filter(({ state }) => state.kind === 'held' && state.reason === 'after');
    if (held.length === 0) return;
    const unready = this.notReady();
    for (const { name, desired } of held) {
      if (desired !== undefined && waitsFor(desired, unready).length === 0) release(name);
    }
    if (unready.lookAgainMs === null) return;
    this.timer = clock.after(Math.max(0, unready.lookAgainMs - clock.monotonicMs()), () => this.look());
  }
}
