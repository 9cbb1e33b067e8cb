// The observer of all running programs: one watch (core/probe) for each run, with its timer, its questions and its socket.
import type { Logger } from '@suite/shared/cli/log.ts';
import type { Clock, Random, Timer } from '@suite/shared/ports/index.ts';
import type { Asked, asker } from '../adapters/ask.ts';
import type { Inside } from '../adapters/inside.ts';
import { hasNotifySocket, type NotifySockets } from '../adapters/notify.ts';
import type { DesiredInstance } from '../core/desired/types.ts';
import type { Run } from '../core/instance/types.ts';
import type { Notice } from '../core/probe/notice.ts';
import type { Question, Rules, Watch, WatchEvent } from '../core/probe/types.ts';
import { beginWatch, nextTimeMs, stepWatch } from '../core/probe/watch.ts';
import type { Observer, Report } from './observer.ts';

export interface ProgramObserverOptions {
  readonly report: Report;
  readonly notify: NotifySockets;
  readonly inside: Inside;
  readonly ask: ReturnType<typeof asker>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** What a program says of itself has changed. */
  readonly onStatus: () => void;
}

interface Watched {
  readonly who: Asked;
  readonly rules: Rules;
  /** Ends what is being asked. */
  readonly abort: AbortController;
  watch: Watch;
  timer: Timer | undefined;
  status: string | undefined;
}

export class ProgramObserver implements Observer {
  private readonly options: ProgramObserverOptions;
  private readonly watched = new Map<string, Watched>();

  constructor(options: ProgramObserverOptions) {
    this.options = options;
  }

  /** The last STATUS= of the program; undefined when it has said nothing. */
  statusOf(name: string): string | undefined {
    return this.watched.get(name)?.status;
  }

  observe(name: string, desired: DesiredInstance, run: Run, pid: number, ready: boolean): void {
    this.end(name);
    const rules = this.rules(desired, run);
    const watch = beginWatch(rules, ready, this.options.clock.monotonicMs());
    const who = { desired, run: run.number, pid };
    const watched = { who, rules, abort: new AbortController(), watch, timer: undefined, status: undefined };
    this.watched.set(name, watched);
    // Later, because nothing may be reported before this returns.
    this.wakeIn(watched, 0, () => this.begin(watched));
  }

  unobserve(name: string, run: Run): void {
    if (this.watched.get(name)?.who.run === run.number) this.end(name);
  }

  async runHook(name: string, _desired: DesiredInstance | undefined, run: Run): Promise<void> {
    const { hook, timeoutMs } = run.stop;
    const { inside, log } = this.options;
    try {
      const result = await inside.run(name, run.number, hook, { timeoutMs });
      const words = result.output === '' ? '' : `: ${result.output}`;
      if (result.timedOut)
        log.error(`${name}: pre-stop hook did not end within ${timeoutMs / 1000} s${words}`);
      else if (result.code !== 0) log.error(`${name}: pre-stop hook ended with ${result.code}${words}`);
    } catch (error) {
      log.error(`${name}: pre-stop hook: ${(error as Error).message}`);
    }
  }

  private rules({ readiness, liveness, watchdogMs, startTimeoutMs }: DesiredInstance, run: Run): Rules {
    const jitter = this.options.random.next();
    const stopTimeoutMs = run.stop.timeoutMs;
    return {
      readiness,
      liveness,
      watchdogMs,
      startTimeoutMs,
      stopTimeoutMs,
      startedMs: run.startedMs,
      jitter,
    };
  }

  private begin(watched: Watched): void {
    const { desired, run } = watched.who;
    if (hasNotifySocket(desired)) {
      try {
        this.options.notify.listen(desired.name, run, notice => this.noticed(watched, notice));
      } catch (error) {
        this.options.log.error(`${desired.name}: notify socket: ${(error as Error).message}`);
      }
    }
    this.schedule(watched);
  }

  private isCurrent(watched: Watched): boolean {
    return this.watched.get(watched.who.desired.name) === watched;
  }

  private noticed(watched: Watched, notice: Notice): void {
    if (!this.isCurrent(watched)) return;
    if (notice.status !== null && notice.status !== watched.status) {
      watched.status = notice.status;
      this.options.onStatus();
    }
    this.dispatch(watched, { kind: 'notice', notice });
  }

  private dispatch(watched: Watched, event: WatchEvent): void {
    if (!this.isCurrent(watched)) return;
    const { name } = watched.who.desired;
    const step = stepWatch(watched.rules, watched.watch, event, this.options.clock.monotonicMs());
    watched.watch = step.watch;
    for (const effect of step.effects) {
      if (effect.kind === 'report') this.options.report(name, watched.who.run, effect.seen);
      else this.ask(watched, effect.question, effect.probe);
    }
    this.schedule(watched);
  }

  private ask(watched: Watched, to: Question, probe: Parameters<ProgramObserverOptions['ask']>[1]): void {
    void this.options.ask(watched.who, probe, watched.abort.signal).then(problem => {
      this.dispatch(watched, { kind: 'answer', to, problem });
    });
  }

  private schedule(watched: Watched): void {
    if (!this.isCurrent(watched)) return;
    const nextMs = nextTimeMs(watched.watch);
    watched.timer?.cancel();
    if (nextMs === null) return;
    this.wakeIn(watched, nextMs - this.options.clock.monotonicMs(), () => this.timePassed(watched));
  }

  private timePassed(watched: Watched): void {
    // Something it has said in time may not have been read yet, if we were busy or stopped.
    this.options.notify.flush(watched.who.desired.name);
    this.dispatch(watched, { kind: 'time' });
  }

  private wakeIn(watched: Watched, delayMs: number, work: () => void): void {
    watched.timer = this.options.clock.after(Math.max(0, delayMs), () => {
      if (this.isCurrent(watched)) work();
    });
  }

  private end(name: string): void {
    const watched = this.watched.get(name);
    if (watched === undefined) return;
    this.watched.delete(name);
    watched.timer?.cancel();
    watched.abort.abort();
  }
}
