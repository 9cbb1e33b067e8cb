// The status file: what lithos_ps shows beyond /proc. Written by the tree, readable by everybody, no talking needed.
import type { Disk } from '@suite/shared/ports/index.ts';
import { LIMITS } from '../config/defaults.ts';
import type { State } from '../core/instance/types.ts';
import type { LastExit } from '../core/restart/restart.ts';

export interface InstanceStatus {
  readonly name: string;
  readonly state: State['kind'];
  readonly pid: number | null;
  readonly run: number;
  readonly identity: string | null;
  readonly startedWallMs: number | null;
  /** Only while waiting. */
  readonly nextStartWallMs: number | null;
  readonly restarts: number;
  readonly failures: number;
  readonly lastExit: (LastExit & { readonly words: string }) | null;
  /** Why the last start failed, or what is wrong with a running one. */
  readonly problem: string | null;
}

export interface SandboxStatus {
  readonly name: string;
  /** False: its files have errors now, and the last good configuration is in force. */
  readonly ok: boolean;
  readonly errors: readonly string[];
}

export interface TreeStatus {
  readonly schemaVersion: 1;
  readonly pid: number;
  readonly version: string;
  readonly config: string;
  readonly writtenWallMs: number;
  /** Counts configuration reads since the supervisor first started; lithos_switch waits for the next one. */
  readonly reloads: number;
  readonly stopping: boolean;
  readonly runtime: string;
  readonly errors: readonly string[];
  readonly sandboxes: readonly SandboxStatus[];
  readonly instances: readonly InstanceStatus[];
}

/** Undefined when there is none, or it is damaged, or from another version. */
export async function readStatus(disk: Disk, path: string): Promise<TreeStatus | undefined> {
  try {
    const text = await disk.readText(path, LIMITS.configBytes);
    const status = JSON.parse(text ?? 'null') as TreeStatus | null;
    return status?.schemaVersion === 1 ? status : undefined;
  } catch {
    return undefined;
  }
}
