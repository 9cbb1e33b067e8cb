// What lithos_tree tells about itself: JSON of its status file, of its two unix sockets and of the event stream. All
// times are ms since 1970 by the wall clock.

export type InstanceState = 'waiting' | 'starting' | 'running' | 'stopping' | 'failed' | 'gone';

/** Why a waiting instance waits: the least distance of two starts, failures, other processes, its turn in a roll-out. */
export type WaitReason = 'interval' | 'back-off' | 'after' | 'roll-out';

export interface ExitStatus {
  /** 128 + signal for a signal; null when it was lost with the monitor. */
  readonly code: number | null;
  readonly outOfMemory: boolean;
  /** lithos had asked it to end. */
  readonly requested: boolean;
  readonly words: string;
}

export interface InstanceStatus {
  /** `sandbox/process.N` */
  readonly name: string;
  readonly state: InstanceState;
  /** Running and, where readiness is checked, found ready. */
  readonly ready: boolean;
  readonly pid: number | null;
  readonly run: number;
  readonly identity: string | null;
  readonly startedWallMs: number | null;
  /** Only while waiting. */
  readonly reason: WaitReason | null;
  readonly nextStartWallMs: number | null;
  readonly restarts: number;
  /** All since the instance exists. */
  readonly failures: number;
  readonly lastExit: ExitStatus | null;
  /** Why the last start failed, or what is wrong with a running one. */
  readonly problem: string | null;
}

export interface SandboxStatus {
  readonly name: string;
  /** False: its files have errors now, and the last good configuration is in force. */
  readonly ok: boolean;
  readonly errors: readonly string[];
}

/** `rolled-back`: the new configuration failed and the previous one is in force again. */
export type RolloutState = 'rolling' | 'done' | 'rolled-back' | 'failed';

export interface RolloutStatus {
  readonly sandbox: string;
  readonly process: string;
  readonly state: RolloutState;
  readonly done: number;
  readonly total: number;
  readonly message: string | null;
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
  readonly rollouts: readonly RolloutStatus[];
  readonly instances: readonly InstanceStatus[];
}
