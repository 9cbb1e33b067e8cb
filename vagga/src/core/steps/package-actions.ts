// What distributions and package managers do to the image, as data. Mirrors and the codename of an archive are known
// only when the build runs, so those that need them leave them to the executor.
import type { Mounts } from './mounts.ts';

type Variables = Readonly<Record<string, string>>;

export interface DebianRelease {
  readonly suite: string;
  /** Empty: those of the host's own sources, else `main`. */
  readonly components: readonly string[];
  readonly mirror?: string;
  /** `YYYYMMDDTHHMMSSZ` */
  readonly snapshot?: string;
  readonly arch?: string;
  readonly variant: string;
}

export interface AptSource {
  /** Undefined: the mirror of the image. */
  readonly url?: string;
  /** Undefined: the codename of the image. */
  readonly suite?: string;
  readonly components: readonly string[];
  readonly trusted: boolean;
}

export type PackageAction =
  | ({ readonly kind: 'bootstrap-debian' } & DebianRelease)
  /** `arch` undefined: that of the machine. */
  | { readonly kind: 'bootstrap-ubuntu'; readonly codename: string; readonly arch?: string }
  /** An archive with a root file system; `codename` is what it must hold, if given. */
  | { readonly kind: 'unpack-ubuntu'; readonly url: string; readonly codename?: string }
  | {
      readonly kind: 'apt-get';
      readonly argv: readonly string[];
      readonly env: Variables;
      readonly caches: Mounts;
      /** `try`: a failure is only a warning. `use`: preloaded, if it is in the image. */
      readonly eatmydata?: 'try' | 'use';
    }
  | ({ readonly kind: 'apt-source' } & AptSource)
  | { readonly kind: 'apt-universe' }
  | { readonly kind: 'apt-trust'; readonly server?: string; readonly keys: readonly string[] }
  /** The root of an Alpine: `/etc/apk/repositories`, then `alpine-base`. */
  | { readonly kind: 'bootstrap-alpine'; readonly version: string; readonly env: Variables }
  | {
      readonly kind: 'apk';
      readonly version: string;
      /** After the options that every call has. */
      readonly words: readonly string[];
      readonly env: Variables;
      readonly caches: Mounts;
      /** stdout goes to this file beside the root instead of the log. */
      readonly outputFile?: string;
    }
  | {
      readonly kind: 'apk-repository';
      /** Undefined: the mirror. */
      readonly url?: string;
      readonly branch: string;
      readonly repo: string;
      readonly tag?: string;
    }
  /** For the user, in the log of the build. */
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string };
