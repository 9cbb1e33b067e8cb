// The orderly shutdown: dependents before what they depend on, each within its kill-timeout, all within a deadline.
import type { Logger } from '@suite/shared/cli/log.ts';
import type { Clock } from '@suite/shared/ports/index.ts';
import { TIMES } from '../config/defaults.ts';
import { mayStop } from '../core/order/order.ts';
import type { Supervisor } from './supervisor.ts';

export interface StopAllOptions {
  readonly supervisor: Supervisor;
  readonly clock: Clock;
  readonly log: Logger;
  /** After it whatever lives is killed. */
  readonly limitMs: number;
}

async function changeOrTime(supervisor: Supervisor, clock: Clock, delayMs: number): Promise<void> {
  await new Promise<void>(resolve => {
    const timer = clock.after(Math.max(0, delayMs), resolve);
    void supervisor.nextChange().then(() => {
      timer.cancel();
      resolve();
    });
  });
}

/** Resolves when nothing is left; rejects when something cannot even be killed. */
export async function stopAll({ supervisor, clock, log, limitMs }: StopAllOptions): Promise<void> {
  supervisor.beginShutdown();
  const wanted = new Map(supervisor.all().flatMap(({ name, desired }) => (desired ? [[name, desired]] : [])));
  const names = () => supervisor.all().map(({ name }) => name);
  const asked = new Set<string>();
  const startMs = clock.monotonicMs();
  const giveUpMs = limitMs + TIMES.killLimitMs;
  while (names().length > 0) {
    const spentMs = clock.monotonicMs() - startMs;
    const late = spentMs >= limitMs;
    if (spentMs >= giveUpMs) throw new Error(`these could not be killed: ${names().join(', ')}`);
    for (const name of late ? names() : mayStop(names(), wanted)) {
      if (!asked.has(name)) supervisor.retire(name);
      asked.add(name);
      if (late) supervisor.killNow(name);
    }
    if (late) log.error(`not everything stopped within ${limitMs / 1000} s: KILL`, { left: names() });
    if (names().length > 0) await changeOrTime(supervisor, clock, (late ? giveUpMs : limitMs) - spentMs);
  }
  await supervisor.drain(TIMES.killLimitMs);
}
