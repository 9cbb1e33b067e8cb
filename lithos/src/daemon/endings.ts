// How a run is brought to its end: the pre-stop hook, the signal, and at last KILL.
import type { Logger } from '@suite/shared/cli/log.ts';
import type { Containers } from '../adapters/containers.ts';
import type { StdioLogs } from '../adapters/logs/stdio-logs.ts';
import type { DesiredInstance, StopPolicy } from '../core/desired/types.ts';
import type { Run } from '../core/instance/types.ts';
import type { LiveRuns } from './live-runs.ts';
import type { Observer } from './observer.ts';

interface EndingsOptions {
  readonly containers: Containers;
  readonly logs: StdioLogs;
  readonly log: Logger;
  readonly live: LiveRuns;
  readonly observer: Observer | undefined;
}

/** None of them waits: the state machine sets the deadlines, and the end itself is seen by LiveRuns. */
export class Endings {
  private readonly options: EndingsOptions;

  constructor(options: EndingsOptions) {
    this.options = options;
  }

  /** `desired`: what the run was started with, as far as it is known. A hook that fails does not keep it from its end. */
  hook(name: string, run: Run, desired: DesiredInstance | undefined, done: () => void): void {
    const { log, observer } = this.options;
    log.info(`${name}: pre-stop hook`, { command: run.stop.hook });
    const work = observer?.runHook(name, desired, run) ?? Promise.resolve();
    work.catch((error: Error) => log.error(`${name}: pre-stop hook: ${error.message}`)).finally(done);
  }

  terminate(name: string, pid: number, signal: StopPolicy['signal']): void {
    const { containers, live, log } = this.options;
    const found = live.get(name);
    if (found === undefined) return;
    log.info(`${name}: ${signal}`, { pid });
    containers.terminate(pid, found.processStart, signal).catch(this.failed(name));
  }

  kill(name: string, run: Run, pid: number): void {
    const { containers, live, log, logs } = this.options;
    const text = `did not end within ${run.stop.timeoutMs / 1000} s: KILL`;
    logs.mark(name, text);
    log.error(`${name} ${text}`);
    // Not in the queue: it must act on a container whatever else is going on with its files.
    containers.kill(name, pid, live.get(name)?.processStart ?? '').catch(this.failed(name));
  }

  private failed(name: string) {
    return (error: Error) => this.options.log.error(`${name}: ${error.message}`);
  }
}
