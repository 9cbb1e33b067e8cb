import { fixedMounts, INIT_PATH, type OciMount, volumeMount } from './fixed-mounts.ts';
import { MASKED_PATHS, READONLY_PATHS } from './kernel-files.ts';
import { resources, rlimits } from './resources.ts';
import { type IdMapping, type NamespaceChoice, orderMounts, type SandboxSpec } from './sandbox.ts';
import { type Architecture, defaultSeccomp } from './seccomp.ts';

function capabilitySet(names: readonly string[]): Set<string> {
  return new Set(names.map(name => (name.startsWith('CAP_') ? name : `CAP_${name}`)));
}

/** Inheritable and ambient only for other users than root, who would lose the capability at exec without them. */
function capabilities(spec: SandboxSpec): object {
  const list = [...capabilitySet(spec.capabilities)];
  const kept = spec.uid === 0 ? [] : list;
  return { bounding: list, effective: list, permitted: list, inheritable: kept, ambient: kept };
}

function commandLine(spec: SandboxSpec): readonly string[] {
  if (spec.init === undefined) return spec.args;
  if (spec.namespaces.pid !== 'new') throw new TypeError('an init program needs a new pid namespace');
  if (spec.mounts.some(mount => mount.target === '/dev'))
    throw new TypeError('an init program needs our own /dev');
  return [INIT_PATH, '--', ...spec.args];
}

function processOf(spec: SandboxSpec): object {
  const limits = rlimits(spec.limits);
  return {
    terminal: spec.terminal,
    user: { uid: spec.uid, gid: spec.gid, additionalGids: spec.additionalGids ?? [] },
    args: commandLine(spec),
    env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    cwd: spec.cwd,
    capabilities: capabilities(spec),
    noNewPrivileges: spec.noNewPrivileges,
    ...(limits.length > 0 && { rlimits: limits }),
    ...(spec.oomScoreAdj !== undefined && { oomScoreAdj: spec.oomScoreAdj }),
  };
}

function mountsOf(spec: SandboxSpec): OciMount[] {
  const replaced = new Set(spec.mounts.map(mount => mount.target));
  const fixed = fixedMounts(spec).filter(mount => !replaced.has(mount.destination));
  return [...fixed, ...orderMounts(spec.mounts).map(volumeMount)];
}

function namespace(type: string, choice: NamespaceChoice): object[] {
  if (choice === 'host') return [];
  return [choice === 'new' ? { type } : { type, path: choice.path }];
}

function namespacesOf(spec: SandboxSpec): object[] {
  const { pid, network, mount, ipc, uts, user } = spec.namespaces;
  return [
    ...namespace('pid', pid),
    ...namespace('network', network),
    ...namespace('mount', mount),
    ...namespace('ipc', ipc),
    ...namespace('uts', uts),
    ...(user === undefined ? [] : [{ type: 'user' }]),
  ];
}

function mappings(list: readonly IdMapping[]): object[] {
  return list.map(({ inside, outside, count }) => ({ containerID: inside, hostID: outside, size: count }));
}

function devicesOf(spec: SandboxSpec): object[] {
  return (spec.devices ?? []).map(({ mode, ...device }) => ({ ...device, fileMode: mode ?? 0o666 }));
}

function linuxOf(spec: SandboxSpec, architecture: Architecture): object {
  const { user } = spec.namespaces;
  const unconfined = spec.seccomp === 'unconfined';
  return {
    namespaces: namespacesOf(spec),
    ...(user !== undefined && {
      uidMappings: mappings(user.uidMappings),
      gidMappings: mappings(user.gidMappings),
    }),
    ...(spec.cgroupPath !== undefined && { cgroupsPath: spec.cgroupPath }),
    resources: resources(spec.limits, spec.devices ?? []),
    devices: devicesOf(spec),
    ...(!unconfined && { seccomp: defaultSeccomp(capabilitySet(spec.capabilities), architecture) }),
    maskedPaths: spec.maskedPaths ?? MASKED_PATHS,
    readonlyPaths: spec.readonlyPaths ?? READONLY_PATHS,
  };
}

/**
 * The config.json of an OCI bundle (opencontainers/runtime-spec 1.0.2) for a sandbox. Throws a TypeError when the
 * description contradicts itself (a bind without a source, an init program without an own pid namespace).
 */
export function toOciConfig(spec: SandboxSpec, architecture = process.arch as Architecture): object {
  return {
    ociVersion: '1.0.2',
    root: { path: spec.rootPath, readonly: spec.readonlyRoot },
    process: processOf(spec),
    ...(spec.hostname !== undefined && spec.namespaces.uts === 'new' && { hostname: spec.hostname }),
    mounts: mountsOf(spec),
    annotations: spec.annotations,
    linux: linuxOf(spec, architecture),
  };
}
