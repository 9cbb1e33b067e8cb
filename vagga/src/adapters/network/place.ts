// What a container in the network of tests gets.
import { mkdirSync } from 'node:fs';
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import { backingOf } from '../volumes/mount-points.ts';

/** Where children in the middle find the namespaces of the others, and the plan of the network. */
export const INSIDE = '/tmp/vagga/namespaces';
export const PLAN_FILE = 'network.json';

export interface NetworkPlace {
  /** Of its namespace. */
  readonly path: string;
  readonly hostname?: string;
  /** In place of the host's file, which would name a server that is not there. */
  readonly resolvConf?: string;
  /** In the middle, with the namespaces of the others in reach. */
  readonly bridge?: SandboxMount;
}

/** To enter the namespaces of others and to set their filters. For root they are those of the host, but its project is root's own. */
const CAPABILITIES = ['NET_ADMIN', 'SYS_ADMIN'];

/** What a container in the middle gets more than others; a sentence says why it cannot. */
export function middleOfNetwork(
  place: NetworkPlace | undefined,
  rootPath: string,
  mounts: readonly SandboxMount[],
): string | { readonly mounts: readonly SandboxMount[]; readonly capabilities: readonly string[] } {
  if (place?.bridge === undefined) return { mounts: [], capabilities: [] };
  const backing = backingOf(rootPath, INSIDE, mounts);
  if (backing.kind === 'path') {
    if (backing.readonly) return `a !BridgeCommand needs ${INSIDE}, so its /tmp must be writable`;
    mkdirSync(backing.path, { recursive: true });
  }
  return { mounts: [place.bridge], capabilities: CAPABILITIES };
}
