// Writes the status file some milliseconds after the last change, so that a storm of changes costs one write.
import type { Logger } from '@suite/shared/cli/log.ts';
import type { Clock, Disk, Timer } from '@suite/shared/ports/index.ts';
import type { InstanceStatus, TreeStatus } from '@suite/shared/wire/lithos.ts';
import type { Lost } from '../adapters/logs/take-over.ts';
import { TIMES } from '../config/defaults.ts';
import { currentRun, isReady } from '../core/instance/facts.ts';
import type { Instance } from '../core/instance/types.ts';
import { describeExit } from '../core/restart/exit.ts';

export interface StatusWriterOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Logger;
  readonly file: string;
  readonly snapshot: () => TreeStatus;
  /** Who else is told at these moments. */
  readonly onWrite: (status: TreeStatus) => void;
}

export class StatusWriter {
  private readonly options: StatusWriterOptions;
  private timer: Timer | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(options: StatusWriterOptions) {
    this.options = options;
  }

  changed(): void {
    this.timer ??= this.options.clock.after(TIMES.statusDelayMs, () => void this.flush());
  }

  /** Resolves when the state of now is in the file. */
  async flush(): Promise<void> {
    this.timer?.cancel();
    this.timer = undefined;
    const { disk, file, snapshot, onWrite, log } = this.options;
    this.writing = this.writing.then(async () => {
      const status = snapshot();
      onWrite(status);
      await disk
        .writeAtomic(file, `${JSON.stringify(status)}\n`)
        .catch((error: Error) => log.error(`${file}: ${error.message}`));
    });
    await this.writing;
  }
}

/** What the instance's state does not say. */
export interface Around {
  readonly pid: number | undefined;
  readonly monitorLost: boolean;
  readonly lost: Lost;
}

/** `wallFromMonotonicMs`: what to add to a monotonic time to get the wall clock's. */
export function instanceStatus(
  instance: Instance,
  { pid, monitorLost, lost }: Around,
  wallFromMonotonicMs: number,
): Omit<InstanceStatus, 'says'> {
  const { name, state, restarts, failures, row, lastExit } = instance;
  const run = currentRun(instance);
  const held = state.kind === 'held';
  return {
    name,
    state: held ? 'waiting' : state.kind,
    ready: isReady(instance),
    pid: pid ?? null,
    run: run?.number ?? instance.nextRun - 1,
    identity: run?.identity ?? null,
    readyWallMs:
      state.kind === 'running' && state.readySinceMs !== null
        ? Math.round(state.readySinceMs + wallFromMonotonicMs)
        : null,
    startedWallMs: run === undefined ? null : Math.round(run.startedMs + wallFromMonotonicMs),
    reason: held || state.kind === 'waiting' ? state.reason : null,
    nextStartWallMs: state.kind === 'waiting' ? Math.round(state.startAtMs + wallFromMonotonicMs) : null,
    restarts,
    failures,
    failuresInRow: row,
    lastExit: lastExit === undefined ? null : { ...lastExit, words: describeExit(lastExit) },
    lostLines: lost.lines,
    lostBytes: lost.bytes,
    problem: monitorLost ? 'its monitor is gone: lithos_tree writes its output' : (instance.problem ?? null),
  };
}
