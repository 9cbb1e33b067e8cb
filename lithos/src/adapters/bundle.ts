// From a desired instance to the description of its sandbox, which becomes an OCI bundle.
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { SandboxDevice, SandboxLimits, SandboxMount, SandboxSpec } from '@suite/shared/oci/sandbox.ts';
import { hasMaps } from '../core/desired/id-maps.ts';
import type { DesiredInstance, ResolvedVolume } from '../core/desired/types.ts';
import { runTerms } from '../core/instance/transitions.ts';
import type { BundlePart } from './attachment.ts';
import type { EtcMounts } from './etc-files.ts';

/** Keys of the annotations: who the container is, for a supervisor that finds it on disk. */
export const ANNOTATION = {
  name: 'lithos.name',
  identity: 'lithos.identity',
  /** How the run is stopped and judged, as JSON: should its record be damaged. */
  terms: 'lithos.terms',
} as const;

function mountOf(volume: ResolvedVolume, stateDir: string): SandboxMount {
  const { target } = volume;
  switch (volume.kind) {
    case 'readonly':
      return { type: 'bind', source: volume.source, target, readonly: true, recursive: true };
    case 'persistent':
      return { type: 'bind', source: volume.source, target, readonly: false, recursive: true };
    case 'tmpfs':
      return { type: 'tmpfs', target, readonly: false, sizeBytes: volume.sizeBytes, mode: volume.mode };
    case 'statedir':
      return { type: 'bind', source: join(stateDir, volume.path), target, readonly: false, directory: true };
  }
}

export function mountsOf(instance: DesiredInstance, stateDir: string, etc: EtcMounts): SandboxMount[] {
  const file = (name: string): SandboxMount => ({
    type: 'bind',
    source: join(stateDir, name),
    target: `/etc/${name}`,
    readonly: false,
  });
  return [
    ...instance.volumes.map(volume => mountOf(volume, stateDir)),
    ...(etc.resolvConf ? [file('resolv.conf')] : []),
    ...(etc.hosts ? [file('hosts')] : []),
  ];
}

/** A volume may be a single file, for which the runtime must be asked differently. */
export async function markFiles(mounts: readonly SandboxMount[]): Promise<SandboxMount[]> {
  return await Promise.all(
    mounts.map(async mount => {
      const source =
        mount.type === 'bind' ? await stat(mount.source ?? '').catch(() => undefined) : undefined;
      return source === undefined || source.isDirectory() ? mount : { ...mount, directory: false };
    }),
  );
}

export interface SpecOptions {
  readonly mounts: readonly SandboxMount[];
  /** Undefined: none. */
  readonly cgroupPath: string | undefined;
  readonly init: string;
  readonly limits: SandboxLimits;
  readonly devices: readonly SandboxDevice[];
  readonly parts: readonly BundlePart[];
}

function namespacesOf(instance: DesiredInstance, parts: readonly BundlePart[]): SandboxSpec['namespaces'] {
  const networkPath = parts.find(part => part.networkPath !== undefined)?.networkPath;
  return {
    pid: instance.sharePid ? 'host' : 'new',
    network: networkPath === undefined ? 'host' : { path: networkPath },
    mount: 'new',
    ipc: 'new',
    uts: 'new',
    ...(hasMaps(instance) && {
      user: { uidMappings: instance.uidMap, gidMappings: instance.gidMap },
    }),
  };
}

function rightsOf(instance: DesiredInstance, { devices }: SpecOptions) {
  return {
    uid: instance.userId,
    gid: instance.groupId,
    additionalGids: instance.additionalGroups,
    capabilities: instance.capabilities,
    noNewPrivileges: !instance.newPrivileges,
    seccomp: instance.seccomp,
    devices,
  };
}

/**
 * A service manager protects its supervisor from the kernel's killer; a program that inherited that would have others
 * killed in its place. Only what protects is taken back: more than that may need rights we lack.
 */
export function oomScore(own: number): Pick<SandboxSpec, 'oomScoreAdj'> {
  return own < 0 ? { oomScoreAdj: 0 } : {};
}

function ownOomScore(): number {
  return Number(readFileSync('/proc/self/oom_score_adj', 'latin1'));
}

/** Everything a program is not explicitly given is taken away: capabilities, new privileges, kernel files. */
export function sandboxSpec(instance: DesiredInstance, options: SpecOptions): SandboxSpec {
  return {
    rootPath: instance.imageRoot,
    readonlyRoot: true,
    args: instance.command,
    env: Object.assign(
      { TERM: process.env.TERM ?? 'dumb', ...instance.environ },
      ...options.parts.map(part => part.env),
    ),
    cwd: instance.workdir,
    hostname: hostname(),
    mounts: [...options.mounts, ...options.parts.flatMap(part => part.mounts ?? [])],
    namespaces: namespacesOf(instance, options.parts),
    ...rightsOf(instance, options),
    terminal: false,
    ...oomScore(ownOomScore()),
    limits: options.limits,
    ...(options.cgroupPath !== undefined && { cgroupPath: options.cgroupPath }),
    annotations: {
      [ANNOTATION.name]: instance.name,
      [ANNOTATION.identity]: instance.identity,
      [ANNOTATION.terms]: JSON.stringify(runTerms(instance)),
    },
    // Sharing the host's pids there is no PID 1 of ours to wrap.
    ...(instance.sharePid ? {} : { init: { hostPath: options.init } }),
  };
}
