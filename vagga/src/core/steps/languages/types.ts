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

/** Which tools were used in this very build: what they installed is listed at its end. */
export type Tool = Python | 'npm';

export interface Languages {
  readonly pip: PipConfig;
  readonly npm: NpmConfig;
  readonly used: readonly Tool[];
}

/** The defaults of `!PipConfig` and `!NpmConfig`, for builds without them. */
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
  used: [],
};
