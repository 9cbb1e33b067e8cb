// From checked config files to the list of instances that should run.
import { capabilityName } from '../../config/capabilities.ts';
import type { ContainerKeys } from '../../config/container.ts';
import { DEFAULTS } from '../../config/defaults.ts';
import type { SandboxKeys } from '../../config/sandbox.ts';
import { signalName } from '../../config/signals.ts';
import { addressedInstances } from './checks/network.ts';
import { builtins, expand, expandEnviron, PID_IN_CONTAINER, PID_VARIABLE, type Values } from './expand.ts';
import { mapsInEffect } from './id-maps.ts';
import { historyOf, identityOf } from './identity.ts';
import { networkOf } from './network.ts';
import { probeOf, readinessOf } from './probes.ts';
import { secretsOf } from './secrets.ts';
import { activationEnviron, activationNames, socketsOf } from './sockets.ts';
import type { EntrySources, SandboxSources } from './sources.ts';
import type { DesiredInstance, DesiredSandbox, EtcFiles, IoLimit, RollingUpdate, Stdio } from './types.ts';
import { volumesOf } from './volumes.ts';

const SECOND_MS = 1000;
/** All that a bridged program keeps: it has its ports below 1024 to itself. */
const BIND_CAPABILITY = 'CAP_NET_BIND_SERVICE';

function etcFiles(container: ContainerKeys, sandbox: SandboxKeys): EtcFiles {
  const { resolvConf, hostsFile } = container;
  return {
    resolvConf: { mount: resolvConf.mount, copyFrom: resolvConf.copyFromHost ? sandbox.resolvConf : null },
    hosts: {
      mount: hostsFile.mount,
      copyFrom: hostsFile.copyFromHost ? sandbox.hostsFile : null,
      localhost: hostsFile.localhost ?? !hostsFile.copyFromHost,
      publicHostname: hostsFile.publicHostname ?? !hostsFile.copyFromHost,
      additional: sandbox.additionalHosts,
    },
  };
}

/** `interactive` wins over a file. */
function stdioOf({ interactive, stdoutStderrFile }: ContainerKeys): Stdio {
  if (interactive) return { kind: 'inherit' };
  return stdoutStderrFile === null ? { kind: 'log' } : { kind: 'file', path: stdoutStderrFile };
}

function ioLimitsOf({ ioLimits }: ContainerKeys): IoLimit[] {
  return Object.entries(ioLimits).map(([device, limit]) => ({
    device,
    readBytesPerS: limit.readBytes,
    writeBytesPerS: limit.writeBytes,
    readOpsPerS: limit.readOps,
    writeOpsPerS: limit.writeOps,
  }));
}

function resources(container: ContainerKeys) {
  const { memoryLimit } = container;
  return {
    memoryLimitBytes: memoryLimit === DEFAULTS.memoryLimitBytes ? null : memoryLimit,
    swapLimitBytes: container.swapLimit,
    cpuShares: container.cpuShares,
    cpuQuotaPercent: container.cpuQuota,
    pidsLimit: container.pidsLimit,
    ioWeight: container.ioWeight,
    ioLimits: ioLimitsOf(container),
    fileLimit: container.filenoLimit,
    rlimits: container.rlimits,
  };
}

function rights(container: ContainerKeys, sandbox: SandboxKeys) {
  const bridged = sandbox.bridgedNetwork === null ? [] : [BIND_CAPABILITY];
  return {
    userId: container.userId ?? sandbox.defaultUser ?? 0,
    groupId: container.groupId ?? sandbox.defaultGroup,
    additionalGroups: container.additionalGroups,
    ...mapsInEffect(sandbox, container),
    capabilities: [...new Set([...container.capabilities.map(capabilityName), ...bridged])],
    seccomp: container.seccomp,
    newPrivileges: container.newPrivileges,
    devices: container.devices,
    sharePid: sandbox.shareNamespaces.includes('pid'),
  };
}

/** For what may run as a command, leaving with 0 is normal. */
function normalExitCodes({ kind, normalExitCodes: listed }: ContainerKeys): readonly number[] {
  return listed.length === 0 && kind !== 'Daemon' ? [0] : listed;
}

function supervision(container: ContainerKeys) {
  const { maxFailures, watchdog, kind } = container;
  return {
    restart: {
      timeoutMs: container.restartTimeout * SECOND_MS,
      backoffMaxMs: container.restartBackoffMax * SECOND_MS,
      healthyAfterMs: container.healthyAfter * SECOND_MS,
      maxFailures: maxFailures === 0 ? null : maxFailures,
    },
    processOnly: container.restartProcessOnly && kind === 'Daemon',
    startTimeoutMs: container.startTimeout * SECOND_MS,
    watchdogMs: watchdog === null ? null : watchdog * SECOND_MS,
    after: container.after,
    normalExitCodes: normalExitCodes(container),
    stdio: stdioOf(container),
  };
}

/** What does not depend on the index. */
function common(sources: SandboxSources, source: EntrySources, container: ContainerKeys) {
  const sandbox = sources.sandbox.value;
  return {
    sandbox: sources.name,
    process: source.process,
    imageRoot: source.imageRoot,
    configPath: source.entry.config,
    workdir: container.workdir,
    ...resources(container),
    ...rights(container, sandbox),
    ...supervision(container),
    secrets: secretsOf(sandbox, source.entry, container),
    volumes: volumesOf(container, sandbox),
    etc: etcFiles(container, sandbox),
    needsPid:
      Object.values(container.environ).includes(PID_VARIABLE) || activationNames(container).length > 0,
  };
}

function environOf(
  name: string,
  source: EntrySources,
  container: ContainerKeys,
  values: Values,
  ownPids: boolean,
) {
  const environ = Object.entries(container.environ).map(([key, text]) => [
    key,
    expandEnviron(text, values, ownPids).text,
  ]);
  return {
    ...Object.fromEntries(environ),
    ...activationEnviron(container, PID_IN_CONTAINER),
    LITHOS_NAME: name,
    LITHOS_CONFIG: source.entry.config,
  };
}

/** Everything with variables in it. */
function expanded(name: string, source: EntrySources, container: ContainerKeys, sandbox: SandboxKeys) {
  const { config, variables } = source.entry;
  const values = new Map([...Object.entries(variables), ...builtins(name, config)]);
  const words = (texts: readonly string[]) => texts.map(text => expand(text, values).text);
  const ownPids = !sandbox.shareNamespaces.includes('pid');
  return {
    command: [container.executable, ...words(container.arguments)],
    environ: environOf(name, source, container, values, ownPids),
    stop: {
      signal: signalName(container.stopSignal),
      timeoutMs: container.killTimeout * SECOND_MS,
      hook: words(container.preStop),
    },
    sockets: socketsOf(container, sandbox, values),
    readiness: readinessOf(container.readiness, values),
    liveness: container.liveness === null ? null : probeOf(container.liveness, values),
  };
}

/** One instance of an entry that has passed its checks, under whatever name it is to have. */
export function instanceOf(
  sources: SandboxSources,
  source: EntrySources,
  container: ContainerKeys,
  name: string,
  index: number,
): DesiredInstance {
  const sandbox = sources.sandbox.value;
  return {
    name,
    index,
    identity: identityOf(source.entry, index),
    ...common(sources, source, container),
    ...expanded(name, source, container, sandbox),
    network: networkOf(sandbox.bridgedNetwork, source.entry.ipAddresses[index] ?? null),
  };
}

/** The instances of one entry; none for a Command, which only lithos_cmd starts. The entry must have passed its checks. */
export function instancesOf(sources: SandboxSources, source: EntrySources): DesiredInstance[] {
  const container = source.container?.value;
  if (container === undefined || source.entry.kind !== 'Daemon') return [];
  return Array.from({ length: addressedInstances(source) }, (_, index) => {
    const name = `${sources.name}/${source.process}.${index}`;
    return instanceOf(sources, source, container, name, index);
  });
}

function rollingUpdateOf({ rollingUpdate: keys }: SandboxKeys): RollingUpdate | null {
  if (keys === null) return null;
  const { maxUnavailable, timeout, rollBack } = keys;
  return { maxUnavailable, timeoutMs: timeout * SECOND_MS, rollBack };
}

export function desiredSandbox(sources: SandboxSources, good: readonly EntrySources[]): DesiredSandbox {
  const sandbox = sources.sandbox.value;
  return {
    name: sources.name,
    rollingUpdate: rollingUpdateOf(sandbox),
    log: { file: sandbox.logFile ?? `${sources.name}.log`, level: sandbox.logLevel },
    instances: good.flatMap(entry => instancesOf(sources, entry)),
    history: sources.hasProcesses ? historyOf(sources.processes.value) : null,
  };
}
