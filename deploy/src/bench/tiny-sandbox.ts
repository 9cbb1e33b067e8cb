import type { SandboxMount, SandboxSpec } from '@suite/shared/oci/sandbox.ts';
import { trialSpec } from '@suite/shared/oci/trial.ts';

/** The sandbox that the raw contenders start: own namespaces but the network, no privileges, no limits, no environment. */
export function tinySandbox(
  rootPath: string,
  args: readonly string[],
  mounts: readonly SandboxMount[] = [],
): SandboxSpec {
  return { ...trialSpec(rootPath, mounts), args, env: {} };
}
