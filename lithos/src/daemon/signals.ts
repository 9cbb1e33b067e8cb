// Signals as a queue, so that each is handled to its end before the next.

import type { PowerAction } from '@suite/shared/linux/power.ts';

export type TreeSignal = 'reload' | 'reexec' | 'stop';

/** USR1 must be handled: Node's own answer to it is to open a debugger's port. */
const MEANING: Readonly<Partial<Record<NodeJS.Signals, TreeSignal>>> = {
  SIGHUP: 'reload',
  SIGQUIT: 'reexec',
  SIGUSR1: 'reexec',
  SIGUSR2: 'reexec',
  SIGTERM: 'stop',
  SIGINT: 'stop',
  SIGPWR: 'stop',
};

/**
 * What becomes of the machine whose PID 1 is told to stop. As BusyBox's init, so that its `reboot`, `poweroff` and
 * `halt` work; the kernel sends INT for Ctrl-Alt-Del, and PWR comes from a UPS or whoever runs the virtual machine.
 */
const POWER: Readonly<Partial<Record<NodeJS.Signals, PowerAction>>> = {
  SIGTERM: 'reboot',
  SIGINT: 'reboot',
  SIGUSR1: 'halt',
  SIGUSR2: 'power-off',
  SIGPWR: 'power-off',
};

/** PID 1 cannot be replaced by whoever reads the manual of another init: USR1 and USR2 stop it. */
function meaningOf(signal: NodeJS.Signals, meaning: TreeSignal): TreeSignal {
  return process.pid === 1 && POWER[signal] !== undefined ? 'stop' : meaning;
}

export interface SignalQueue {
  /** The next signal; a stop overtakes everything, and several reloads in a row are one. */
  readonly next: () => Promise<TreeSignal>;
  readonly isWaiting: (signal: TreeSignal) => boolean;
  /** What the last stop meant for a machine. */
  readonly power: () => PowerAction;
}

export function listenSignals(): SignalQueue {
  const waiting = new Set<TreeSignal>();
  let wake: (() => void) | undefined;
  let power: PowerAction = 'power-off';
  for (const [name, meaning] of Object.entries(MEANING) as [NodeJS.Signals, TreeSignal][]) {
    process.on(name, () => {
      waiting.add(meaningOf(name, meaning));
      power = POWER[name] ?? power;
      wake?.();
    });
  }
  const order: readonly TreeSignal[] = ['stop', 'reexec', 'reload'];
  return {
    power: () => power,
    isWaiting: signal => waiting.has(signal),
    async next() {
      for (;;) {
        const first = order.find(signal => waiting.has(signal));
        if (first !== undefined) {
          waiting.delete(first);
          return first;
        }
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
    },
  };
}
