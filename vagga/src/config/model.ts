// The decoded project. Plain JSON all the way down: the start-up cache writes it to a file and reads it back.

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Where something stands in a config file; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One build step: the tag without `!` and its decoded value (struct fields in camelCase). */
export interface Step extends Place {
  readonly tag: string;
  readonly value: Json;
}

/** Ids `start` … `end - 1`, the form in which ranges are hashed and mapped. */
export interface IdRange {
  readonly start: number;
  readonly end: number;
}

export interface Volume extends Place {
  readonly tag: string;
  readonly value: Json;
}

export type Volumes = Readonly<Record<string, Volume>>;
export type Variables = Readonly<Record<string, string>>;

export interface Container extends Place {
  /** The config file (main or mixin) that defines it; `file` is where its text stands, which may be an included file. */
  readonly source: string;
  readonly setup: readonly Step[];
  readonly dataDirs: readonly string[];
  readonly imageCacheUrl?: string;
  readonly autoClean: boolean;
  readonly environ: Variables;
  readonly environFile?: string;
  readonly defaultShell: readonly string[];
  /** `null` = no file is mounted. */
  readonly resolvConfPath: string | null;
  readonly hostsFilePath: string | null;
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
  readonly volumes: Volumes;
}

/** What every command and every supervised child has. */
export interface CommandCommon extends Place {
  /** The config file (main or mixin) that defines it; children have none of their own. */
  readonly source?: string;
  readonly description?: string;
  readonly banner?: string;
  /** Seconds. */
  readonly bannerDelay?: number;
  readonly epilog?: string;
  readonly prerequisites: readonly string[];
  readonly aliases: readonly string[];
  readonly group?: string;
  /** Text in the style of docopt; never on children. */
  readonly options?: string;
  readonly expectInotifyLimit?: number;
  readonly symlinkName?: string;
  readonly isolateNetwork: boolean;
  readonly tags: readonly string[];
  /** As written: `8080`, `*:8080`, `host:8080`, `[::1]:8080`. */
  readonly passTcpSocket?: string;
}

interface Tries {
  /** Seconds. */
  readonly timeout: number;
  /** Milliseconds. */
  readonly interval: number;
}

export type Readiness = Tries &
  (
    | { readonly tag: 'Log'; readonly pattern: string }
    | { readonly tag: 'Tcp'; readonly port: number; readonly host: string }
    | { readonly tag: 'Http'; readonly port: number; readonly path: string; readonly host: string }
    | { readonly tag: 'Exec'; readonly command: string | readonly string[] }
    /** A job: ready when it has ended with 0. */
    | { readonly tag: 'Exit' }
  );

export interface WatchRule {
  /** Relative to the project. */
  readonly path: string;
  readonly ignore: readonly string[];
  readonly action: 'restart' | 'sync';
  /** Absolute, in the container. */
  readonly target?: string;
}

/** Keys of our own: how long a process lives and how much it may use. */
export interface Life {
  readonly ready?: Readiness;
  readonly restart: 'never' | 'on-failure' | 'always';
  /** Seconds. */
  readonly restartBackoffMax: number;
  /** 0 = no limit. */
  readonly maxRestarts: number;
  /** Without `SIG`. */
  readonly stopSignal: string;
  /** Bytes. */
  readonly memoryLimit?: number;
  /** Percent of one processor. */
  readonly cpuQuota?: number;
  readonly pidsLimit?: number;
  /** Relative to the project. */
  readonly envFiles: readonly string[];
  readonly watch: readonly WatchRule[];
}

export interface RunCommand extends CommandCommon, Life {
  readonly kind: 'command';
  readonly container: string;
  /** A string is a shell script, a list is an argv. */
  readonly run: string | readonly string[];
  readonly workDir?: string;
  readonly acceptsArguments: boolean;
  readonly environ: Variables;
  readonly volumes: Volumes;
  readonly writeMode: 'read-only' | 'transient-hard-link-copy';
  readonly pid1mode: 'wait' | 'wait-all-children' | 'exec';
  readonly userId: number;
  readonly groupId: number;
  readonly externalUserId?: number;
  readonly supplementaryGids: readonly number[];
}

/** Place of a child in the network of tests. */
export interface ChildNetwork {
  readonly ip?: string;
  readonly hostname?: string;
  /** Port outside → port of the child. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface ChildCommand extends RunCommand {
  /** `!BridgeCommand`: runs in the network namespace of the bridge. */
  readonly bridge: boolean;
  readonly network?: ChildNetwork;
  /** Siblings that must be ready before this one starts. */
  readonly after: readonly string[];
}

export interface SuperviseCommand extends CommandCommon {
  readonly kind: 'supervise';
  readonly mode: 'stop-on-failure' | 'wait-all-successful';
  readonly killUnresponsiveAfterS: number;
  readonly children: Readonly<Record<string, ChildCommand>>;
}

/** `!CapsuleCommand`: runs beside the images instead of in one. */
export interface CapsuleCommand extends CommandCommon {
  readonly kind: 'capsule';
  readonly run: string | readonly string[];
  readonly workDir?: string;
  readonly acceptsArguments: boolean;
  readonly environ: Variables;
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

export type Command = RunCommand | SuperviseCommand | CapsuleCommand;

export interface Project {
  /** As the main file says it. */
  readonly minimumVagga?: string;
  readonly containers: Readonly<Record<string, Container>>;
  readonly commands: Readonly<Record<string, Command>>;
}
