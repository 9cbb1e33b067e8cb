// lithos_tree: start, recover, then a loop of a few signals.
import { accessSync, closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { createLogger, type Logger, parseLogLevel } from '@suite/shared/cli/log.ts';
import { execInPlace } from '@suite/shared/linux/exec.ts';
import { findProgram, probeRuntime, type RuntimeChoice } from '@suite/shared/oci/probe.ts';
import { OciRuntime } from '@suite/shared/oci/runtime.ts';
import { realClock, realDisk, realProc } from '@suite/shared/ports/real.ts';
import { printDiagnostics } from '@suite/shared/schema/index.ts';
import type { TreeStatus } from '@suite/shared/wire/lithos.ts';
import { Cgroups } from '../adapters/cgroups.ts';
import { Containers } from '../adapters/containers.ts';
import { ExitWatch } from '../adapters/exits.ts';
import { LastGood } from '../adapters/last-good.ts';
import { loadMaster, type Master } from '../adapters/load-master.ts';
import type { HostPaths } from '../adapters/paths.ts';
import { claimPidFile } from '../adapters/pid-file.ts';
import { readStatus } from '../adapters/status-file.ts';
import { TIMES } from '../config/defaults.ts';
import { describeAction } from '../core/plan/plan.ts';
import { Configuration, type Reading } from './configuration.ts';
import { startReaping } from './reaper.ts';
import { recover } from './recover.ts';
import {
  mustNotEnd,
  outliveBugs,
  ownCommandLine,
  ownEnvironment,
  replaceProgram,
  takeCharge,
  tryAgain,
} from './replace.ts';
import { listenSignals, type SignalQueue } from './signals.ts';
import { instanceStatus, StatusWriter } from './status.ts';
import { Supervisor } from './supervisor.ts';

export interface TreeOptions {
  readonly config: string;
  readonly logStderr: boolean;
  readonly logLevel: string | undefined;
  readonly version: string;
}

/** Something without which the tree cannot work; the message is for the operator. */
class Fatal extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A sibling program is missing: the shell's own code for it. */
const EXIT_MISSING_PROGRAM = 127;
/** Set over the move into a private mount namespace. */
const MOVED = 'LITHOS_TREE_MOVED';
/** Starts that are under way get this long before a re-exec cuts them short (they would be cleared away and repeated). */
const EXEC_DRAIN_MS = 5_000;

function makeDirectories(paths: HostPaths): void {
  const wanted = [
    paths.runtimeDir,
    paths.stateDir,
    paths.instancesDir,
    paths.exitsDir,
    paths.ociRoot,
    paths.lastGoodDir,
    paths.logDir,
    paths.stdioLogDir,
    ...(paths.configLogDir === null ? [] : [paths.configLogDir]),
  ];
  for (const directory of wanted) mkdirSync(directory, { recursive: true });
  // Bundles, records and the last good configuration may hold what only root should read.
  for (const directory of [paths.instancesDir, paths.lastGoodDir])
    mkdirSync(directory, { recursive: true, mode: 0o700 });
}

function openLog(options: TreeOptions, master: Master): { log: Logger; close: () => void } {
  const fd = openSync(master.paths.logFile, 'a');
  const level = parseLogLevel(options.logLevel ?? master.keys.logLevel) ?? 'warn';
  const write = (line: string) => {
    try {
      writeSync(fd, line);
    } catch {
      // A full disk must not end the supervisor.
    }
    if (options.logStderr) process.stderr.write(line);
  };
  const log = createLogger({
    write,
    wallMs: () => realClock.wallMs(),
    level,
    format: 'json',
    unit: 'lithos_tree',
  });
  return { log, close: () => closeSync(fd) };
}

async function readMaster(file: string): Promise<Master> {
  const texts = new Map<string, string>();
  const read = await loadMaster(realDisk, file, texts);
  if (read.ok) return read.value;
  throw new Fatal(printDiagnostics(read.errors, texts, { colour: false }).trimEnd());
}

/**
 * Where crun only works without the v2 mount, the whole tree moves into a mount namespace without it, once: wrapping
 * every call of the runtime would cost each restart two more programs. The pid stays; a second try is not made.
 */
async function chooseRuntime({ paths, keys }: Master, log: Logger): Promise<RuntimeChoice> {
  const place = { workDirectory: paths.runtimeDir, cgroupParent: `/${keys.cgroupName}` };
  const choice = await probeRuntime(realProc, place);
  if (choice.kind === 'none') throw new Fatal(choice.message, EXIT_MISSING_PROGRAM);
  if (choice.kind !== 'crun-private-mount' || process.env[MOVED] !== undefined) return choice;
  const [program = '', ...args] = choice.wrap(ownCommandLine());
  log.info('moving into a mount namespace without the cgroup v2 mount', { reasons: choice.reasons });
  return execInPlace(requireProgram(program), [program, ...args], { ...ownEnvironment(), [MOVED]: '1' });
}

function requireProgram(name: string): string {
  const path = findProgram(name);
  if (path === undefined)
    throw new Fatal(`${name} is not installed: apt-get install -y ${name}`, EXIT_MISSING_PROGRAM);
  return path;
}

class Tree {
  private readonly options: TreeOptions;
  private readonly log: Logger;
  private readonly master: Master;
  private readonly runtime: RuntimeChoice;
  private readonly cgroups: Cgroups;
  private readonly exits: ExitWatch;
  private readonly containers: Containers;
  private readonly supervisor: Supervisor;
  private readonly configuration: Configuration;
  private readonly status: StatusWriter;
  private reading: Reading = { desired: undefined, sandboxes: [], errors: [] };
  private reloads = 0;
  private stopping = false;
  private stopWatches: () => void = () => undefined;

  constructor(options: TreeOptions, log: Logger, master: Master, runtime: RuntimeChoice, init: string) {
    this.options = options;
    this.log = log;
    this.master = master;
    this.runtime = runtime;
    const { paths, keys } = master;
    this.cgroups = new Cgroups(keys.cgroupName, realClock);
    this.exits = new ExitWatch(paths, error => log.error(`watching ${paths.exitsDir}: ${error.message}`));
    const oci = new OciRuntime(runtime, { stateRoot: paths.ociRoot });
    const world = { clock: realClock, disk: realDisk, paths, log };
    this.containers = new Containers({
      ...world,
      runtime: oci,
      cgroups: this.cgroups,
      init,
      attachments: [],
    });
    this.supervisor = new Supervisor({
      ...world,
      containers: this.containers,
      exits: this.exits,
      onChange: () => this.status.changed(),
    });
    this.configuration = new Configuration({ ...world, lastGood: new LastGood(realDisk, paths.lastGoodDir) });
    this.status = new StatusWriter({ ...world, file: paths.statusFile, snapshot: () => this.snapshot() });
  }

  /** Runs until a signal ends it; resolves to the exit code. */
  async run(signals: SignalQueue): Promise<number> {
    const { paths } = this.master;
    const world = {
      disk: realDisk,
      paths,
      containers: this.containers,
      supervisor: this.supervisor,
      log: this.log,
    };
    this.reloads = (await readStatus(realDisk, paths.statusFile))?.reloads ?? 0;
    this.watch();
    await recover(world);
    await this.reload();
    this.sweepCgroups();
    for (;;) {
      const signal = await signals.next();
      this.log.info(`signal: ${signal}`);
      if (signal === 'stop') return await this.stop();
      if (signal === 'reload') await this.reload();
      else await this.reexec(signals);
    }
  }

  private watch(): void {
    const timer = setInterval(() => this.supervisor.checkPids(), TIMES.pidCheckMs);
    const stopReaping = startReaping(this.log, (pid, code) => this.supervisor.reaped(pid, code));
    this.stopWatches = () => {
      clearInterval(timer);
      stopReaping();
    };
  }

  /** Cgroups that an earlier tree left; another tree with the same `cgroup-name` may be using the others. */
  private sweepCgroups(): void {
    const known = new Set(this.supervisor.all().map(({ name }) => name));
    for (const name of this.cgroups.scopes().filter(scope => !known.has(scope))) {
      try {
        this.cgroups.removeUnused(name);
      } catch (error) {
        this.log.warn(`cgroup of ${name}: ${(error as Error).message}`);
      }
    }
  }

  private async reload(): Promise<void> {
    this.reading = await this.configuration.read().catch((error: Error) => {
      this.log.error(`bug: the configuration cannot be read: ${error.stack ?? error.message}`);
      return { desired: undefined, sandboxes: this.reading.sandboxes, errors: [error.message] };
    });
    if (this.reading.desired !== undefined) {
      for (const action of this.supervisor.apply(this.reading.desired)) {
        if (action.kind !== 'keep') this.log.info(describeAction(action));
      }
    }
    this.reloads++;
    await this.status.flush();
  }

  private async stop(): Promise<number> {
    this.stopping = true;
    await this.supervisor.stopAll();
    this.cgroups.removeBase();
    // Everything has stopped: nothing that cannot be removed makes that untrue.
    await realDisk
      .remove(this.master.paths.instancesDir)
      .catch((error: Error) => this.log.error(error.message));
    await this.status.flush();
    this.stopWatches();
    this.exits.close();
    this.log.warn('stopped: nothing of this tree runs any more');
    return 0;
  }

  /** Same pid, same arguments, new code and master config; what runs is adopted from disk. Refused while it could not go on. */
  private async reexec(signals: SignalQueue): Promise<void> {
    const { pidFile } = this.master.paths;
    try {
      await readMaster(this.options.config);
      for (const path of [process.execPath, process.argv[1] as string]) accessSync(path);
      // The new program writes at once: better to find out now that the disk is full.
      await realDisk.writeAtomic(pidFile, `${process.pid}\n`);
    } catch (error) {
      this.log.error(`re-exec refused: ${(error as Error).message}`);
      return;
    }
    await this.supervisor.drain(EXEC_DRAIN_MS);
    await this.status.flush();
    // The new program would know nothing of it.
    if (signals.isWaiting('stop')) return;
    this.log.warn('re-exec');
    this.stopWatches();
    try {
      // Until its handlers are there a signal would end the new program (Node clears the signal mask when it starts, so
      // blocking does not help): without the file lithos_switch sends none, and needs none, because the configuration
      // is read after the file is back.
      rmSync(pidFile, { force: true });
      replaceProgram();
    } catch (error) {
      this.log.error(`re-exec failed: ${(error as Error).message}`);
      this.watch();
      await claimPidFile(realDisk, pidFile, process.pid);
    }
  }

  private snapshot(): Omit<TreeStatus, 'schemaVersion' | 'writtenWallMs'> {
    const wallFromMonotonicMs = realClock.wallMs() - realClock.monotonicMs();
    return {
      pid: process.pid,
      version: this.options.version,
      config: this.options.config,
      reloads: this.reloads,
      stopping: this.stopping,
      runtime: this.runtime.kind,
      errors: this.reading.errors,
      sandboxes: this.reading.sandboxes,
      rollouts: [],
      instances: this.supervisor
        .all()
        .map(instance => {
          const { name } = instance;
          const lost = this.supervisor.monitorLost(name);
          return instanceStatus(instance, this.supervisor.pidOf(name), lost, wallFromMonotonicMs);
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    };
  }
}

async function start(options: TreeOptions, signals: SignalQueue): Promise<number> {
  if (process.getuid?.() !== 0) throw new Fatal('lithos_tree must run as root');
  const master = await readMaster(options.config);
  makeDirectories(master.paths);
  const { log, close } = openLog(options, master);
  outliveBugs(log, () => signals.isWaiting('stop'));
  try {
    for (const warning of master.warnings)
      log.warn(`${warning.file}:${warning.line}:${warning.column}: ${warning.message}`);
    requireProgram('conmon');
    const init = requireProgram('catatonit');
    const runtime = await chooseRuntime(master, log);
    const other = await claimPidFile(realDisk, master.paths.pidFile, process.pid);
    if (other !== undefined) throw new Fatal(`another lithos_tree runs with this runtime-dir: pid ${other}`);
    log.warn('started', {
      pid: process.pid,
      version: options.version,
      runtime: runtime.kind,
      reasons: runtime.reasons,
    });
    takeCharge();
    return await new Tree(options, log, master, runtime, init).run(signals);
  } catch (error) {
    log.error(`fatal: ${(error as Error).message}`);
    throw error;
  } finally {
    close();
  }
}

/** Never rejects for an operator's mistake: it is printed and becomes the exit code. */
export async function runTree(options: TreeOptions): Promise<number> {
  // First of all: a signal that comes while we start must wait for us, not end us.
  const signals = listenSignals();
  const say = (message: string) => process.stderr.write(`Fatal error: ${message}\n`);
  try {
    return await start(options, signals);
  } catch (error) {
    say((error as Error).message);
    if (mustNotEnd()) await tryAgain(say, () => signals.isWaiting('stop'));
    return error instanceof Fatal ? error.exitCode : 1;
  }
}
