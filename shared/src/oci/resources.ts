import type { SandboxDevice, SandboxLimits } from './sandbox.ts';

/** Period of the CPU quota: the kernel's default, and what every runtime assumes. */
const CPU_PERIOD_US = 100_000;
/** The kernel's least quota (kernel/sched/core.c, min_cfs_quota_period). */
const CPU_QUOTA_MIN_US = 1_000;
const PERCENT = 100;

function memory({ memoryBytes, swapBytes = 0, swapAccounting = true }: SandboxLimits): object {
  if (memoryBytes === undefined) return {};
  // The document counts swap together with memory; on v2 the runtime takes the difference again.
  return { memory: { limit: memoryBytes, ...(swapAccounting && { swap: memoryBytes + swapBytes }) } };
}

function cpu({ cpuShares, cpuQuotaPercent }: SandboxLimits): object {
  if (cpuShares === undefined && cpuQuotaPercent === undefined) return {};
  const quota = Math.max(CPU_QUOTA_MIN_US, Math.round(((cpuQuotaPercent ?? 0) * CPU_PERIOD_US) / PERCENT));
  return {
    cpu: {
      ...(cpuShares !== undefined && { shares: cpuShares }),
      ...(cpuQuotaPercent !== undefined && { quota, period: CPU_PERIOD_US }),
    },
  };
}

type Rate = 'readBytesPerS' | 'writeBytesPerS' | 'readOpsPerS' | 'writeOpsPerS';

const RATES: Readonly<Record<string, Rate>> = {
  throttleReadBpsDevice: 'readBytesPerS',
  throttleWriteBpsDevice: 'writeBytesPerS',
  throttleReadIOPSDevice: 'readOpsPerS',
  throttleWriteIOPSDevice: 'writeOpsPerS',
};

function blockIo({ ioLimits = [] }: SandboxLimits): object {
  const throttles = Object.entries(RATES).flatMap(([name, key]) => {
    const list = ioLimits.flatMap(({ major, minor, [key]: rate }) =>
      rate === undefined ? [] : [{ major, minor, rate }],
    );
    return list.length === 0 ? [] : [[name, list] as const];
  });
  return throttles.length === 0 ? {} : { blockIO: Object.fromEntries(throttles) };
}

/** runtime-spec `linux.resources`: the same document for v1 and v2, which the runtime translates. */
export function resources(limits: SandboxLimits, devices: readonly SandboxDevice[]): object {
  const extra = devices.map(({ type, major, minor }) => ({ allow: true, type, major, minor, access: 'rwm' }));
  return {
    // The runtime itself adds the standard devices to what is allowed.
    devices: [{ allow: false, access: 'rwm' }, ...extra],
    ...memory(limits),
    ...cpu(limits),
    ...blockIo(limits),
    ...(limits.pidsMax !== undefined && { pids: { limit: limits.pidsMax } }),
  };
}

/** `nproc` → `RLIMIT_NPROC`; soft and hard are the same, so that a program cannot give itself more. */
export function rlimits({ noFile, rlimits: others = {} }: SandboxLimits): object[] {
  const all = { ...others, ...(noFile !== undefined && { nofile: noFile }) };
  return Object.entries(all).map(([name, value]) => ({
    type: `RLIMIT_${name.toUpperCase()}`,
    soft: value,
    hard: value,
  }));
}
