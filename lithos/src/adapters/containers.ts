// Starts, stops and clears away containers: conmon watches each, the OCI runtime makes it, the init in it is PID 1.
import { readFileSync, rmSync } from 'node:fs';
import { chmod, mkdir, rm, rmdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import type { CgroupMoves } from '@suite/shared/linux/cgroup-moves.ts';
import { parseStatus, processStartTime } from '@suite/shared/linux/proc.ts';
import { writeBundle } from '@suite/shared/oci/bundle.ts';
import { CompiledFilters, type FilterUse } from '@suite/shared/oci/compiled-filters.ts';
import { toOciConfig } from '@suite/shared/oci/config.ts';
import { beginMonitored, createMonitored, type MonitorOptions } from '@suite/shared/oci/monitor.ts';
import type { OciRuntime } from '@suite/shared/oci/runtime.ts';
import type { Clock, Disk } from '@suite/shared/ports/index.ts';
import { TIMES } from '../config/defaults.ts';
import type { DesiredInstance, StopPolicy } from '../core/desired/types.ts';
import type { Instance, Run, StopOrder } from '../core/instance/types.ts';
import { type Attachment, gather, type RunPart } from './attachment.ts';
import { markFiles, mountsOf, sandboxSpec } from './bundle.ts';
import type { Cgroups } from './cgroups.ts';
import { withoutGaps } from './descriptors.ts';
import { deviceNodes } from './device-nodes.ts';
import { etcMounts, writeEtcFiles } from './etc-files.ts';
import { lookUp } from './image.ts';
import { limitsOf } from './limits.ts';
import { noteOomKills } from './oom-marks.ts';
import { type HostPaths, instanceDir, stdioLog } from './paths.ts';
import { checkPossible } from './possible.ts';
import { ProcessOnly } from './process-only.ts';
import { type RunFiles, type RunRecord, readPid, runFiles, sameProcess, writeRecord } from './records.ts';
import { removeTree } from './remove-tree.ts';
import { makeStateDir, openStateDir, removeSmall } from './state-dir.ts';
import { prepareDirectories } from './volumes.ts';

export interface Started {
  readonly pid: number;
  readonly processStart: string;
}

export interface ContainersOptions {
  readonly paths: HostPaths;
  readonly runtime: OciRuntime;
  readonly cgroups: Cgroups;
  readonly moves: CgroupMoves;
  readonly disk: Disk;
  readonly clock: Clock;
  /** Static init program of the host, e.g. catatonit. */
  readonly init: string;
  readonly attachments: readonly Attachment[];
}

interface Prepared {
  readonly run: number;
  readonly desired: DesiredInstance;
  readonly filter: FilterUse | undefined;
}

export class Containers {
  private readonly options: ContainersOptions;
  /** Bundles written ahead, so that a restart costs create and start only. Valid for exactly this object. */
  private readonly prepared = new Map<string, Prepared>();

  private readonly filters: CompiledFilters;
  private readonly processOnly: ProcessOnly;

  constructor(options: ContainersOptions) {
    this.options = options;
    this.filters = new CompiledFilters(options.runtime);
    this.processOnly = new ProcessOnly(options.paths, options.disk);
  }

  files(name: string, run: number): RunFiles {
    return runFiles(this.options.paths, name, run);
  }

  /** Writes the bundle of a later run. Throws with a sentence when the image or a file is missing. */
  async prepare(desired: DesiredInstance, run: number): Promise<void> {
    const { paths, cgroups, init, runtime } = this.options;
    const ahead = this.prepared.get(desired.name);
    if (ahead?.run === run && ahead.desired === desired) return;
    const files = this.files(desired.name, run);
    await checkPossible(desired, { runtime: runtime.choice.kind, cgroups: cgroups.enabled });
    const parts = await gather(this.options.attachments.map(each => each.prepare?.(desired, run)));
    const stateDir = instanceDir(paths.stateDir, desired.name);
    const spec = sandboxSpec(desired, {
      parts,
      mounts: await markFiles(mountsOf(desired, stateDir, await etcMounts(desired))),
      cgroupPath: cgroups.pathOf(desired.name),
      limits: await limitsOf(desired, cgroups.limits),
      devices: await deviceNodes(desired.devices),
      init,
    });
    await mkdir(files.persistDir, { recursive: true });
    const { config, use } = this.filters.apply(toOciConfig(spec));
    await writeBundle(files.bundle, config);
    this.prepared.set(desired.name, { run, desired, filter: use });
  }

  /** The sooner the better, already when one ends that is wanted: what the kernel needs before a start goes on beside everything we do. */
  expectStart(): void {
    this.options.moves.expectOne();
  }

  /** Creates and starts; resolves when the program runs. Throws with a sentence. */
  async start(instance: Instance, run: Run, desired: DesiredInstance): Promise<Started> {
    const { name } = desired;
    await this.prepare(desired, run.number);
    const filter = this.prepared.get(name)?.filter;
    this.prepared.delete(name);
    if (desired.processOnly) return await this.startProgram(instance, run, desired);
    const { runtime } = this.options;
    const files = this.files(name, run.number);
    // The file a program writes into may lie in a directory that is made anew for this run.
    const early = desired.stdio.kind === 'file';
    if (early) await this.makeReady(desired, run.number);
    const parts = await gather(this.options.attachments.map(each => each.attach?.(desired, run.number)));
    const passed = withoutGaps(new Map(parts.flatMap(part => [...(part.fds ?? [])])));
    const monitor = beginMonitored(this.monitorOptions(desired, files, parts, passed.preserve));
    try {
      if (!early) await this.makeReady(desired, run.number);
    } catch (error) {
      monitor.abandon();
      throw error;
    } finally {
      // The monitor has its copies.
      passed.close();
    }
    monitor.release();
    const created = await monitor.created;
    if ('error' in created) throw new Error(created.error.message);
    const processStart = processStartTime(created.pid) ?? '';
    writeRecord(files, this.record(instance, run, created.pid, processStart));
    try {
      if (filter !== undefined) this.filters.check(files.id, filter);
      await this.checkMounts(desired, run.number, `/proc/${created.pid}/root`);
      await gather(this.options.attachments.map(each => each.created?.(desired, run.number, created.pid)));
      const refused = await runtime.start(files.id);
      if (refused !== undefined) throw new Error(refused.error);
    } catch (error) {
      // Its program must never run, and nobody else knows of it.
      await runtime.delete(files.id, true);
      throw error;
    }
    return { pid: created.pid, processStart };
  }

  private monitorOptions(
    desired: DesiredInstance,
    files: RunFiles,
    parts: readonly RunPart[],
    preserveFds: readonly number[],
  ): MonitorOptions {
    const { paths, runtime } = this.options;
    const output = parts.find(part => part.outputFd !== undefined);
    return {
      preserveFds,
      ...(output?.outputFd !== undefined && { logFd: output.outputFd }),
      ...(output?.errorFd !== undefined && { errorFd: output.errorFd }),
      runtime,
      id: files.id,
      bundle: files.bundle,
      logPath: stdioLog(paths, desired.name),
      exitDir: paths.exitsDir,
      persistDir: files.persistDir,
      pidFile: files.pidFile,
      conmonPidFile: files.monitorPidFile,
    };
  }

  /** What a run needs on disk; on its start the monitor loads meanwhile. */
  async makeReady(desired: DesiredInstance, run: number): Promise<void> {
    const { paths, cgroups, attachments } = this.options;
    // Left-overs of the last run (a pid namespace that is shared does not die with its first process).
    await this.processOnly.end(desired.name);
    await cgroups.killAll(desired.name);
    noteOomKills(this.files(desired.name, run).persistDir, cgroups.stats(desired.name).oomKills);
    await this.freshStateDir(desired);
    rmSync(join(paths.exitsDir, this.files(desired.name, run).id), { force: true });
    await gather(attachments.map(each => each.beforeCreate?.(desired, run)));
  }

  /** The program alone, in the container that stands for it; that one is made first when there is none. */
  private async startProgram(instance: Instance, run: Run, desired: DesiredInstance): Promise<Started> {
    const { name } = desired;
    const { paths, attachments } = this.options;
    this.processOnly.check(desired);
    const files = this.files(name, run.number);
    await rm(join(paths.exitsDir, files.id), { force: true });
    const standing = await this.processOnly.standing(desired);
    if (standing === undefined) await this.makeReady(desired, run.number);
    const parts = await gather(attachments.map(each => each.attach?.(desired, run.number, standing)));
    const passed = withoutGaps(new Map(parts.flatMap(part => [...(part.fds ?? [])])));
    try {
      const options = this.monitorOptions(desired, files, parts, passed.preserve);
      if (standing === undefined) await this.makeStanding(desired, run, files, options);
      const created = await createMonitored(await this.processOnly.session(desired, files, options));
      if ('error' in created) throw new Error(created.error.message);
      const processStart = processStartTime(created.pid) ?? '';
      writeRecord(files, this.record(instance, run, created.pid, processStart));
      await gather(attachments.map(each => each.created?.(desired, run.number, created.pid)));
      return { pid: created.pid, processStart };
    } finally {
      passed.close();
    }
  }

  private async makeStanding(
    desired: DesiredInstance,
    run: Run,
    files: RunFiles,
    options: MonitorOptions,
  ): Promise<void> {
    const { runtime } = this.options;
    const container = await this.processOnly.makeBundle(desired, files);
    const created = await createMonitored(this.processOnly.monitorOptions(options, container));
    if ('error' in created) throw new Error(created.error.message);
    try {
      await this.checkMounts(desired, run.number, `/proc/${created.pid}/root`);
      const refused = await runtime.start(container.id);
      if (refused !== undefined) throw new Error(refused.error);
    } catch (error) {
      await runtime.delete(container.id, true);
      throw error;
    }
    await this.processOnly.remember(desired, created.pid);
  }

  /**
   * What the runtime has mounted is put right, or refused, before anything of the image runs. `root`: of the container, as
   * we see it.
   */
  async checkMounts(desired: DesiredInstance, run: number, root: string): Promise<void> {
    const { runtime, attachments } = this.options;
    if (runtime.choice.kind === 'runc') await giveTmpfsModes(desired, root);
    await gather(attachments.map(each => each.mounted?.(desired, run, root)));
  }

  /** Containers that stay between two programs, of instances that are not known here. */
  async standingOf(isKnown: (name: string) => boolean): Promise<string[]> {
    return (await this.processOnly.all()).filter(name => !isKnown(name));
  }

  private async freshStateDir(desired: DesiredInstance): Promise<void> {
    const stateDir = instanceDir(this.options.paths.stateDir, desired.name);
    if (!removeSmall(stateDir)) await removeTree(stateDir);
    makeStateDir(stateDir);
    await prepareDirectories(desired, stateDir);
    await writeEtcFiles(this.options.disk, desired, stateDir);
    openStateDir(stateDir);
  }

  private record(instance: Instance, run: Run, pid: number, processStart: string): RunRecord {
    const { number, startedMs: _startedMs, ...terms } = run;
    return {
      ...terms,
      version: 2,
      name: instance.name,
      run: number,
      pid,
      processStart,
      startedWallMs: this.options.clock.wallMs(),
      restarts: instance.restarts,
      failures: instance.failures,
      row: instance.row,
      lastExit: instance.lastExit ?? null,
    };
  }

  /** For a later supervisor, which must not begin again to wait for readiness. */
  async noteReady(name: string, run: number, ready: boolean): Promise<void> {
    const { disk, clock } = this.options;
    const file = this.files(name, run).ready;
    if (ready) await disk.writeAtomic(file, String(clock.wallMs()));
    else await disk.remove(file);
  }

  /** For a later supervisor, which must go on with the stop. */
  async noteStop(name: string, run: number, order: StopOrder): Promise<void> {
    await this.options.disk.writeAtomic(this.files(name, run).stop, JSON.stringify(order));
  }

  /** A signal to the container's first process: the init passes it on. Only if it still is that process. */
  async terminate(pid: number, processStart: string, name: StopPolicy['signal']): Promise<void> {
    const { clock } = this.options;
    const giveUp = clock.monotonicMs() + TIMES.initReadyMs;
    while (sameProcess(pid, processStart) && isDeaf(pid, name) && clock.monotonicMs() < giveUp)
      await new Promise<void>(resolve => clock.after(TIMES.killPollMs, resolve));
    if (sameProcess(pid, processStart)) signal(pid, name);
  }

  /** KILL of everything in the container: its first process takes a pid namespace with it, the cgroup has the rest. */
  async kill(name: string, pid: number, processStart: string): Promise<void> {
    if (sameProcess(pid, processStart)) signal(pid, 'SIGKILL');
    await this.options.cgroups.killAll(name);
  }

  /** Removes what a run that is over left: its runtime state, bundle, exit and pid files. */
  async discard(name: string, run: number): Promise<void> {
    const { paths } = this.options;
    const { id, bundle } = this.files(name, run);
    // Not `runtime delete`: it would kill and remove the cgroup, in which the next run already lives.
    await rm(join(paths.ociRoot, id), { recursive: true, force: true });
    await rm(bundle, { recursive: true, force: true });
    await rm(join(paths.exitsDir, id), { force: true });
    await gather(this.options.attachments.map(each => each.detach?.(name, run)));
  }

  /** A run that a crash of the supervisor cut short: whatever came of it is killed. */
  async discardIncomplete(name: string, run: number): Promise<void> {
    const { clock, cgroups } = this.options;
    const files = this.files(name, run);
    const giveUp = clock.monotonicMs() + TIMES.halfCreatedMs;
    const monitored = (await readPid(files.monitorPidFile)) !== undefined;
    while (monitored && (await readPid(files.pidFile)) === undefined && clock.monotonicMs() < giveUp) {
      await new Promise<void>(resolve => clock.after(TIMES.killPollMs, resolve));
    }
    const pid = await readPid(files.pidFile);
    if (pid !== undefined && (await this.isOurs(pid, name, files))) signal(pid, 'SIGKILL');
    // A container that stays has lost no more than this program, or one that was not even begun.
    const stays = (!monitored || pid !== undefined) && (await this.processOnly.isStanding(name));
    if (!stays) await cgroups.killAll(name);
    await this.discard(name, run);
  }

  /** A pid without a start time may be anybody's by now: only one in the instance's cgroup, else of its monitor, is ours. */
  private async isOurs(pid: number, name: string, files: RunFiles): Promise<boolean> {
    const { cgroups } = this.options;
    return cgroups.enabled ? cgroups.contains(name, pid) : await isMonitored(pid, files);
  }

  /** The instance is not wanted any more: nothing of it stays. */
  async forget(name: string): Promise<void> {
    const { paths, cgroups } = this.options;
    this.prepared.delete(name);
    await this.processOnly.end(name);
    await cgroups.remove(name);
    await gather(this.options.attachments.map(each => each.forget?.(name)));
    for (const root of [paths.stateDir, paths.instancesDir]) {
      const directory = instanceDir(root, name);
      await removeTree(directory);
      // The sandbox's own directory goes with its last instance.
      await rmdir(dirname(directory)).catch(() => undefined);
    }
  }
}

/**
 * The kernel drops a signal to the first process of a pid namespace that neither handles nor blocks it, and an init
 * needs some milliseconds before it does. Other processes get every signal.
 */
function isDeaf(pid: number, name: StopPolicy['signal']): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const field = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)?.[1] ?? '';
    const isFirst = /\s1$/.test(field('NSpid'));
    const bit = 1n << BigInt(constants.signals[name as NodeJS.Signals] - 1);
    const heard = BigInt(`0x${field('SigBlk')}`) | BigInt(`0x${field('SigCgt')}`);
    return isFirst && (field('Name') !== 'init' || (heard & bit) === 0n);
  } catch {
    return false;
  }
}

function signal(pid: number, name: StopPolicy['signal']): void {
  try {
    process.kill(pid, name as NodeJS.Signals);
  } catch {
    // It ended in between: its exit file says so.
  }
}

/**
 * runc 1.1 gives a tmpfs the mode of the directory below it, whatever its options say. Between create and start the
 * mounts are there and the program is not, so it is put right from outside; links stay inside the container's root.
 */
async function giveTmpfsModes(desired: DesiredInstance, root: string): Promise<void> {
  for (const volume of desired.volumes) {
    if (volume.kind !== 'tmpfs') continue;
    const found = await lookUp(root, volume.target);
    if (found.kind === 'directory') await chmod(found.hostPath, volume.mode);
  }
}

/** The process is a child of the run's own monitor, which names the container. */
async function isMonitored(pid: number, { id, monitorPidFile }: RunFiles): Promise<boolean> {
  const monitor = await readPid(monitorPidFile);
  if (monitor === undefined) return false;
  try {
    const words = readFileSync(`/proc/${monitor}/cmdline`, 'utf8').split('\0');
    const isMonitor = words[words.indexOf('--cid') + 1] === id;
    return isMonitor && parseStatus(readFileSync(`/proc/${pid}/status`, 'latin1')).ppid === monitor;
  } catch {
    return false;
  }
}
