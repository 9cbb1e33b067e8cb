// What the tree needs before it can do anything: its configuration, directories, log, sibling programs, a runtime.
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { type Logger, parseLogLevel } from '@suite/shared/cli/log.ts';
import { ownCgroupMounts } from '@suite/shared/linux/cgroup-files.ts';
import { execInPlace } from '@suite/shared/linux/exec.ts';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { sealedCopy } from '@suite/shared/linux/sealed-copy.ts';
import { probeRuntime, type RuntimeChoice } from '@suite/shared/oci/probe.ts';
import { OciRuntime } from '@suite/shared/oci/runtime.ts';
import { provesBarrier } from '@suite/shared/oci/start-barrier.ts';
import type { TrialPlace } from '@suite/shared/oci/trial.ts';
import { realClock, realDisk, realProc } from '@suite/shared/ports/real.ts';
import { printDiagnostics } from '@suite/shared/schema/index.ts';
import { Cgroups } from '../adapters/cgroups.ts';
import { loadMaster, type Master } from '../adapters/load-master.ts';
import { TreeLog } from '../adapters/logs/tree-log.ts';
import { leaveRoom } from '../adapters/own-cgroup.ts';
import type { HostPaths } from '../adapters/paths.ts';
import { consoleWriter } from './console.ts';
import { EXIT_MISSING_PROGRAM, Fatal } from './fatal.ts';
import { isMachine } from './machine.ts';
import { MEMORY_ENVIRONMENT } from './memory.ts';
import { ownCommandLine, ownEnvironment } from './replace.ts';

export interface TreeOptions {
  readonly config: string;
  readonly logStderr: boolean;
  /** PID 1 of a machine does so anyway. */
  readonly logConsole: boolean;
  readonly logLevel: string | undefined;
  readonly version: string;
}

/** Where cantal looks for our metrics: it reads the environment a process was started with. */
export const METRICS_PATH = 'CANTAL_PATH';
/** Set over the move into a private mount namespace. */
const MOVED = 'LITHOS_TREE_MOVED';

export function makeDirectories(paths: HostPaths): void {
  const wanted = [
    paths.runtimeDir,
    paths.stateDir,
    paths.instancesDir,
    paths.exitsDir,
    paths.ociRoot,
    paths.lastGoodDir,
    paths.rolloutsDir,
    paths.logDir,
    paths.stdioLogDir,
    ...(paths.configLogDir === null ? [] : [paths.configLogDir]),
  ];
  for (const directory of wanted) mkdirSync(directory, { recursive: true });
  // Bundles, records and the last good configuration may hold what only root should read.
  for (const directory of [paths.instancesDir, paths.ociRoot, paths.lastGoodDir, paths.rolloutsDir])
    chmodSync(directory, 0o700);
}

export function openLog(options: TreeOptions, master: Master): TreeLog {
  const level = parseLogLevel(options.logLevel ?? master.keys.logLevel) ?? 'warn';
  const toConsole = options.logConsole || isMachine() ? consoleWriter() : undefined;
  const toStderr = options.logStderr ? (line: string) => void process.stderr.write(line) : undefined;
  const also = [toStderr, toConsole].filter(each => each !== undefined);
  return new TreeLog({ master, clock: realClock, level, also });
}

/** Throws Fatal with all errors of the file, or with what it asks of this host in vain. */
export async function readMaster(file: string): Promise<Master> {
  const texts = new Map<string, string>();
  const read = await loadMaster(realDisk, file, texts);
  if (!read.ok) throw new Fatal(printDiagnostics(read.errors, texts, { colour: false }).trimEnd());
  const missing = new Cgroups(read.value.keys, realClock).missing();
  if (missing.length === 0) return read.value;
  throw new Fatal(`cgroup-controllers: this host has no ${missing.join(', ')}: mount or leave out`);
}

function trialPlace(master: Master): TrialPlace {
  const { cgroupName } = master.keys;
  const workDirectory = master.paths.runtimeDir;
  return cgroupName === null
    ? { workDirectory, cgroups: 'none' }
    : { workDirectory, cgroupParent: `/${cgroupName}` };
}

/** Throws Fatal where containers could have no limits because of where the tree is itself. */
export function leaveRoomFor({ keys: { cgroupName } }: Master, log: Logger): void {
  if (cgroupName === null) return;
  let problem: string | undefined;
  try {
    problem = leaveRoom(ownCgroupMounts(), readFileSync('/proc/self/cgroup', 'utf8'), cgroupName);
  } catch (error) {
    log.warn(`the tree stays in the cgroup it was started in: ${(error as Error).message}`);
  }
  if (problem !== undefined) throw new Fatal(problem);
}

/**
 * Where crun only works without the v2 mount, the whole tree moves into a mount namespace without it, once: wrapping
 * every call of the runtime would cost each restart two more programs. The pid stays; a second try is not made. The
 * same step (taken alone where no move is needed) makes Node a small one, in an environment that says where its metrics
 * are.
 */
export async function chooseRuntime(master: Master, log: Logger): Promise<RuntimeChoice> {
  const choice = await probeRuntime(realProc, trialPlace(master));
  if (choice.kind === 'none') throw new Fatal(choice.message, EXIT_MISSING_PROGRAM);
  const moves = choice.kind === 'crun-private-mount' && process.env[MOVED] === undefined;
  if (!moves && process.env[METRICS_PATH] !== undefined) return choice;
  const env = {
    [METRICS_PATH]: master.paths.metricsBase,
    ...MEMORY_ENVIRONMENT,
    ...ownEnvironment(),
    ...(moves ? { [MOVED]: '1' } : {}),
  };
  const [program = '', ...args] = moves ? choice.wrap(ownCommandLine()) : ownCommandLine();
  if (moves)
    log.info('moving into a mount namespace without the cgroup v2 mount', { reasons: choice.reasons });
  return execInPlace(moves ? requireProgram(program) : process.execPath, [program, ...args], env);
}

/** crun protects itself against the container by executing a copy of itself, unless it is one that nobody can change. */
function sealed(choice: RuntimeChoice, log: Logger): RuntimeChoice[] {
  if (choice.kind === 'runc') return [];
  try {
    return [{ ...choice, program: sealedCopy(choice.program) }];
  } catch (error) {
    log.info(`${choice.program} is not copied into memory: ${(error as Error).message}`);
    return [];
  }
}

/**
 * The runtime as the tree calls it, by the quickest way that is proven to work here. What is proven is kept: an upgrade
 * of the runtime takes effect when the tree is replaced (SIGQUIT).
 */
export async function driveRuntime(master: Master, choice: RuntimeChoice, log: Logger): Promise<OciRuntime> {
  const cgroups = master.keys.cgroupName === null ? 'none' : 'own';
  const options = { stateRoot: master.paths.ociRoot, cgroups } as const;
  for (const each of [...sealed(choice, log), choice]) {
    if (await provesBarrier(each, trialPlace(master)))
      return new OciRuntime(each, { ...options, barrier: true });
  }
  return new OciRuntime(choice, options);
}

export function requireProgram(name: string): string {
  const path = findProgram(name);
  if (path === undefined)
    throw new Fatal(`${name} is not installed: apt-get install -y ${name}`, EXIT_MISSING_PROGRAM);
  return path;
}
