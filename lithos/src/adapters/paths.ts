// Where everything of one host lives, as absolute paths, derived from the master config.
//
//   runtime-dir/
//     master.pid  status.json  lithos.sock  control.sock  metrics.{meta,values}
//     favordynmods                      a mark: the option of that name came from us (v2 only)
//     last-good/SANDBOX.json  rollouts/SANDBOX.PROCESS.json
//     state/SANDBOX/PROCESS.N/          what the container may see: hosts, resolv.conf, !Statedir volumes
//     instances/SANDBOX/PROCESS.N/RUN/  one OCI bundle per run: config.json, record.json, pid files (never mounted)
//     commands/SANDBOX/cmd.NAME.PID/    the same as instances/ for what lithos_cmd runs
//     networks/ID                       where the network of a container that is being created is
//     notify/SANDBOX/PROCESS.N/          the directory each container sees as /dev/lithos, with its notify socket
//     exits/ID  oci/                    exit codes left by the monitors; the runtime's own state
import { dirname, join, resolve } from 'node:path';
import type { MasterKeys } from '../config/master.ts';

export interface HostPaths {
  readonly masterFile: string;
  readonly sandboxesDir: string;
  readonly processesDir: string;
  readonly runtimeDir: string;
  readonly stateDir: string;
  readonly instancesDir: string;
  readonly commandsDir: string;
  readonly exitsDir: string;
  readonly networksDir: string;
  readonly notifyDir: string;
  readonly ociRoot: string;
  readonly lastGoodDir: string;
  readonly rolloutsDir: string;
  readonly statusFile: string;
  readonly pidFile: string;
  /** For everybody, to read; and for root. */
  readonly socketFile: string;
  readonly controlSocketFile: string;
  /** Is there while the host's cgroups have an option from us. */
  readonly favorMark: string;
  /** Without its two suffixes. */
  readonly metricsBase: string;
  readonly logDir: string;
  readonly logFile: string;
  readonly stdioLogDir: string;
  readonly configLogDir: string | null;
}

export function hostPaths(masterFile: string, keys: MasterKeys): HostPaths {
  const absolute = resolve(masterFile);
  const beside = dirname(absolute);
  const logDir = resolve(beside, keys.defaultLogDir);
  const runtime = (name: string) => join(keys.runtimeDir, name);
  return {
    masterFile: absolute,
    sandboxesDir: resolve(beside, keys.sandboxesDir),
    processesDir: resolve(beside, keys.processesDir),
    runtimeDir: keys.runtimeDir,
    stateDir: resolve(keys.runtimeDir, keys.stateDir),
    instancesDir: runtime('instances'),
    commandsDir: runtime('commands'),
    exitsDir: runtime('exits'),
    networksDir: runtime('networks'),
    notifyDir: runtime('notify'),
    ociRoot: runtime('oci'),
    lastGoodDir: runtime('last-good'),
    rolloutsDir: runtime('rollouts'),
    statusFile: runtime('status.json'),
    pidFile: runtime('master.pid'),
    socketFile: runtime('lithos.sock'),
    controlSocketFile: runtime('control.sock'),
    favorMark: runtime('favordynmods'),
    metricsBase: runtime('metrics'),
    logDir,
    logFile: resolve(logDir, keys.logFile),
    stdioLogDir: resolve(beside, keys.stdioLogDir),
    configLogDir: keys.configLogDir === null ? null : resolve(beside, keys.configLogDir),
  };
}

/** Directory of one instance below `root` (state or instances); the name is `sandbox/process.N`. */
export function instanceDir(root: string, name: string): string {
  return join(root, name);
}

/** Id of a container: names have no dots of their own, so it reads back unambiguously. */
export function containerId(name: string, run: number): string {
  return `${name.replace('/', '.')}.${run}`;
}

/** One log file per instance, so that the output of two workers never mixes. */
export function stdioLog(paths: HostPaths, name: string): string {
  return join(paths.stdioLogDir, `${name.replace('/', '.')}.log`);
}
