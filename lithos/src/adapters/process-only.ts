// `restart-process-only`: a container that stays, and in it one program after the other.
//
//   instances/SANDBOX/PROCESS.N/
//     container/   its bundle: an init that does nothing but wait and reap is its first process
//     RUN/         per run the program: process.json, its pid, exit file and record, as those of any run
import { readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isEnding, processStartTime } from '@suite/shared/linux/proc.ts';
import { writeBundle } from '@suite/shared/oci/bundle.ts';
import { INIT_PATH } from '@suite/shared/oci/fixed-mounts.ts';
import type { MonitorOptions } from '@suite/shared/oci/monitor.ts';
import type { Disk } from '@suite/shared/ports/index.ts';
import { LIMITS } from '../config/defaults.ts';
import type { DesiredInstance } from '../core/desired/types.ts';
import { type HostPaths, instanceDir } from './paths.ts';
import { type RunFiles, sameProcess } from './records.ts';

/** Never a run: those are numbers. */
const DIRECTORY = 'container';
const RECORD = 'container.json';
const OWNER_ONLY = 0o600;
/** The container's own program says nothing. */
const NO_LOG = '/dev/null';

interface Standing {
  readonly identity: string;
  readonly pid: number;
  readonly processStart: string;
}

interface OciProcess {
  readonly args: readonly string[];
}

function isStanding(value: unknown): value is Standing {
  const { identity, pid, processStart } = (value ?? {}) as Partial<Standing>;
  return typeof identity === 'string' && Number.isInteger(pid) && typeof processStart === 'string';
}

/** An init that was killed is seen until everything in its pid namespace has ended; nothing can be started there then. */
function isWhole({ pid, processStart }: Standing): boolean {
  return sameProcess(pid, processStart) && !isEnding(pid);
}

/** Id of the container in which the program of this run is, when that is not the run's own. */
export async function containerOf(bundle: string): Promise<string | undefined> {
  return (await readFile(join(bundle, 'container'), 'utf8').catch(() => undefined))?.trim();
}

export class ProcessOnly {
  private readonly paths: HostPaths;
  private readonly disk: Disk;

  constructor(paths: HostPaths, disk: Disk) {
    this.paths = paths;
    this.disk = disk;
  }

  /** The first process of the container that stands for exactly this configuration; undefined: a new one is needed. */
  async standing(desired: DesiredInstance): Promise<number | undefined> {
    const found = await this.read(desired.name);
    if (found?.identity !== desired.identity) return undefined;
    return isWhole(found) ? found.pid : undefined;
  }

  /** Whatever its configuration. */
  async isStanding(name: string): Promise<boolean> {
    const found = await this.read(name);
    return found !== undefined && isWhole(found);
  }

  /** Throws with a sentence what cannot be had together with a container that stays. */
  check({ sharePid, needsPid, sockets }: DesiredInstance): void {
    if (sharePid)
      throw new Error(
        '`restart-process-only` needs pids of its own: `share-namespaces` of the sandbox has `pid`',
      );
    if (needsPid)
      throw new Error('with `restart-process-only` the pid of the program is not known before it starts');
    if (sockets.some(socket => socket.kind === 'tcp' && socket.place === 'inside'))
      throw new Error(
        '`restart-process-only` cannot be had together with ports of a bridged network: declare them external',
      );
  }

  /** Where the container is, and its bundle made of that of a run. The last one, if it still stands, is ended. */
  async makeBundle(
    desired: DesiredInstance,
    run: RunFiles,
  ): Promise<RunFiles & { readonly exitDir: string }> {
    const files = this.files(desired.name);
    await this.end(desired.name);
    const config = await readConfig(run.bundle);
    await writeBundle(files.bundle, { ...config, process: { ...config.process, args: [INIT_PATH, '-P'] } });
    return files;
  }

  /** The container runs. */
  async remember(desired: DesiredInstance, pid: number): Promise<void> {
    const standing = { identity: desired.identity, pid, processStart: processStartTime(pid) ?? '' };
    await this.disk.writeAtomic(this.files(desired.name).record, JSON.stringify(standing));
  }

  /** What the monitor of the program needs to know, besides what every monitor does. */
  async session(desired: DesiredInstance, run: RunFiles, base: MonitorOptions): Promise<MonitorOptions> {
    const container = this.files(desired.name);
    const processSpec = join(run.bundle, 'process.json');
    const exitDir = join(run.bundle, 'exits');
    const { process } = await readConfig(run.bundle);
    const spec = JSON.stringify({ ...process, args: desired.command });
    await this.disk.writeAtomic(processSpec, spec, { mode: OWNER_ONLY });
    await this.disk.writeAtomic(join(run.bundle, 'container'), container.id);
    // Memory is the container's: its monitor leaves the mark, and what it marked before was about an earlier program.
    const mark = join(container.persistDir, 'oom');
    await rm(mark, { force: true });
    await rm(join(run.persistDir, 'oom'), { force: true });
    await symlink(mark, join(run.persistDir, 'oom'));
    const exitLink = join(this.paths.exitsDir, run.id);
    return { ...base, exitDir, exec: { container: container.id, processSpec, exitLink } };
  }

  /** For the monitor of the container itself. */
  monitorOptions(base: MonitorOptions, files: RunFiles & { readonly exitDir: string }): MonitorOptions {
    const { id, bundle, exitDir, persistDir, pidFile, monitorPidFile } = files;
    const { logFd: _output, errorFd: _errors, preserveFds: _sockets, ...rest } = base;
    return {
      ...rest,
      id,
      bundle,
      exitDir,
      persistDir,
      pidFile,
      conmonPidFile: monitorPidFile,
      logPath: NO_LOG,
    };
  }

  /** Names of the instances that have one, whether it still lives or not. */
  async all(): Promise<string[]> {
    const found: string[] = [];
    for (const sandbox of (await this.disk.list(this.paths.instancesDir)) ?? []) {
      for (const instance of (await this.disk.list(join(this.paths.instancesDir, sandbox))) ?? []) {
        const name = `${sandbox}/${instance}`;
        if ((await this.read(name)) !== undefined) found.push(name);
      }
    }
    return found;
  }

  /** Its first process takes all others of the container with it. Fine when there is none. */
  async end(name: string): Promise<void> {
    const found = await this.read(name);
    if (found === undefined) return;
    try {
      if (sameProcess(found.pid, found.processStart)) process.kill(found.pid, 'SIGKILL');
    } catch {
      // It ended in between.
    }
    await rm(join(this.paths.ociRoot, this.files(name).id), { recursive: true, force: true });
    await rm(this.files(name).bundle, { recursive: true, force: true });
  }

  private files(name: string): RunFiles & { readonly exitDir: string } {
    const bundle = join(instanceDir(this.paths.instancesDir, name), DIRECTORY);
    return {
      id: `${name.replace('/', '.')}.${DIRECTORY}`,
      bundle,
      record: join(bundle, RECORD),
      ready: join(bundle, 'ready'),
      stop: join(bundle, 'stop.json'),
      pidFile: join(bundle, 'pid'),
      monitorPidFile: join(bundle, 'conmon.pid'),
      persistDir: join(bundle, 'persist'),
      exitDir: join(bundle, 'exits'),
    };
  }

  private async read(name: string): Promise<Standing | undefined> {
    try {
      const text = await this.disk.readText(this.files(name).record, LIMITS.stateFileBytes);
      const value: unknown = JSON.parse(text ?? 'null');
      return isStanding(value) ? value : undefined;
    } catch {
      return undefined;
    }
  }
}

async function readConfig(bundle: string): Promise<{ readonly process: OciProcess }> {
  return JSON.parse(await readFile(join(bundle, 'config.json'), 'utf8')) as { process: OciProcess };
}
