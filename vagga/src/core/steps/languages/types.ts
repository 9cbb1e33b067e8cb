// What the steps of programming languages hand on to later ones.

export type Python = 'python2' | 'python3';

export interface PipConfig {
  readonly dependencies: boolean;
  readonly indexUrls: readonly string[];
  readonly findLinks: readonly string[];
  readonly trustedHosts: readonly string[];
  readonly cacheWheels: boolean;
  readonly installPython: boolean;
  readonly pythonExe?: string;
  readonly allowPreReleases: boolean;
  readonly getPipArgs: readonly string[];
}

export interface NpmConfig {
  readonly npmExe: string;
  readonly installNode: boolean;
  readonly installYarn: boolean;
  readonly yarnExe: string;
  readonly yarnVersion?: string;
}

export interface GemConfig {
  readonly installRuby: boolean;
  readonly gemExe?: string;
  readonly updateGem: boolean;
}

export interface ComposerConfig {
  readonly installRuntime: boolean;
  readonly installDev: boolean;
  readonly runtimeExe?: string;
  readonly includePath?: string;
  readonly keepComposer: boolean;
  readonly vendorDir?: string;
}

/** Which tools were used in this very build: what they installed is listed at its end. */
export type Tool = Python | 'npm' | 'yarn' | 'pnpm' | 'gem' | 'composer';

export interface Languages {
  readonly pip: PipConfig;
  readonly npm: NpmConfig;
  readonly gem: GemConfig;
  readonly composer: ComposerConfig;
  readonly used: readonly Tool[];
}

/** The defaults of the `!…Config` steps, for builds without them. */
export const FRESH_LANGUAGES: Languages = {
  pip: {
    dependencies: false,
    indexUrls: [],
    findLinks: [],
    trustedHosts: [],
    cacheWheels: true,
    installPython: true,
    allowPreReleases: false,
    getPipArgs: [],
  },
  npm: { npmExe: 'npm', installNode: true, installYarn: true, yarnExe: '/usr/bin/yarn' },
  gem: { installRuby: true, updateGem: true },
  composer: { installRuntime: true, installDev: false, keepComposer: false },
  used: [],
};
