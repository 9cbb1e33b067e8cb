// The tree at work: recover, then a loop of a few signals.
import { realClock, realDisk } from '@suite/shared/ports/real.ts';
import { sweepCommands } from '../adapters/commands.ts';
import { noteReading, readStatus } from '../adapters/status-file.ts';
import { sweepStates } from '../adapters/sweep-states.ts';
import { TIMES } from '../config/defaults.ts';
import { describeAction } from '../core/plan/plan.ts';
import { nothingRead } from './configuration.ts';
import { startReaping } from './reaper.ts';
import { recover } from './recover.ts';
import { reexec } from './reexec.ts';
import type { SignalQueue } from './signals.ts';
import type { Progress } from './snapshot.ts';
import { stopAll } from './stop-all.ts';
import { type Parts, type Surroundings, wire } from './wiring.ts';

const SECOND_MS = 1000;

export class Tree {
  private readonly around: Surroundings;
  private readonly parts: Parts;
  private readonly progress: Progress = {
    reading: nothingRead([], []),
    reloads: 0,
    isReading: false,
    stopping: false,
  };
  private stopWatches: () => void = () => undefined;

  constructor(around: Surroundings) {
    this.around = around;
    this.parts = wire(around, this.progress);
  }

  /** Runs until a signal ends it; resolves to the exit code. */
  async run(signals: SignalQueue): Promise<number> {
    const { log, master } = this.around;
    const { paths } = master;
    const last = await readStatus(realDisk, paths.statusFile);
    this.progress.reloads = last?.reloads ?? 0;
    if (last !== undefined) await noteReading(realDisk, paths.statusFile, last);
    this.watch();
    await recover({ disk: realDisk, paths, log, ...this.parts });
    await this.parts.rollouts.load();
    await this.reload();
    await this.sweepStanding();
    this.sweepCgroups();
    await this.sweepCommands();
    await this.sweepStates();
    const watches = { stop: () => this.stopWatches(), start: () => this.watch() };
    for (;;) {
      const signal = await signals.next();
      log.info(`signal: ${signal}`);
      if (signal === 'stop') return await this.stop();
      if (signal === 'reload') await this.reloadAgain();
      else await reexec(this.around, this.parts, signals, watches);
    }
  }

  private watch(): void {
    const { supervisor, logs } = this.parts;
    const timer = setInterval(() => {
      supervisor.glance();
      this.around.treeLog.tellLosses();
    }, TIMES.pidCheckMs);
    const stopReaping = startReaping(this.around.log, (pid, code) => {
      logs.reaped(pid);
      supervisor.reaped(pid, code);
    });
    logs.watch();
    this.stopWatches = () => {
      logs.stop(this.progress.stopping);
      clearInterval(timer);
      stopReaping();
    };
  }

  /** Cgroups that an earlier tree left; another tree with the same `cgroup-name` may be using the others. */
  private sweepCgroups(): void {
    const { cgroups, supervisor } = this.parts;
    const known = new Set(supervisor.all().map(({ name }) => name));
    for (const name of cgroups.scopes().filter(scope => !known.has(scope))) {
      try {
        cgroups.removeUnused(name);
      } catch (error) {
        this.around.log.warn(`cgroup of ${name}: ${(error as Error).message}`);
      }
    }
  }

  /** Containers that an earlier tree kept between two programs of an instance that is not wanted any more. */
  private async sweepStanding(): Promise<void> {
    const { containers, supervisor } = this.parts;
    const isKnown = (name: string) => supervisor.get(name) !== undefined;
    for (const name of await containers.standingOf(isKnown)) {
      await containers
        .forget(name)
        .catch((error: Error) => this.around.log.warn(`${name}: ${error.message}`));
    }
  }

  /** Of commands whose lithos_cmd was killed. */
  private async sweepCommands(): Promise<void> {
    const { log, master } = this.around;
    try {
      for (const name of await sweepCommands(master.paths, this.parts.cgroups))
        log.warn(`${name}: cleared away`);
    } catch (error) {
      log.warn(`commands: ${(error as Error).message}`);
    }
  }

  /** Of instances that were taken out of the configuration while no tree ran. */
  private async sweepStates(): Promise<void> {
    const { log, master } = this.around;
    const isOwned = (name: string) => this.parts.supervisor.get(name) !== undefined;
    try {
      for (const name of await sweepStates(master.paths.stateDir, isOwned))
        log.info(`state of ${name}: cleared away`);
    } catch (error) {
      log.warn(`${master.paths.stateDir}: ${(error as Error).message}`);
    }
  }

  /** Nothing will be moved any more that should not wait. */
  private giveBackLock(): void {
    try {
      this.parts.moves.disfavor(this.around.master.paths.favorMark);
    } catch (error) {
      this.around.log.warn(`favordynmods stays: ${(error as Error).message}`);
    }
  }

  /** Who changes a file while it is being read must know that it may have come too late. */
  private async reloadAgain(): Promise<void> {
    this.progress.isReading = true;
    await this.parts.status.flush();
    await this.reload();
  }

  private async reload(): Promise<void> {
    const { log, treeLog } = this.around;
    treeLog.reopen();
    const { configuration, rollouts, status, witness, api } = this.parts;
    const { progress } = this;
    progress.isReading = true;
    progress.reading = await configuration.read().catch((error: Error) => {
      log.error(`bug: the configuration cannot be read: ${error.stack ?? error.message}`);
      return nothingRead(progress.reading.sandboxes, [error.message]);
    });
    const { desired } = progress.reading;
    if (desired !== undefined) {
      for (const action of await rollouts.apply({ ...progress.reading, desired })) {
        if (action.kind !== 'keep') log.info(describeAction(action));
      }
      await configuration.keep();
    }
    progress.reloads++;
    progress.isReading = false;
    // Who finds the status file written may ask.
    await api.open();
    await status.flush();
    witness.reloaded(progress.reloads, progress.reading);
  }

  private async stop(): Promise<number> {
    const { log, master } = this.around;
    const { supervisor, cgroups, exits, status, api, rollouts } = this.parts;
    this.progress.stopping = true;
    rollouts.stop();
    const limitMs = master.keys.shutdownTimeout * SECOND_MS;
    await stopAll({ supervisor, clock: realClock, log, limitMs }).catch((error: Error) =>
      log.error(error.message),
    );
    await cgroups.removeBase();
    this.giveBackLock();
    // Everything has stopped: nothing that cannot be removed makes that untrue.
    await realDisk.remove(master.paths.instancesDir).catch((error: Error) => log.error(error.message));
    await status.flush();
    api.close();
    this.stopWatches();
    exits.close();
    log.warn('stopped: nothing of this tree runs any more');
    return 0;
  }
}
