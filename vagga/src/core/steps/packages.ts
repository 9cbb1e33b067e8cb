// `!Install`, `!BuildDeps` and their clean-up, on every distribution.
import { apkFinish, apkInstall } from './apk.ts';
import { aptFinish, aptInstall } from './apt.ts';
import { activeOf, type Distribution } from './distribution.ts';
import { type BuildAction, type BuildState, type Change, done, type PlanStep } from './state.ts';

function install(state: BuildState, packages: readonly string[]): Change {
  const { distribution } = state;
  if (distribution === undefined || packages.length === 0) return { state, actions: [] };
  return distribution.kind === 'alpine'
    ? apkInstall(state, distribution, packages)
    : aptInstall(state, distribution, packages);
}

/** `bc>=1.07`, `tini@community`, `tree=2.1-1`, `curl:i386=7` → the name alone. */
function packageName(text: string, distribution: Distribution): string {
  const [name = ''] = text.split(distribution.kind === 'alpine' ? /[=<>~@]/ : '=', 1);
  return name;
}

function without(state: BuildState, going: readonly string[], staying: readonly string[]): readonly string[] {
  const { distribution } = state;
  if (distribution === undefined) return going;
  const names = staying.map(text => packageName(text, distribution));
  return going.filter(text => !names.includes(packageName(text, distribution)));
}

/** Packages that stay; empty lists do nothing. */
export function installPackages(state: BuildState, packages: readonly string[]): Change {
  const missing = packages.filter(name => !state.installed.includes(name));
  const { state: next, actions } = install(state, missing);
  return {
    state: {
      ...next,
      installed: [...next.installed, ...missing],
      buildDeps: without(state, next.buildDeps, packages),
    },
    actions,
  };
}

/** Packages that go at the end of the build, unless they are also to stay. */
export function installBuildDeps(state: BuildState, packages: readonly string[]): Change {
  const known = [...state.installed, ...state.buildDeps];
  const missing = packages.filter(name => !known.includes(name));
  const { state: next, actions } = install(state, missing);
  const going = without(state, missing, next.installed);
  return { state: { ...next, buildDeps: [...next.buildDeps, ...going] }, actions };
}

const step =
  (change: (state: BuildState, packages: readonly string[]) => Change): PlanStep =>
  (value, state) => {
    const distribution = activeOf(state, 'alpine', 'debian', 'ubuntu');
    if ('refused' in distribution) return distribution.refused;
    const { state: next, actions } = change(state, value as string[]);
    return done(next, ...actions);
  };

export const planInstall = step(installPackages);
export const planBuildDeps = step(installBuildDeps);

/** The end of a build: build dependencies go, the list of packages is kept beside the image. */
export function finishPackages(state: BuildState): readonly BuildAction[] {
  const { distribution } = state;
  if (distribution === undefined) return [];
  const going = [...new Set(state.buildDeps.map(text => packageName(text, distribution)))];
  return distribution.kind === 'alpine'
    ? apkFinish(state, distribution, going)
    : aptFinish(state, distribution, going);
}
