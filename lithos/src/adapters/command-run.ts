// One container in the foreground, from its bundle to the removal of what it left.
//
//   prepared ──▶ runs ──▶ ended ──▶ removed          TERM, INT, HUP: passed on; after the kill-timeout KILL
//                 │
//                 └── we are killed: a guard, which waits for the end of our pipe, kills it
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '@suite/shared/cli/log.ts';
import { ownCgroupMounts } from '@suite/shared/linux/cgroup-files.ts';
import { CgroupMoves } from '@suite/shared/linux/cgroup-moves.ts';
import { processStartTime } from '@suite/shared/linux/proc.ts';
import { probeRuntime } from '@suite/shared/oci/probe.ts';
import { OciRuntime } from '@suite/shared/oci/runtime.ts';
import { realClock, realDisk, realProc } from '@suite/shared/ports/real.ts';
import { TIMES } from '../config/defaults.ts';
import type { DesiredInstance } from '../core/desired/types.ts';
import { type Attachment, gather, type RunPart } from './attachment.ts';
import { Cgroups } from './cgroups.ts';
import { type CopiedOutput, copyToLog } from './command-output.ts';
import { COMMAND_RUN, commandPaths } from './commands.ts';
import { Containers } from './containers.ts';
import type { Master } from './load-master.ts';
import type { LogLimits } from './logs/rotation.ts';
import { MountGate } from './mount-gate.ts';
import { networkAttachment } from './network-attachment.ts';
import { Networks } from './networks.ts';
import { type HostPaths, stdioLog } from './paths.ts';
import { type RunFiles, readPid } from './records.ts';
import { Secrets } from './secrets/attachment.ts';
import { Sockets } from './sockets.ts';
import { StdioTarget } from './stdio-target.ts';
import { VolumeGuard } from './volume-guard.ts';

/** The program never ran; the message is for the operator. */
export class NotStarted extends Error {}

const PASSED_ON = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
const STOPS: ReadonlySet<string> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP']);
const SIGNAL_BASE = 128;

interface CommandRunOptions {
  readonly master: Master;
  readonly desired: DesiredInstance;
  readonly init: string;
  readonly log: Logger;
}

export class CommandRun {
  private readonly options: CommandRunOptions;
  private readonly paths: HostPaths;
  private readonly cgroups: Cgroups;

  constructor(options: CommandRunOptions) {
    this.options = options;
    this.paths = commandPaths(options.master.paths, options.desired.name);
    this.cgroups = new Cgroups(options.master.keys, realClock);
  }

  /** Resolves to the exit code of the program. Throws NotStarted. */
  async run(): Promise<number> {
    const { desired, log } = this.options;
    const { paths } = this;
    for (const directory of [paths.runtimeDir, paths.stateDir]) mkdirSync(directory, { recursive: true });
    // Environments are in there.
    for (const directory of [paths.instancesDir, paths.ociRoot])
      mkdirSync(directory, { recursive: true, mode: 0o700 });
    const runtime = await this.chooseRuntime();
    const attachments = this.attachments();
    const containers = new Containers({
      paths,
      runtime,
      cgroups: this.cgroups,
      moves: new CgroupMoves(ownCgroupMounts()),
      disk: realDisk,
      clock: realClock,
      init: this.options.init,
      attachments,
    });
    try {
      await containers.prepare(desired, COMMAND_RUN);
      await containers.makeReady(desired, COMMAND_RUN);
      const parts = await gather(attachments.map(each => each.attach?.(desired, COMMAND_RUN)));
      return await this.foreground(runtime, containers, parts);
    } catch (error) {
      log.error(`${desired.name} could not be started: ${(error as Error).message}`);
      throw error instanceof NotStarted ? error : new NotStarted((error as Error).message);
    } finally {
      await runtime.delete(containers.files(desired.name, COMMAND_RUN).id, true);
      await containers.forget(desired.name);
    }
  }

  private async chooseRuntime(): Promise<OciRuntime> {
    const { cgroupName } = this.options.master.keys;
    const choice = await probeRuntime(realProc, {
      workDirectory: this.paths.runtimeDir,
      ...(cgroupName !== null && { cgroupParent: `/${cgroupName}` }),
    });
    if (choice.kind === 'none') throw new NotStarted(choice.message);
    const cgroups = cgroupName === null ? 'none' : 'own';
    return new OciRuntime(choice, { stateRoot: this.paths.ociRoot, cgroups });
  }

  private attachments(): Attachment[] {
    const { log } = this.options;
    const networks = new Networks({ directory: this.paths.networksDir, proc: realProc, log });
    return [
      new VolumeGuard(),
      new StdioTarget(this.paths),
      networkAttachment(networks, new Sockets(log)),
      new Secrets(realDisk),
    ];
  }

  /** What our own terminal is, the program's is too; else a log takes its output. */
  private async foreground(
    runtime: OciRuntime,
    containers: Containers,
    parts: readonly RunPart[],
  ): Promise<number> {
    const { desired, log } = this.options;
    const files = containers.files(desired.name, COMMAND_RUN);
    const interactive = desired.stdio.kind === 'inherit';
    const terminal = interactive && process.stdin.isTTY === true && process.stdout.isTTY === true;
    const gate = new MountGate(files.bundle, realClock);
    changeConfig(files.bundle, config => ({
      ...(terminal ? giveTerminal(config) : config),
      hooks: gate.hooks(),
    }));
    const output = parts.find(part => part.outputFd !== undefined)?.outputFd ?? 'pipe';
    const stdio: StdioOptions = interactive ? 'inherit' : ['inherit', output, output];
    const [program = '', ...args] = runtime.commandLine(
      ...['run', '--bundle', files.bundle, '--pid-file', files.pidFile, files.id],
    );
    const guard = startGuard(files.pidFile, desired.name, gate);
    const child = spawn(program, args, { stdio });
    const logFile = stdioLog(this.paths, `${desired.sandbox}/cmd.${desired.process}`);
    const logged =
      output === 'pipe' && !interactive ? copyToLog(child, logFile, this.logLimits()) : undefined;
    log.warn(`${desired.name} started`, { pid: child.pid });
    const passing = this.passSignals(containers, files);
    let isOver = false;
    // Not entered yet, so its root is still below ours.
    const check = (pid: number) =>
      containers.checkMounts(desired, COMMAND_RUN, `/proc/${pid}/root${desired.imageRoot}`);
    const passed = gate.open(() => isOver, check).catch((error: Error) => error);
    try {
      const { code, signal } = await ended(child).finally(() => {
        isOver = true;
      });
      const refused = await passed;
      if (refused !== undefined) throw new NotStarted(refused.message);
      const copied = await logged;
      const exit = code ?? SIGNAL_BASE + constants.signals[signal ?? 'SIGKILL'];
      log.warn(`${desired.name} ended with ${exit}`);
      if (copied !== undefined) tellOutput(logFile, copied, exit);
      return exit;
    } finally {
      gate.close();
      passing.stop();
      guard.kill('SIGKILL');
    }
  }

  private logLimits(): LogLimits {
    const { stdioLogSize, stdioLogFiles } = this.options.master.keys;
    return { sizeBytes: stdioLogSize, files: stdioLogFiles };
  }

  private passSignals(containers: Containers, files: RunFiles): { stop: () => void } {
    const { desired } = this.options;
    let deadline: { cancel(): void } | undefined;
    let over = false;
    const pass = async (signal: NodeJS.Signals) => {
      // The program may have its first word before the runtime has written down its pid.
      let pid = await readPid(files.pidFile);
      for (; pid === undefined && !over; pid = await readPid(files.pidFile)) await pause(TIMES.killPollMs);
      const start = pid === undefined ? undefined : processStartTime(pid);
      if (pid === undefined || start === undefined) return;
      await containers.terminate(pid, start, signal);
      if (STOPS.has(signal))
        deadline ??= realClock.after(
          desired.stop.timeoutMs,
          () => void containers.kill(desired.name, pid, start),
        );
    };
    const listeners = PASSED_ON.map(signal => [signal, () => void pass(signal)] as const);
    for (const [signal, listener] of listeners) process.on(signal, listener);
    return {
      stop: () => {
        over = true;
        deadline?.cancel();
        for (const [signal, listener] of listeners) process.off(signal, listener);
      },
    };
  }
}

function tellOutput(file: string, { lostLines }: CopiedOutput, exit: number): void {
  if (lostLines > 0)
    process.stderr.write(`lithos_cmd: ${lostLines} lines of its output did not fit into ${file}\n`);
  else if (exit !== 0) process.stderr.write(`lithos_cmd: its output is in ${file}\n`);
}

interface OciConfig {
  readonly process: object;
}

function changeConfig(bundle: string, change: (config: OciConfig) => object): void {
  const file = join(bundle, 'config.json');
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')) as OciConfig)));
}

/** The runtime makes a terminal in the container and copies between it and ours. */
function giveTerminal(config: OciConfig): OciConfig {
  const { rows, columns } = process.stdout;
  const consoleSize = { height: rows, width: columns };
  return { ...config, process: { ...config.process, terminal: true, consoleSize } };
}

/**
 * Kills the container when we are gone: nobody else would. It ends with us in peace (killed by us), or reads the end of
 * the pipe, which is our death.
 */
function startGuard(pidFile: string, name: string, gate: MountGate): ChildProcess {
  const script = [
    'cat >/dev/null; pid=$(cat "$0") && grep -qzxF "LITHOS_NAME=$1" "/proc/$pid/environ" && kill -KILL "$pid"',
    // One that is held back waits for a word of ours; it will not open the pipe later than this.
    'exec 3<>"$2" && echo no >&3 && sleep 1',
  ].join('\n');
  const guard = spawn('sh', ['-c', script, pidFile, name, gate.path], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // A Ctrl-C at the terminal is for the program.
    detached: true,
  });
  guard.on('error', () => undefined);
  guard.unref();
  return guard;
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => realClock.after(ms, resolve));
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', error => reject(new NotStarted(error.message)));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}
