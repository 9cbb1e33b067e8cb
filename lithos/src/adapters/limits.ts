// What an instance may use up, in the words of the OCI runtime: only what this host can do, or a reason why not.
import type { OwnLimits } from '@suite/shared/linux/hard-limits.ts';
import type { SandboxLimits } from '@suite/shared/oci/sandbox.ts';
import type { DesiredInstance, IoLimit } from '../core/desired/types.ts';
import { ioDevice } from './device-nodes.ts';

/** The controllers that a limit of ours can be for, by their v1 names. */
export const CONTROLLERS = ['memory', 'cpu', 'blkio', 'pids'] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** What the host can do, asked once. */
export interface HostLimits {
  readonly own: OwnLimits;
  /** Limits of the others are left out; the tree says so when it starts. */
  readonly controllers: ReadonlySet<Controller>;
  /** The kernel counts swap. */
  readonly swapAccounting: boolean;
}

/** As in setrlimit(2): the kernel's answer would come from the runtime, in the middle of a start. */
function checkHard(key: string, name: string, value: number, { hard, mayRaise }: OwnLimits): void {
  const ours = hard.get(name) ?? Number.POSITIVE_INFINITY;
  if (value <= ours || mayRaise) return;
  throw new Error(
    `${key}: ${value} is above the tree's own hard limit of ${ours}, and it lacks CAP_SYS_RESOURCE to raise it`,
  );
}

function resourceLimits({ fileLimit, rlimits }: DesiredInstance, own: OwnLimits) {
  if (fileLimit > own.openFilesMax)
    throw new Error(`fileno-limit: ${fileLimit} is above the kernel's fs.nr_open of ${own.openFilesMax}`);
  checkHard('fileno-limit', 'nofile', fileLimit, own);
  for (const [name, value] of Object.entries(rlimits)) checkHard(`rlimits: ${name}`, name, value, own);
  return { noFile: fileLimit, rlimits };
}

function memory({ memoryLimitBytes, swapLimitBytes }: DesiredInstance, host: HostLimits): SandboxLimits {
  if (memoryLimitBytes === null) return {};
  return { memoryBytes: memoryLimitBytes, swapBytes: swapLimitBytes, swapAccounting: host.swapAccounting };
}

function cpu({ cpuShares, cpuQuotaPercent }: DesiredInstance): SandboxLimits {
  return { cpuShares, ...(cpuQuotaPercent !== null && { cpuQuotaPercent }) };
}

async function throttle(limit: IoLimit) {
  const { readBytesPerS, writeBytesPerS, readOpsPerS, writeOpsPerS } = limit;
  return {
    ...(await ioDevice(limit)),
    ...(readBytesPerS !== null && { readBytesPerS }),
    ...(writeBytesPerS !== null && { writeBytesPerS }),
    ...(readOpsPerS !== null && { readOpsPerS }),
    ...(writeOpsPerS !== null && { writeOpsPerS }),
  };
}

/** Without `io-weight`, which is written when the cgroup is there (io-weight.ts). */
async function io({ ioLimits }: DesiredInstance): Promise<SandboxLimits> {
  return { ioLimits: await Promise.all(ioLimits.map(throttle)) };
}

/** Throws with a sentence when a device is missing or the tree may not give what is asked for. */
export async function limitsOf(instance: DesiredInstance, host: HostLimits): Promise<SandboxLimits> {
  const has = (name: Controller) => host.controllers.has(name);
  return {
    ...resourceLimits(instance, host.own),
    ...(has('memory') && memory(instance, host)),
    ...(has('cpu') && cpu(instance)),
    ...(has('blkio') && (await io(instance))),
    ...(has('pids') && { pidsMax: instance.pidsLimit }),
  };
}
