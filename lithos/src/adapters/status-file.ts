// The status file: what lithos_ps shows beyond /proc. Written by the tree, readable by everybody, no talking needed.
import type { Disk } from '@suite/shared/ports/index.ts';
import type { TreeStatus } from '@suite/shared/wire/lithos.ts';
import { LIMITS } from '../config/defaults.ts';

/** For lithos_switch, before a tree that begins has anything of its own to say. What a full disk does not take is not missed. */
export async function noteReading(disk: Disk, path: string, last: TreeStatus): Promise<void> {
  const text = JSON.stringify({ ...last, reading: true });
  await disk.writeAtomic(path, `${text}\n`).catch(() => undefined);
}

/** Undefined when there is none, or it is damaged, or from another version. */
export async function readStatus(disk: Disk, path: string): Promise<TreeStatus | undefined> {
  try {
    const text = await disk.readText(path, LIMITS.statusBytes);
    const status = JSON.parse(text ?? 'null') as TreeStatus | null;
    // A tree from before roll-outs says nothing of them.
    return status?.schemaVersion === 1 ? { ...status, rollouts: status.rollouts ?? [] } : undefined;
  } catch {
    return undefined;
  }
}
