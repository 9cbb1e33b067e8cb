// From checked config files to the list of instances that should run.

import { capabilityName } from '../../config/capabilities.ts';
import type { ContainerKeys } from '../../config/container.ts';
import { DEFAULTS } from '../../config/defaults.ts';
import type { SandboxKeys } from '../../config/sandbox.ts';
import type { VolumeKeys } from '../../config/volumes.ts';
import { builtins, expand, expandEnviron, PID_VARIABLE } from './expand.ts';
import { historyOf, identityOf } from './identity.ts';
import { components, type HostPath, mapPath } from './paths.ts';
import type { EntrySources, SandboxSources } from './sources.ts';
import type { DesiredInstance, DesiredSandbox, EtcFiles, ResolvedVolume } from './types.ts';

const SECOND_MS = 1000;

function mapped(found: HostPath | undefined, virtual: string): { source: string; root: string } {
  if (found === undefined) throw new Error(`unchecked volume path ${virtual}`);
  return { source: found.path, root: found.root };
}

function volume(target: string, keys: VolumeKeys, sandbox: SandboxKeys): ResolvedVolume {
  switch (keys.tag) {
    case 'Readonly': {
      const source = mapPath(sandbox.readonlyPaths, keys.value) ?? mapPath(sandbox.writablePaths, keys.value);
      return { kind: 'readonly', target, ...mapped(source, keys.value) };
    }
    case 'Persistent': {
      const { path, mkdir, mode, user, group } = keys.value;
      const source = mapped(mapPath(sandbox.writablePaths, path), path);
      return { kind: 'persistent', target, ...source, create: mkdir, mode, user, group };
    }
    case 'Tmpfs': {
      const { size, mode } = keys.value;
      return { kind: 'tmpfs', target, sizeBytes: size, mode };
    }
    case 'Statedir': {
      const { path, ...rest } = keys.value;
      return { kind: 'statedir', target, path: (components(path) ?? []).join('/'), ...rest };
    }
  }
}

/** Shorter mount points first, equal ones alphabetically: a volume may sit inside another. */
function volumes(container: ContainerKeys, sandbox: SandboxKeys): ResolvedVolume[] {
  return Object.entries(container.volumes)
    .sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))
    .map(([target, keys]) => volume(target, keys, sandbox));
}

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

interface Command {
  readonly command: readonly string[];
  readonly environ: Readonly<Record<string, string>>;
}

function command(name: string, source: EntrySources, container: ContainerKeys, ownPids: boolean): Command {
  const { config, variables } = source.entry;
  const values = new Map([...Object.entries(variables), ...builtins(name, config)]);
  const environ = Object.entries(container.environ).map(([key, text]) => [
    key,
    expandEnviron(text, values, ownPids).text,
  ]);
  return {
    command: [container.executable, ...container.arguments.map(text => expand(text, values).text)],
    environ: { ...Object.fromEntries(environ), LITHOS_NAME: name, LITHOS_CONFIG: config },
  };
}

/** Identity, limits and times: what does not depend on the index. */
function common(sources: SandboxSources, source: EntrySources, container: ContainerKeys) {
  const sandbox = sources.sandbox.value;
  return {
    sandbox: sources.name,
    process: source.process,
    identity: identityOf(source.entry),
    imageRoot: source.imageRoot,
    configPath: source.entry.config,
    workdir: container.workdir,
    userId: container.userId ?? sandbox.defaultUser ?? 0,
    groupId: container.groupId ?? sandbox.defaultGroup,
    memoryLimitBytes: container.memoryLimit ?? null,
    cpuShares: container.cpuShares,
    fileLimit: container.filenoLimit,
    additionalGroups: [],
    uidMap: [],
    gidMap: [],
    swapLimitBytes: 0,
    cpuQuotaPercent: null,
    pidsLimit: DEFAULTS.pidsLimit,
    ioWeight: null,
    ioLimits: [],
    rlimits: {},
    seccomp: 'default' as const,
    newPrivileges: false,
    devices: [],
    restart: {
      timeoutMs: container.restartTimeout * SECOND_MS,
      backoffMaxMs: DEFAULTS.backoffMaxS * SECOND_MS,
      healthyAfterMs: DEFAULTS.healthyAfterS * SECOND_MS,
      maxFailures: null,
    },
    stop: { signal: 'SIGTERM' as const, timeoutMs: container.killTimeout * SECOND_MS, hook: [] },
    processOnly: false,
    readiness: null,
    startTimeoutMs: DEFAULTS.startTimeoutS * SECOND_MS,
    liveness: null,
    watchdogMs: null,
    after: [],
    stdio: { kind: 'log' } as const,
    sockets: [],
    network: { kind: 'host' } as const,
    secrets: null,
    normalExitCodes: container.normalExitCodes,
    volumes: volumes(container, sandbox),
    etc: etcFiles(container, sandbox),
    sharePid: sandbox.shareNamespaces.includes('pid'),
    needsPid: Object.values(container.environ).includes(PID_VARIABLE),
    capabilities: container.capabilities.map(capabilityName),
  };
}

/** The instances of one entry; none for a Command, which only lithos_cmd starts. The entry must have passed its checks. */
export function instancesOf(sources: SandboxSources, source: EntrySources): DesiredInstance[] {
  const container = source.container?.value;
  if (container === undefined || source.entry.kind !== 'Daemon') return [];
  const shared = common(sources, source, container);
  return Array.from({ length: source.entry.instances }, (_, index) => {
    const name = `${sources.name}/${source.process}.${index}`;
    return { name, index, ...shared, ...command(name, source, container, !shared.sharePid) };
  });
}

export function desiredSandbox(sources: SandboxSources, good: readonly EntrySources[]): DesiredSandbox {
  return {
    name: sources.name,
    rollingUpdate: null,
    instances: good.flatMap(entry => instancesOf(sources, entry)),
    history: historyOf(sources.processes.value),
  };
}
