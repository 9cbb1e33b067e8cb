// What a run needs beyond files of its image: sockets, a network, secrets, a log. One attachment per concern, so that
// starting a container does not have to know any of them.
//
//   prepare ──▶ attach ──▶ beforeCreate ──▶ (create) ──▶ mounted ──▶ created ──▶ (start) … (exit) ──▶ detach
//   not wanted any more ──▶ forget
import type { SandboxMount } from '@suite/shared/oci/sandbox.ts';
import type { DesiredInstance } from '../core/desired/types.ts';

/** What goes into the bundle. Later attachments win over earlier ones and over the configuration. */
export interface BundlePart {
  readonly env?: Readonly<Record<string, string>>;
  readonly mounts?: readonly SandboxMount[];
  /** A network namespace that exists when the container is created. */
  readonly networkPath?: string;
}

/** What is handed to the monitor when the container is created. */
export interface RunPart {
  /** Descriptor inside (3 and up) → ours. We keep ours. */
  readonly fds?: ReadonlyMap<number, number>;
  /** Output goes straight into this open file of ours instead of the log. Closed by whoever opened it. */
  readonly outputFd?: number;
  /** Where stderr goes, if not there too. */
  readonly errorFd?: number;
}

/** Everything may throw with a sentence for the operator: the start then fails and is tried again. */
export interface Attachment {
  readonly concern: string;
  /** May come long before the start, more than once, and for a run that never starts. */
  prepare?(desired: DesiredInstance, run: number): Promise<BundlePart>;
  /**
   * Right before the monitor is started, which gets the descriptors; must be quick when the instance does not need it.
   * The state directory and the sources of volumes may still be those of the last run, or missing. `standing`: the
   * container is there already (this is its first process) and only the program is started again.
   */
  attach?(desired: DesiredInstance, run: number, standing?: number): Promise<RunPart>;
  /** State directory and volumes are ready, the container is not created yet. Costs no time while the monitor loads. */
  beforeCreate?(desired: DesiredInstance, run: number): Promise<void>;
  /** The container has its mounts, and nothing of its image runs yet; also in one that stays. `root`: where we can see them. */
  mounted?(desired: DesiredInstance, run: number, root: string): Promise<void>;
  /** The container exists and its program does not run yet (except in one that stays). `pid`: of its first process. */
  created?(desired: DesiredInstance, run: number, pid: number): Promise<void>;
  /** The run is over, or its start failed. The next one may run already. */
  detach?(name: string, run: number): Promise<void>;
  forget?(name: string): Promise<void>;
}

/** All parts of one kind in order, or the first failure; nothing is under way any more then: what it opened can be closed. */
export async function gather<T>(parts: readonly (Promise<T> | undefined)[]): Promise<T[]> {
  await Promise.allSettled(parts);
  const asked = await Promise.all(parts);
  return asked.filter((part): part is Awaited<T> & T => part !== undefined);
}
