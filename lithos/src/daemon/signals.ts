// Signals as a queue, so that each is handled to its end before the next.

export type TreeSignal = 'reload' | 'reexec' | 'stop';

/** PWR is how a host of namespaces is told to power off; USR1 and friends stay with Node. */
const MEANING: Readonly<Partial<Record<NodeJS.Signals, TreeSignal>>> = {
  SIGHUP: 'reload',
  SIGQUIT: 'reexec',
  SIGTERM: 'stop',
  SIGINT: 'stop',
  SIGPWR: 'stop',
};

export interface SignalQueue {
  /** The next signal; a stop overtakes everything, and several reloads in a row are one. */
  readonly next: () => Promise<TreeSignal>;
  readonly isWaiting: (signal: TreeSignal) => boolean;
}

export function listenSignals(): SignalQueue {
  const waiting = new Set<TreeSignal>();
  let wake: (() => void) | undefined;
  for (const [name, meaning] of Object.entries(MEANING)) {
    process.on(name, () => {
      waiting.add(meaning);
      wake?.();
    });
  }
  const order: readonly TreeSignal[] = ['stop', 'reexec', 'reload'];
  return {
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
