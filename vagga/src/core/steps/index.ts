// How every step of the config is built.
import type { Step } from '../../config/model.ts';
import type { STEPS as SCHEMAS } from '../../config/steps/index.ts';
import { planAlpine } from './alpine.ts';
import { planDownload, planTar, planTarInstall, planUnzip } from './archives.ts';
import { planContainer } from './container.ts';
import { planDebian, planDebianRelease } from './debian.ts';
import {
  planCacheDirs,
  planCopy,
  planDepends,
  planEmptyDir,
  planEnsureDir,
  planRemove,
  planText,
} from './files.ts';
import { planGit, planGitDescribe, planGitInstall } from './git.ts';
import { planCargoInstall, planGoInstall } from './languages/compiled.ts';
import { planComposerConfig, planComposerDependencies, planComposerInstall } from './languages/composer.ts';
import { planGemBundle, planGemConfig, planGemInstall } from './languages/gem.ts';
import { planNpmConfig, planNpmDependencies, planNpmInstall } from './languages/npm.ts';
import { planPipConfig, planPyInstall, planPyRequirements } from './languages/pip.ts';
import { planPnpmDependencies } from './languages/pnpm.ts';
import { planUvSync } from './languages/uv.ts';
import { planYarnDependencies } from './languages/yarn.ts';
import { planOciImage } from './oci-image.ts';
import { planBuildStep, planSubConfig } from './other-containers.ts';
import { planBuildDeps, planInstall } from './packages.ts';
import { planAlpineRepo, planAptTrust, planRepo, planUbuntuRepo } from './repositories.ts';
import { planRunAs } from './run-as.ts';
import { planCmd, planEnv, planSh } from './shell.ts';
import type { BuildAction, BuildState, PlanStep, StepWorld } from './state.ts';
import { planUbuntu, planUbuntuPPA, planUbuntuRelease, planUbuntuUniverse } from './ubuntu.ts';

const STEPS: Readonly<Record<keyof typeof SCHEMAS, PlanStep>> = {
  Alpine: planAlpine,
  AlpineRepo: planAlpineRepo,
  AptTrust: planAptTrust,
  Build: planBuildStep,
  BuildDeps: planBuildDeps,
  CacheDirs: planCacheDirs,
  Cmd: planCmd,
  Container: planContainer,
  Copy: planCopy,
  Debian: planDebian,
  DebianRelease: planDebianRelease,
  Depends: planDepends,
  Download: planDownload,
  EmptyDir: planEmptyDir,
  EnsureDir: planEnsureDir,
  Env: planEnv,
  Git: planGit,
  GitDescribe: planGitDescribe,
  GitInstall: planGitInstall,
  Install: planInstall,
  NpmConfig: planNpmConfig,
  NpmDependencies: planNpmDependencies,
  NpmInstall: planNpmInstall,
  CargoInstall: planCargoInstall,
  ComposerConfig: planComposerConfig,
  ComposerDependencies: planComposerDependencies,
  ComposerInstall: planComposerInstall,
  GemBundle: planGemBundle,
  GemConfig: planGemConfig,
  GemInstall: planGemInstall,
  GoInstall: planGoInstall,
  PnpmDependencies: planPnpmDependencies,
  UvSync: planUvSync,
  YarnDependencies: planYarnDependencies,
  OciImage: planOciImage,
  PipConfig: planPipConfig,
  Py2Install: planPyInstall('python2'),
  Py2Requirements: planPyRequirements('python2'),
  Py3Install: planPyInstall('python3'),
  Py3Requirements: planPyRequirements('python3'),
  Remove: planRemove,
  Repo: planRepo,
  RunAs: planRunAs,
  Sh: planSh,
  SubConfig: planSubConfig,
  Tar: planTar,
  TarInstall: planTarInstall,
  Text: planText,
  Unzip: planUnzip,
  Ubuntu: planUbuntu,
  UbuntuPPA: planUbuntuPPA,
  UbuntuRelease: planUbuntuRelease,
  UbuntuRepo: planUbuntuRepo,
  UbuntuUniverse: planUbuntuUniverse,
};

export interface PlannedStep {
  readonly step: Step;
  readonly actions: readonly BuildAction[];
  /** What the steps before have set. */
  readonly before: BuildState;
}

export interface StepProblem {
  readonly step: Step;
  readonly message: string;
}

export type PlannedSteps =
  | { readonly ok: true; readonly state: BuildState; readonly steps: readonly PlannedStep[] }
  | { readonly ok: false; readonly problems: readonly StepProblem[] };

/** All problems at once: a step that cannot be planned leaves the state as it was. */
export function planSteps(setup: readonly Step[], start: BuildState, world: StepWorld): PlannedSteps {
  const problems: StepProblem[] = [];
  const steps: PlannedStep[] = [];
  let state = start;
  for (const step of setup) {
    const outcome = STEPS[step.tag as keyof typeof STEPS](step.value, state, world);
    if (!outcome.ok) problems.push({ step, message: outcome.message });
    else {
      steps.push({ step, actions: outcome.actions, before: state });
      state = outcome.state;
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, state, steps };
}
