// What the config files ask for, resolved: plain data, so that it can be kept on disk as the last good state.

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
  readonly memoryLimitBytes: number | null;
  readonly cpuShares: number;
  readonly fileLimit: number;
  readonly restartTimeoutMs: number;
  readonly killTimeoutMs: number;
  readonly normalExitCodes: readonly number[];
  readonly volumes: readonly ResolvedVolume[];
  readonly etc: EtcFiles;
  readonly sharePid: boolean;
  /** Its environment tells the program its own pid (`@{lithos:pid}`): not every runtime makes that one predictable. */
  readonly needsPid: boolean;
  readonly capabilities: readonly string[];
}

/** One sandbox as it should be: its instances, and what its process file says (for the config history). */
export interface DesiredSandbox {
  readonly name: string;
  readonly instances: readonly DesiredInstance[];
  readonly history: string;
}
