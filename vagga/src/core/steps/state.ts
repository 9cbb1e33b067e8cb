// What steps hand on to later ones while a build is planned.

import type { Container, Json } from '../../config/model.ts';
import type { ProcessUser } from '../ids/process-user.ts';
import type { OtherContainer } from '../image/emit.ts';
import type { ArchiveAction } from './archive-actions.ts';
import type { Distribution } from './distribution.ts';
import type { GitAction } from './git-actions.ts';
import type { Languages } from './languages/types.ts';
import type { Mounts } from './mounts.ts';
import type { OciAction } from './oci-actions.ts';
import type { PackageAction } from './package-actions.ts';

/** Everything a build does to the image, as data. A table in adapters/build maps each kind to its executor. */
export type BuildAction =
  | ArchiveAction
  | GitAction
  | OciAction
  | PackageAction
  | { readonly kind: 'copy-root'; readonly container: string }
  | {
      readonly kind: 'run';
      readonly argv: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly caches: Mounts;
      /** Held while running: package caches allow one user at a time. */
      readonly lock?: string;
      /** stdout goes to this file beside the root instead of the log. */
      readonly outputFile?: string;
      /** Absolute path in the image; absent: `/work`. */
      readonly cwd?: string;
      /** Absent: root. */
      readonly user?: ProcessUser;
      /** In a network of its own, which is the same for all such actions of one build. */
      readonly isolateNetwork?: boolean;
    }
  | { readonly kind: 'write-file'; readonly path: string; readonly text: string; readonly mode: number }
  /** `container`: from its image; absent: from the project or from the image itself. */
  | { readonly kind: 'copy'; readonly copy: CopyValue; readonly container?: string }
  /** A step of another config. */
  | { readonly kind: 'sub-step'; readonly title: string; readonly actions: readonly BuildAction[] }
  /** The host's name servers and names, for the steps that follow. */
  | { readonly kind: 'host-files' }
  | { readonly kind: 'ensure-directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'empty-directory'; readonly path: string }
  | { readonly kind: 'truncate'; readonly path: string }
  | { readonly kind: 'remove'; readonly path: string }
  /** Everything goes that is neither in one of them nor leads to one. */
  | { readonly kind: 'keep-only'; readonly paths: readonly string[] };

export interface CopyValue {
  readonly source: string;
  readonly path: string;
  readonly ownerUid?: number;
  readonly ownerGid?: number;
  readonly umask: number;
  readonly preservePermissions: boolean;
  readonly preserveTimes: boolean;
  readonly ignoreRegex?: string;
  readonly includeRegex?: string;
  readonly rules: readonly string[];
  readonly noDefaultRules?: boolean;
}

export interface Repositories {
  readonly universe: boolean;
  /** One of them is read over https, so the image needs certificates before it can refresh its lists. */
  readonly https: boolean;
  /** The library that leaves out fsync was put into the image, or was tried to. */
  readonly eatmydata: boolean;
}

export interface BuildState {
  readonly distribution?: Distribution;
  readonly env: Readonly<Record<string, string>>;
  /** Packages that stay, and those that go at the end. */
  readonly installed: readonly string[];
  readonly buildDeps: readonly string[];
  /** The package lists were refreshed in this very build, after the last change of repositories. */
  readonly listsFresh: boolean;
  /** What the repositories are so far; children of the container stand on them too. */
  readonly repositories: Repositories;
  readonly ensureDirs: readonly string[];
  readonly emptyDirs: readonly string[];
  readonly removed: readonly string[];
  readonly caches: Mounts;
  readonly languages: Languages;
}

export type Outcome =
  | { readonly ok: true; readonly state: BuildState; readonly actions: readonly BuildAction[] }
  | { readonly ok: false; readonly message: string };

export interface StepWorld {
  readonly containers: Readonly<Record<string, Container>>;
  /** The container that a `!SubConfig` of this value means. */
  readonly otherContainer: (value: Json) => OtherContainer;
  /** A file of the project (`/work/…`), where the plan depends on what is in it; undefined when absent. */
  readonly readText: (path: string) => string | undefined;
  /** The sub-configs that we are in. */
  readonly inside?: readonly string[];
}

/** One step of the format: what it does to the state and to the image. */
export type PlanStep = (value: Json, state: BuildState, world: StepWorld) => Outcome;

export function done(state: BuildState, ...actions: readonly BuildAction[]): Outcome {
  return { ok: true, state, actions };
}

/** A part of a step: the state afterwards and what to do. */
export interface Change {
  readonly state: BuildState;
  readonly actions: readonly BuildAction[];
}

export function refuse(message: string): Outcome {
  return { ok: false, message };
}

/** A command of the build with the environment as it is by now. */
export function runAction(state: BuildState, argv: readonly string[]): BuildAction {
  return { kind: 'run', argv, env: state.env, caches: state.caches };
}
