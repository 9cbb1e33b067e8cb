// What the settings files together say.
import { STEP_CACHE_AGE_DAYS, STEP_CACHE_BYTES } from './defaults.ts';

/** Paths are as written: a `~/` in front is for the adapter to resolve. Absent mirrors: the distribution's own. */
export interface Settings {
  readonly storageDir?: string;
  readonly storageSubdirFromEnvVar?: string;
  /** Already left out where a project does not share it. */
  readonly cacheDir?: string;
  readonly versionCheck: boolean;
  readonly proxyEnvVars: boolean;
  /** Build steps see the caller's agent. */
  readonly sshAgent: boolean;
  readonly ubuntuMirror?: string;
  readonly ubuntuSkipLocking: boolean;
  readonly alpineMirror?: string;
  readonly debianMirror?: string;
  readonly debianSnapshotMirror?: string;
  /** Keys that are trusted beside the distribution's own. */
  readonly ubuntuKeyring?: string;
  readonly debianKeyring?: string;
  readonly alpineKeys?: string;
  readonly versionedBuildDir: boolean;
  /** Name below /volumes → directory of the host. */
  readonly externalVolumes: Readonly<Record<string, string>>;
  readonly pushImageScript?: string;
  readonly buildLockWait: boolean;
  readonly autoApplySysctl: boolean;
  readonly indexAllImages: boolean;
  readonly hardLinkIdenticalFiles: boolean;
  readonly hardLinkBetweenProjects: boolean;
  readonly runSymlinksAsCommands: boolean;
  readonly disableAutoClean: boolean;
  readonly environ: Readonly<Record<string, string>>;
  readonly propagateEnviron: readonly string[];
  readonly stepCache: boolean;
  /** Bytes. */
  readonly stepCacheSize: number;
  /** Days. */
  readonly stepCacheAge: number;
  /** Containers built at once; absent: two. */
  readonly jobs?: number;
}

export const DEFAULT_SETTINGS: Settings = {
  versionCheck: true,
  proxyEnvVars: true,
  sshAgent: false,
  ubuntuSkipLocking: false,
  versionedBuildDir: false,
  externalVolumes: {},
  buildLockWait: false,
  autoApplySysctl: false,
  indexAllImages: false,
  hardLinkIdenticalFiles: false,
  hardLinkBetweenProjects: false,
  runSymlinksAsCommands: true,
  disableAutoClean: false,
  environ: {},
  propagateEnviron: [],
  stepCache: true,
  stepCacheSize: STEP_CACHE_BYTES,
  stepCacheAge: STEP_CACHE_AGE_DAYS,
};
