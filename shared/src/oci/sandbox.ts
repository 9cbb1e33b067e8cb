/** One mount of the sandbox besides the fixed ones (/proc, /sys, /dev and below). A target equal to a fixed one replaces it. */
export interface SandboxMount {
  readonly type: 'bind' | 'tmpfs';
  /** Host path; only for a bind. */
  readonly source?: string;
  /** Absolute path inside the sandbox; must exist in the image (see `checkMountPoints`). */
  readonly target: string;
  readonly readonly: boolean;
  /** Both default to true: a volume carries data, neither privileges nor devices. */
  readonly nosuid?: boolean;
  readonly nodev?: boolean;
  readonly noexec?: boolean;
  /** Bind: with the mounts below the source (then `readonly` covers them too). */
  readonly recursive?: boolean;
  /** Recursive bind: false leaves the mounts below writable. */
  readonly readonlyBelow?: boolean;
  /** Bind: the source is no file. Default: only if `recursive`. */
  readonly directory?: boolean;
  /** tmpfs only. */
  readonly sizeBytes?: number;
  /** runc before 1.2 ignores it and takes the mode of the image's directory. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface IdMapping {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

interface UserNamespace {
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
}

/** `path`: join an existing namespace, e.g. `/run/netns/NAME`. */
export type NamespaceChoice = 'new' | 'host' | { readonly path: string };

interface SandboxNamespaces {
  readonly pid: NamespaceChoice;
  readonly network: NamespaceChoice;
  readonly mount: 'new';
  readonly ipc: 'new' | 'host';
  readonly uts: 'new' | 'host';
  readonly user?: UserNamespace;
}

export interface SandboxDevice {
  readonly path: string;
  readonly type: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Per second; absent: no limit. */
interface IoDeviceLimit {
  readonly major: number;
  readonly minor: number;
  readonly readBytesPerS?: number;
  readonly writeBytesPerS?: number;
  readonly readOpsPerS?: number;
  readonly writeOpsPerS?: number;
}

export interface SandboxLimits {
  readonly memoryBytes?: number;
  /** On top of `memoryBytes`, without which it means nothing. Default 0: swap would only hide the limit. */
  readonly swapBytes?: number;
  /** False where the kernel does not count swap (cgroup v1 without memsw files): a limit for it would fail. */
  readonly swapAccounting?: boolean;
  /** The cgroup v1 scale, 2…262144, 1024 is normal; the runtime converts for v2. */
  readonly cpuShares?: number;
  /** 100 is one whole CPU. */
  readonly cpuQuotaPercent?: number;
  readonly pidsMax?: number;
  readonly ioLimits?: readonly IoDeviceLimit[];
  /** RLIMIT_NOFILE, soft and hard. Above our own hard limit it needs CAP_SYS_RESOURCE. */
  readonly noFile?: number;
  /** The other resource limits by their names in lower case: `core`, `nproc` … Same rules. */
  readonly rlimits?: Readonly<Record<string, number>>;
}

/** What we want from the container engine, in our words; `toOciConfig` turns it into a runtime-spec document. */
export interface SandboxSpec {
  /** Absolute path of the image directory. */
  readonly rootPath: string;
  readonly readonlyRoot: boolean;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids?: readonly number[];
  /** Ignored with the host's uts namespace. */
  readonly hostname?: string;
  readonly mounts: readonly SandboxMount[];
  readonly namespaces: SandboxNamespaces;
  /** With or without the `CAP_` prefix; empty means none at all. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  /** Default: 'default'. */
  readonly seccomp?: 'default' | 'unconfined';
  /** Default: the kernel interfaces that leak or reach the host; give `[]` for none. */
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  /** Besides the standard ones (null, zero, full, random, urandom, tty). */
  readonly devices?: readonly SandboxDevice[];
  /**
   * For a caller that is itself root of a user namespace only: then the network's sysfs is not its to mount, and the group
   * of terminals may not exist, although the sandbox makes no user namespace of its own.
   */
  readonly insideUserNamespace?: { readonly gidMappings: readonly IdMapping[] };
  readonly terminal: boolean;
  /** −1000…1000, how soon the kernel ends it when memory runs out; default: as ours. */
  readonly oomScoreAdj?: number;
  readonly limits: SandboxLimits;
  /** Absolute inside the cgroup file system, e.g. `/lithos/web:worker.1`. */
  readonly cgroupPath?: string;
  readonly annotations: Readonly<Record<string, string>>;
  /**
   * A static init program of the host: it becomes PID 1, forwards signals and reaps, so that TERM ends programs
   * that have no handler for it (PID 1 ignores it). Needs a new pid namespace.
   */
  readonly init?: { readonly hostPath: string };
}

/** Parents before children, otherwise as given: a volume may sit inside another. */
export function orderMounts<T extends { readonly target: string }>(mounts: readonly T[]): T[] {
  const depth = (path: string) => path.split('/').filter(part => part !== '').length;
  return [...mounts].sort((a, b) => depth(a.target) - depth(b.target));
}
