// The status file: what lithos_ps shows beyond /proc. Written by the tree, readable by everybody, no talking needed.
import type { Disk } from '@suite/shared/ports/index.ts';
import type { TreeStatus } from '@suite/shared/wire/lithos.ts';
import { LIMITS } from '../config/defaults.ts';

/** Undefined when there is none, or it is damaged, or from another version. */
export async function readStatus(disk: Disk, path: string): Promise<TreeStatus | undefined> {
  try {
    const text = await disk.readText(path, LIMITS.configBytes);
    const status = JSON.parse(text ?? 'null') as TreeStatus | null;
    // A tree from before roll-outs says nothing of them.
    return status?.schemaVersion === 1 ? { ...status, rollouts: status.rollouts ?? [] } : undefined;
  } catch {
    return undefined;
  }
}
