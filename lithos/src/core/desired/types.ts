// What the config files ask for, resolved: plain data, so that it can be kept on disk as the last good state.

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace';

export type ResolvedVolume =
  | {
      readonly kind: 'readonly';
      readonly target: string;
      readonly source: string;
      /** The mapped host directory that `source` is in. */
      readonly root: string;
    }
  | {
      readonly kind: 'persistent';
      readonly target: string;
      readonly source: string;
      readonly root: string;
      readonly create: boolean;
      readonly mode: number;
      /** Of the host: already translated through the id map in effect. */
      readonly user: number;
      readonly group: number;
    }
  | { readonly kind: 'tmpfs'; readonly target: string; readonly sizeBytes: number; readonly mode: number }
  | {
      readonly kind: 'statedir';
      readonly target: string;
      /** Relative to the state directory of the instance; empty for the directory itself. */
      readonly path: string;
      readonly mode: number;
      /** Of the host, as above. */
      readonly user: number;
      readonly group: number;
    };

/** `mount`: null = if the image has a regular file there. */
export interface EtcFiles {
  readonly resolvConf: { readonly mount: boolean | null; readonly copyFrom: string | null };
  readonly hosts: {
    readonly mount: boolean | null;
    readonly copyFrom: string | null;
    readonly localhost: boolean;
    readonly publicHostname: boolean;
    readonly additional: Readonly<Record<string, string>>;
  };
}

export interface IdMap {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** A listening socket the program gets as descriptor `fd`. */
export type ListenSpec =
  | {
      readonly kind: 'tcp';
      readonly fd: number;
      /** An IPv4 or IPv6 literal. */
      readonly host: string;
      readonly port: number;
      readonly backlog: number;
      readonly reuseAddress: boolean;
      readonly reusePort: boolean;
      readonly nonBlocking: boolean;
      /** `host`: opened by the tree in its own network, shared by all instances that name the same address. */
      readonly place: 'host' | 'inside';
    }
  | {
      readonly kind: 'unix';
      readonly fd: number;
      /** On the host; links must not lead out of `root`. */
      readonly path: string;
      readonly root: string;
      readonly backlog: number;
      readonly mode: number;
      readonly nonBlocking: boolean;
    };

export type NetworkSpec =
  | { readonly kind: 'host' }
  | {
      readonly kind: 'bridged';
      readonly bridge: string;
      readonly prefixLength: number;
      /** Null: only the loopback interface. */
      readonly address: string | null;
      readonly gateway: string | null;
      /** argv, variables expanded; empty for none. */
      readonly afterSetup: readonly string[];
    };

/** What is asked to find out whether a program is well. All times in ms. */
export interface Probe {
  readonly test:
    | { readonly kind: 'tcp'; readonly port: number }
    | { readonly kind: 'http'; readonly port: number; readonly path: string; readonly host: string | null }
    | { readonly kind: 'exec'; readonly command: readonly string[] };
  readonly initialDelayMs: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** In a row. */
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** `notify`: the program itself says READY=1 on NOTIFY_SOCKET. Null: ready as soon as it runs. */
export type Readiness =
  | { readonly kind: 'notify' }
  | { readonly kind: 'probe'; readonly probe: Probe }
  | null;

export interface RestartPolicy {
  /** Least time between two starts. */
  readonly timeoutMs: number;
  /** Ceiling of the doubling delay after failures in a row. */
  readonly backoffMaxMs: number;
  /** Having run (and been ready) this long ends the row of failures. */
  readonly healthyAfterMs: number;
  /** That many failures in a row make it `failed`; null: never. */
  readonly maxFailures: number | null;
}

export interface StopPolicy {
  /** `SIGTERM` and so on. */
  readonly signal: `SIG${string}`;
  /** From the request until KILL of everything in the cgroup; the hook's time counts. */
  readonly timeoutMs: number;
  /** Run inside before the signal; empty for none. */
  readonly hook: readonly string[];
}

export interface IoLimit {
  /** Absolute path of a block device of the host. */
  readonly device: string;
  readonly readBytesPerS: number | null;
  readonly writeBytesPerS: number | null;
  readonly readOpsPerS: number | null;
  readonly writeOpsPerS: number | null;
}

/** `log`: the instance's own file; `inherit`: the tree's own stdout and stderr; `file`: a path inside the container. */
export type Stdio =
  | { readonly kind: 'log' }
  | { readonly kind: 'inherit' }
  | { readonly kind: 'file'; readonly path: string };

/** Encrypted values as configured; only the start of the container decrypts them. */
export interface SecretSpec {
  /** Variable name → `v2:` strings of which the first that can be decrypted counts. */
  readonly environ: Readonly<Record<string, readonly string[]>>;
  /** YAML of the same shape inside the image, absolute; null for none. */
  readonly file: string | null;
  readonly keyFile: string;
  readonly namespaces: readonly string[];
}

export interface DesiredInstance {
  /** `sandbox/process.N` */
  readonly name: string;
  readonly sandbox: string;
  readonly process: string;
  readonly index: number;
  readonly identity: string;
  /** Absolute directory of the image on the host. */
  readonly imageRoot: string;
  readonly configPath: string;
  readonly command: readonly string[];
  /** Complete but for TERM, which comes from the supervisor. */
  readonly environ: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly userId: number;
  readonly groupId: number;
  readonly additionalGroups: readonly number[];
  /** Either non-empty: a user namespace; ids above are ids inside it. */
  readonly uidMap: readonly IdMap[];
  readonly gidMap: readonly IdMap[];
  readonly memoryLimitBytes: number | null;
  /** On top of the memory limit. */
  readonly swapLimitBytes: number;
  readonly cpuShares: number;
  /** 100 is one whole CPU. */
  readonly cpuQuotaPercent: number | null;
  readonly pidsLimit: number;
  /** 10…1000 as in cgroup v1's blkio.weight. */
  readonly ioWeight: number | null;
  readonly ioLimits: readonly IoLimit[];
  readonly fileLimit: number;
  /** `core`, `nproc` … → soft = hard limit. */
  readonly rlimits: Readonly<Record<string, number>>;
  readonly seccomp: 'default' | 'unconfined';
  readonly newPrivileges: boolean;
  /** Device nodes of the host that the container gets too. */
  readonly devices: readonly string[];
  readonly restart: RestartPolicy;
  readonly stop: StopPolicy;
  /** The program alone is restarted, its container stays. */
  readonly processOnly: boolean;
  readonly readiness: Readiness;
  readonly startTimeoutMs: number;
  readonly liveness: Probe | null;
  /** The program must say WATCHDOG=1 at least this often; null: no watchdog. */
  readonly watchdogMs: number | null;
  /** Names of processes of the same sandbox, all of whose instances are ready before this one first starts. */
  readonly after: readonly string[];
  readonly normalExitCodes: readonly number[];
  readonly stdio: Stdio;
  readonly sockets: readonly ListenSpec[];
  readonly network: NetworkSpec;
  readonly secrets: SecretSpec | null;
  readonly volumes: readonly ResolvedVolume[];
  readonly etc: EtcFiles;
  readonly sharePid: boolean;
  /** Its environment tells the program its own pid (`@{lithos:pid}`): not every runtime makes that one predictable. */
  readonly needsPid: boolean;
  readonly capabilities: readonly string[];
}

export interface RollingUpdate {
  /** Instances of one process that may be away at the same time. */
  readonly maxUnavailable: number;
  /** A replaced instance must become healthy within this time. */
  readonly timeoutMs: number;
  /** Go back to the previous configuration when it does not. */
  readonly rollBack: boolean;
}

/** One sandbox as it should be: its instances, and what its process file says (for the config history). */
export interface DesiredSandbox {
  readonly name: string;
  /** How changed instances are replaced; null: all at the same moment. */
  readonly rollingUpdate: RollingUpdate | null;
  /** The supervisor's log about it: the file relative to `default-log-dir`, null level for that of the master file. */
  readonly log: { readonly file: string; readonly level: LogLevel | null };
  readonly instances: readonly DesiredInstance[];
  /** Null when there is no process file: there is nothing to remember. */
  readonly history: string | null;
}
