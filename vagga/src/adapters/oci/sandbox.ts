// What builds and runs have in common as OCI containers.
import { statSync } from 'node:fs';
import { CAPABILITIES as ALL_CAPABILITIES } from '@suite/shared/oci/capabilities.ts';
import type { NamespaceChoice, SandboxMount, SandboxSpec } from '@suite/shared/oci/sandbox.ts';
import type { ProcessUser } from '../../core/ids/process-user.ts';
import { type Maps, sessionMaps } from '../../core/ids/session.ts';
import { currentIds } from '../namespace/current.ts';
import type { CachedRuntime } from '../project/cache.ts';

/**
 * For root: what docker gives, plus tracing: a development container runs debuggers and package managers. The container has its
 * own pid, mount and ipc namespaces; the network is the host's, so the network's own capabilities stay outside. No
 * MKNOD: runs have no device cgroup, so a node for the host's disk must not come into being; upstream cannot make one either.
 */
const CAPABILITIES = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
  'SYS_PTRACE',
];

/**
 * In a user namespace every capability is worth only what its user may do anyway, and the kernel guards its own files:
 * the container gets all, as the format says, so that it can mount, trace, or be the home of another vagga.
 */
function inUserNamespace() {
  const maps = sessionMaps(currentIds().ids);
  if (maps === undefined) return {};
  return {
    capabilities: ALL_CAPABILITIES,
    maskedPaths: [],
    readonlyPaths: [],
    insideUserNamespace: { gidMappings: maps.gids },
  };
}

export interface ContainerOptions {
  readonly rootPath: string;
  readonly readonlyRoot: boolean;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly mounts: readonly SandboxMount[];
  readonly terminal: boolean;
  /** False: the program itself is PID 1. */
  readonly ownInit?: boolean;
  /** Besides what every container of ours has. */
  readonly moreCapabilities?: readonly string[];
  /** In place of the host's. */
  readonly hostname?: string;
  /** `new`: loopback only. */
  readonly network: NamespaceChoice;
  readonly user: ProcessUser;
  /** Of a further user namespace, if the process needs one. */
  readonly userMaps: Maps | undefined;
}

/** The project's tree with the mounts in it; programs in it may be set-uid, as on the host. */
export function projectMount(root: string): SandboxMount {
  return { type: 'bind', source: root, target: '/work', readonly: false, recursive: true, nosuid: false };
}

export function bindMount(source: string, target: string, readonly = false): SandboxMount {
  const directory = statSync(source, { throwIfNoEntry: false })?.isDirectory() ?? true;
  return { type: 'bind', source, target, readonly, recursive: true, directory };
}

export function sandboxOf(engine: CachedRuntime, options: ContainerOptions): SandboxSpec {
  const { network, user, userMaps, moreCapabilities = [], ownInit = true, ...rest } = options;
  return {
    ...rest,
    namespaces: {
      pid: 'new',
      network,
      mount: 'new',
      ipc: 'new',
      uts: rest.hostname === undefined ? 'host' : 'new',
      ...(userMaps !== undefined && { user: { uidMappings: userMaps.uids, gidMappings: userMaps.gids } }),
    },
    uid: user.userId,
    gid: user.groupId,
    additionalGids: user.supplementaryGids,
    capabilities: [...CAPABILITIES, ...moreCapabilities],
    noNewPrivileges: false,
    // As the format says: no seccomp. Compiling the filter would also cost a third of the start.
    seccomp: 'unconfined',
    limits: {},
    annotations: {},
    ...inUserNamespace(),
    ...(ownInit && engine.init !== undefined && { init: { hostPath: engine.init } }),
  };
}
