// Limits of a command as files of a cgroup, v1 or v2.
import { ENGINE_PIDS } from '../../config/defaults.ts';
import type { Life } from '../../config/model.ts';

export type Limits = Pick<Life, 'memoryLimit' | 'cpuQuota' | 'pidsLimit'>;

export interface LimitFile {
  readonly controller: 'memory' | 'cpu' | 'pids';
  readonly name: string;
  readonly text: string;
  /** The kernel may lack it: then the limit holds without. */
  readonly optional?: boolean;
}

/** Period of the quota in µs: the kernel's default. */
const PERIOD_US = 100_000;

export function hasLimits({ memoryLimit, cpuQuota, pidsLimit }: Limits): boolean {
  return memoryLimit !== undefined || cpuQuota !== undefined || pidsLimit !== undefined;
}

function memoryFiles(limitBytes: number, version: 1 | 2): LimitFile[] {
  const controller = 'memory';
  const text = String(limitBytes);
  // Swap would only make it slower before it ends. In v1 the limit with swap may not be below the one without.
  return version === 1
    ? [
        { controller, name: 'memory.limit_in_bytes', text },
        { controller, name: 'memory.memsw.limit_in_bytes', text, optional: true },
      ]
    : [
        { controller, name: 'memory.max', text },
        { controller, name: 'memory.swap.max', text: '0', optional: true },
      ];
}

function cpuFiles(quotaPercent: number, version: 1 | 2): LimitFile[] {
  const controller = 'cpu';
  const quotaUs = Math.max(1000, Math.round((quotaPercent * PERIOD_US) / 100));
  return version === 1
    ? [
        { controller, name: 'cpu.cfs_period_us', text: String(PERIOD_US) },
        { controller, name: 'cpu.cfs_quota_us', text: String(quotaUs) },
      ]
    : [{ controller, name: 'cpu.max', text: `${quotaUs} ${PERIOD_US}` }];
}

/** In the order in which they must be written. `versionOf`: of the hierarchy that has a controller. */
export function limitFiles(
  limits: Limits,
  versionOf: (controller: LimitFile['controller']) => 1 | 2,
): LimitFile[] {
  const { memoryLimit, cpuQuota, pidsLimit } = limits;
  const files: LimitFile[] = [];
  if (memoryLimit !== undefined) files.push(...memoryFiles(memoryLimit, versionOf('memory')));
  if (cpuQuota !== undefined) files.push(...cpuFiles(cpuQuota, versionOf('cpu')));
  if (pidsLimit !== undefined)
    files.push({ controller: 'pids', name: 'pids.max', text: String(pidsLimit + ENGINE_PIDS) });
  return files;
}
