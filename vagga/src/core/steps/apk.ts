// Alpine's apk as actions. The static program comes from the mirror; the executor knows where it is.
import type { Distribution } from './distribution.ts';
import type { BuildAction, BuildState, Change } from './state.ts';

type Alpine = Extract<Distribution, { kind: 'alpine' }>;

function apk(state: BuildState, { version }: Alpine, ...words: readonly string[]): BuildAction {
  return { kind: 'apk', version, words, env: state.env, caches: state.caches };
}

/** Indexes are refreshed once, and again after a change of repositories. */
export function apkInstall(state: BuildState, alpine: Alpine, packages: readonly string[]): Change {
  const refresh = state.listsFresh ? [] : ['--update-cache'];
  return {
    state: { ...state, listsFresh: true },
    actions: [apk(state, alpine, ...refresh, 'add', ...packages)],
  };
}

export function apkFinish(state: BuildState, alpine: Alpine, going: readonly string[]): BuildAction[] {
  const removal = going.length === 0 ? [] : [apk(state, alpine, 'del', ...going)];
  const list = apk(state, alpine, '-vv', 'info') as Extract<BuildAction, { kind: 'apk' }>;
  return [...removal, { ...list, outputFile: 'alpine-packages.txt' }];
}
