// What building one container means, from its setup: actions per step and the finishing touches.
import { SEARCH_PATH } from '../../config/defaults.ts';
import type { Container, Project } from '../../config/model.ts';
import { containerDependencies } from '../../config/references.ts';
import { type PlannedStep, planSteps, type StepProblem } from '../steps/index.ts';
import { finishComposer } from '../steps/languages/composer.ts';
import { finishGem } from '../steps/languages/gem.ts';
import { finishNpm } from '../steps/languages/npm.ts';
import { finishPip } from '../steps/languages/pip.ts';
import { FRESH_LANGUAGES } from '../steps/languages/types.ts';
import { finishPackages } from '../steps/packages.ts';
import type { BuildAction, BuildState, StepWorld } from '../steps/state.ts';

/** What a plan reads besides the project's config. */
type PlanFiles = Pick<StepWorld, 'otherContainer' | 'readText'>;

/** Directories every image has: the places where a run mounts something. */
const SYSTEM_DIRECTORIES = ['/dev', '/sys', '/proc', '/run', '/work'];
/** Nothing of the user's environment leaks into a build. */
const BUILD_ENVIRONMENT = { TERM: 'dumb', HOME: '/tmp', PATH: SEARCH_PATH };

export type BuildPlan =
  | {
      readonly ok: true;
      readonly prepare: readonly BuildAction[];
      readonly steps: readonly PlannedStep[];
      readonly finish: readonly BuildAction[];
      /** Variables after the last step. */
      readonly env: BuildState['env'];
      /** The steps from this one on, for a build in which those before were done on another day. */
      readonly resumed: (index: number) => readonly PlannedStep[];
    }
  | { readonly ok: false; readonly problems: readonly StepProblem[] };

export type GoodPlan = Extract<BuildPlan, { ok: true }>;

const directory = (path: string): BuildAction => ({
  kind: 'ensure-directory',
  path,
  mode: path === '/tmp' || path === '/var/tmp' ? 0o1777 : 0o755,
});

/** Before the first step of a container. */
export const START: BuildState = {
  env: BUILD_ENVIRONMENT,
  installed: [],
  buildDeps: [],
  listsFresh: false,
  repositories: { universe: false, https: false, eatmydata: false },
  ensureDirs: [],
  emptyDirs: [],
  removed: [],
  caches: {},
  languages: FRESH_LANGUAGES,
};

/** Where nothing but the config can be read. */
const NO_FILES: PlanFiles = {
  otherContainer: () => ({ kind: 'not-ready', message: 'no other config can be read here' }),
  readText: () => undefined,
};

/** Package lists are outside of images, and those of then may name packages that are gone. */
function resumed(steps: readonly PlannedStep[], index: number, world: StepWorld): readonly PlannedStep[] {
  const first = steps[index];
  if (first === undefined || !first.before.listsFresh) return steps.slice(index);
  const setup = steps.slice(index).map(({ step }) => step);
  const planned = planSteps(setup, { ...first.before, listsFresh: false }, world);
  return planned.ok ? planned.steps : steps.slice(index);
}

function finish(state: BuildState, truncated: readonly string[], dataDirs: readonly string[]): BuildAction[] {
  return [
    ...finishPip(state),
    ...finishNpm(state),
    ...finishComposer(state),
    ...finishGem(state),
    ...finishPackages(state),
    ...truncated.map((path): BuildAction => ({ kind: 'truncate', path })),
    ...state.removed.map((path): BuildAction => ({ kind: 'remove', path })),
    ...['/tmp', '/var/tmp', ...state.emptyDirs].map(
      (path): BuildAction => ({ kind: 'empty-directory', path }),
    ),
    ...[...SYSTEM_DIRECTORIES, '/tmp', ...state.ensureDirs].map(directory),
    ...(dataDirs.length === 0 ? [] : [{ kind: 'keep-only', paths: dataDirs } as const]),
  ];
}

/** `proxies`: the lower-case proxy variables of the caller, the only ones a build may know. */
export function planBuild(
  project: Project,
  name: string,
  proxies: Readonly<Record<string, string>>,
  files: PlanFiles = NO_FILES,
): BuildPlan {
  const container = project.containers[name];
  if (container === undefined) throw new Error(`no container ${name}`);
  const start = { ...START, env: { ...BUILD_ENVIRONMENT, ...proxies } };
  const { otherContainer, readText } = files;
  const world = { containers: project.containers, otherContainer, readText };
  const planned = planSteps(container.setup, start, world);
  if (!planned.ok) return planned;
  const { resolvConfPath, hostsFilePath } = container;
  const mounted = [...new Set(['/etc/resolv.conf', '/etc/hosts', resolvConfPath, hostsFilePath])];
  return {
    ok: true,
    prepare: [...SYSTEM_DIRECTORIES, '/tmp', '/etc'].map(directory),
    steps: planned.steps,
    finish: finish(
      planned.state,
      mounted.filter(path => path !== null),
      container.dataDirs,
    ),
    env: planned.state.env,
    resumed: index => resumed(planned.steps, index, world),
  };
}

/** Sentences about data dirs that are superfluous. */
export function dataDirWarnings({ dataDirs }: Container): string[] {
  const plain = dataDirs.map(path => path.replace(/\/+$/, ''));
  return plain.flatMap((path, index) => {
    const twice = plain.indexOf(path) < index;
    const outer = plain.find(other => path.startsWith(`${other}/`));
    if (twice) return [`data-dirs has ${path || '/'} more than once`];
    return outer === undefined ? [] : [`data-dirs has ${path}, which is in ${outer || '/'} anyway`];
  });
}

/** The named containers and everything they start from, dependencies first, each once. */
export function buildOrder(
  project: Project,
  names: readonly string[],
  dependenciesOf: (container: Container) => readonly string[] = containerDependencies,
): string[] {
  const order: string[] = [];
  const met = new Set<string>();
  const visit = (name: string): void => {
    const container = project.containers[name];
    if (container === undefined || met.has(name)) return;
    met.add(name);
    for (const parent of dependenciesOf(container)) visit(parent);
    order.push(name);
  };
  for (const name of names) visit(name);
  return order;
}
