import type { SandboxMount, SandboxSpec } from '@suite/shared/oci/sandbox.ts';

/** The sandbox that the raw contenders start: own namespaces but the network, no privileges, no limits. */
export function tinySandbox(
  rootPath: string,
  args: readonly string[],
  mounts: readonly SandboxMount[] = [],
): SandboxSpec {
  return {
    rootPath,
    readonlyRoot: true,
    args,
    env: {},
    cwd: '/',
    uid: 0,
    gid: 0,
    mounts,
    namespaces: { pid: 'new', network: 'host', mount: 'new', ipc: 'new', uts: 'new' },
    capabilities: [],
    noNewPrivileges: true,
    terminal: false,
    limits: {},
    annotations: {},
  };
}
