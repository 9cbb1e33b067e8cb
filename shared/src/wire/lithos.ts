// What lithos_tree tells about itself: JSON of its status file, of its two unix sockets and of the event stream. All
// times are ms since 1970 by the wall clock.

export const LITHOS_LIMITS = {
  /** Request line and headers: paths are short and clients send few headers. */
  headBytes: 8 * 1024,
  /** Body of a POST: the verbs need none. */
  bodyBytes: 4 * 1024,
  /** One host has a handful of observers. */
  connections: 64,
  eventClients: 16,
  /** A client that is this far behind is cut; it comes again and asks for what it missed. */
  eventQueueBytes: 1024 * 1024,
  /** Clients of the event stream have nothing to say. */
  eventMessageBytes: 1024,
  /** Events kept for `?since=`: some minutes of a busy host. */
  eventsKept: 1_000,
  /** `?tail=`. */
  logLines: 1_000,
  logBytes: 1024 * 1024,
  /** Whole answers, as far as a client should read: 10,000 instances fit. */
  answerBytes: 16 * 1024 * 1024,
  /** One error in words, and how many of them an event has; the status has all. */
  words: 1_000,
  eventErrors: 20,
} as const;

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
  /** Since when it has been ready; null while it is not. */
  readonly readyWallMs: number | null;
  /** Only while waiting. */
  readonly reason: WaitReason | null;
  readonly nextStartWallMs: number | null;
  readonly restarts: number;
  /** All since the instance exists. */
  readonly failures: number;
  /** Since the last healthy run. */
  readonly failuresInRow: number;
  readonly lastExit: ExitStatus | null;
  /** Output that no disk took, since the supervisor started. */
  readonly lostLines: number;
  readonly lostBytes: number;
  /** Why the last start failed, or what is wrong with a running one. */
  readonly problem: string | null;
  /** What the program says of itself (STATUS= on its notify socket), at most 256 characters. */
  readonly says: string | null;
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
  /** It is being read: what is changed in the files now may be in force only after the reading that follows. */
  readonly reading?: boolean;
  readonly stopping: boolean;
  readonly runtime: string;
  readonly errors: readonly string[];
  readonly sandboxes: readonly SandboxStatus[];
  readonly rollouts: readonly RolloutStatus[];
  readonly instances: readonly InstanceStatus[];
}

export type LithosEventBody =
  | {
      readonly type: 'state';
      readonly name: string;
      readonly from: InstanceState;
      readonly to: InstanceState;
      readonly ready: boolean;
      readonly run: number;
      readonly pid: number | null;
      readonly words: string;
    }
  | {
      readonly type: 'exit';
      readonly name: string;
      readonly run: number;
      /** It counts as a failure. */
      readonly failed: boolean;
      readonly exit: ExitStatus;
    }
  /** Output that no disk took, as totals: there is more of it than there was. */
  | { readonly type: 'log-loss'; readonly name: string; readonly lines: number; readonly bytes: number }
  | { readonly type: 'rollout'; readonly rollout: RolloutStatus }
  | {
      readonly type: 'reload';
      readonly reloads: number;
      readonly errors: readonly string[];
      /** Sandboxes with errors: their last good configuration stays in force. */
      readonly kept: readonly string[];
    };

/** `seq` grows, also over a restart of the tree, but not by one each. */
export type LithosEvent = LithosEventBody & { readonly seq: number; readonly wallMs: number };

/** The first message of every stream. `missed`: some events after `since` are not kept any more, so read the status. */
export interface LithosHello {
  readonly type: 'hello';
  readonly pid: number;
  readonly version: string;
  readonly newest: number;
  readonly missed: boolean;
}

/** Answer of `/v1/instances/NAME`. */
export interface InstanceDetail extends InstanceStatus {
  readonly words: string;
  readonly memoryBytes: number | null;
  /** Of all its processes since the container was made. */
  readonly cpuMs: number | null;
  readonly processes: number | null;
  /** The newest lines of its log; null when not everybody on this host may read that file. */
  readonly log: readonly string[] | null;
}

/** Answer of the verbs and of everything that was refused. */
export interface VerbAnswer {
  readonly ok: boolean;
  readonly message: string;
  readonly instances: readonly string[];
}
