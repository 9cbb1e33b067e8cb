// Who looks whether a running program is well: readiness, liveness, watchdog, and the hook before a stop.
//
//   supervisor ── observe ──▶ observer ── ready / unready / sick ──▶ supervisor        (any number, any order)
//   supervisor ── runHook ──▶ observer ── the promise settles  ───▶ supervisor        (hook-done)
//   supervisor ── unobserve ▶ observer                                                 (nothing of this run any more)
import type { DesiredInstance } from '../core/desired/types.ts';
import type { Observation, Run } from '../core/instance/types.ts';

/** What an observer has seen of run `run`; about a run that is over it is ignored. May be called at any time. */
export type Report = (name: string, run: number, seen: Observation) => void;

export interface Observer {
  /**
   * The run is running: started now, or adopted from an earlier supervisor. `ready`: what is known already (true without
   * a readiness check, and for an adopted run that was ready); then no start-timeout. Must not throw, must not report
   * before it returns. At most once for each run.
   */
  observe(name: string, desired: DesiredInstance, run: Run, pid: number, ready: boolean): void;
  /** The run has ended. Nothing that was begun for it may go on. */
  unobserve(name: string, run: Run): void;
  /** The program's last words about itself (STATUS=); undefined: none. */
  statusOf(name: string): string | undefined;
  /**
   * Executes `run.stop.hook` inside the container; settles when it has ended, and a failure is only logged. The stop's
   * deadline runs meanwhile: KILL of the container ends the hook too. `desired` undefined: an adopted run that is not
   * configured any more (its bundle says who it is).
   */
  runHook(name: string, desired: DesiredInstance | undefined, run: Run): Promise<void>;
}

export type MakeObserver = (report: Report) => Observer;
