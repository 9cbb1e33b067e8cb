// `!PipConfig`, `!Py2Install`, `!Py3Install`, `!Py2Requirements`, `!Py3Requirements` (§2.6 of the format).
import { type Feature, requireFeatures } from '../features.ts';
import {
  type BuildAction,
  type BuildState,
  done,
  type Outcome,
  type PlanStep,
  type StepWorld,
} from '../state.ts';
import { getPip, PIP_INSTALL } from './get-pip.ts';
import type { PipConfig, Python } from './types.ts';
import { isUsed, withUsed } from './used.ts';

const CACHE = '/tmp/pip-cache';

/** Packages that are fetched from a repository need its program; as the format names them. */
const VERSION_CONTROL: readonly (readonly [start: RegExp, features: readonly Feature[]])[] = [
  [/git\+https:/, ['git', 'https']],
  [/git\+/, ['git']],
  [/hg\+https:/, ['mercurial', 'https']],
  [/hg\+/, ['mercurial']],
];

function versionControl(items: readonly string[]): readonly Feature[] {
  return items.flatMap(item => VERSION_CONTROL.find(([start]) => start.test(item))?.[1] ?? []);
}

/** Inherited by containers that start from this one, as its variables are. */
function withCaches(state: BuildState): BuildState {
  const { distribution } = state;
  const system = distribution === undefined ? 'none' : Object.values(distribution).slice(0, 2).join('-');
  // The architecture is part of the name in the format; pip itself looks at the tags of a wheel.
  const wheels = { [`${CACHE}/wheels`]: `pip-cache-wheels-amd64-${system}` };
  const downloads = { [`${CACHE}/http`]: 'pip-cache-http', [`${CACHE}/http-v2`]: 'pip-cache-http-v2' };
  const caches = { ...downloads, ...(state.languages.pip.cacheWheels && wheels), ...state.caches };
  return { ...state, caches, env: { ...state.env, PIP_CACHE_DIR: CACHE } };
}

export function withPip(state: BuildState, python: Python, items: readonly string[]): Outcome {
  const { installPython } = state.languages.pip;
  const interpreter: readonly Feature[] = installPython ? [python, `${python}-dev`] : [];
  const packaged: readonly Feature[] = installPython && python === 'python3' ? ['pip3'] : [];
  const features: readonly Feature[] = [
    'build-essentials',
    ...interpreter,
    ...packaged,
    ...versionControl(items),
  ];
  const required = requireFeatures(withCaches(state), ...features);
  if (!required.ok) return required;
  if (isUsed(required.state, python)) return required;
  const next = withUsed(required.state, python);
  return done(next, ...required.actions, ...getPip(next, pythonOf(next, python)));
}

function pythonOf({ languages }: BuildState, python: Python): string {
  return languages.pip.pythonExe ?? python;
}

/** A command with pip at hand, wherever it came from. */
export function pipAction(state: BuildState, python: Python, ...words: readonly string[]): BuildAction {
  const env = {
    ...state.env,
    PYTHONPATH: PIP_INSTALL,
    // Distributions guard their own packages from pip on a machine; here the image is what pip is to fill.
    PIP_BREAK_SYSTEM_PACKAGES: '1',
    PIP_ROOT_USER_ACTION: 'ignore',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
  };
  return { kind: 'run', argv: [pythonOf(state, python), '-m', 'pip', ...words], env, caches: state.caches };
}

function indexOptions({ indexUrls, trustedHosts }: PipConfig): readonly string[] {
  const [first, ...more] = indexUrls;
  return [
    ...(first === undefined ? [] : [`--index-url=${first}`]),
    ...more.map(url => `--extra-index-url=${url}`),
    ...trustedHosts.flatMap(host => ['--trusted-host', host]),
  ];
}

function installOptions(pip: PipConfig): readonly string[] {
  return [
    '--ignore-installed',
    ...indexOptions(pip),
    ...(pip.dependencies ? [] : ['--no-deps']),
    ...pip.findLinks.map(link => `--find-links=${link}`),
    ...(pip.allowPreReleases ? ['--pre'] : []),
  ];
}

function planned(state: BuildState, python: Python, items: readonly string[], what: readonly string[]) {
  const ready = withPip(state, python, items);
  if (!ready.ok) return ready;
  const install = pipAction(
    ready.state,
    python,
    'install',
    ...installOptions(ready.state.languages.pip),
    ...what,
  );
  return done(ready.state, ...ready.actions, install);
}

/** Replaces all earlier settings. */
export const planPipConfig: PlanStep = (value, state) =>
  done({ ...state, languages: { ...state.languages, pip: value as unknown as PipConfig } });

export const planPyInstall =
  (python: Python): PlanStep =>
  (value, state) =>
    planned(state, python, value as string[], value as string[]);

/** Which programs it needs is written in the file. */
export const planPyRequirements =
  (python: Python): PlanStep =>
  (value, state, world: StepWorld) => {
    const file = (value as string | null) ?? 'requirements.txt';
    const lines = world.readText(`/work/${file}`)?.split('\n') ?? [];
    return planned(state, python, lines, ['--requirement', file]);
  };

/** At the end of a build: what is installed, beside the image. */
export function finishPip(state: BuildState): readonly BuildAction[] {
  return state.languages.used
    .filter(tool => tool === 'python2' || tool === 'python3')
    .map(python => ({
      ...(pipAction(state, python, 'freeze') as Extract<BuildAction, { kind: 'run' }>),
      outputFile: `${python.replace('python', 'pip')}-freeze.txt`,
    }));
}
