// `!Install`, `!BuildDeps` and their clean-up, on Debian.
import { type BuildAction, type BuildState, done, type PlanStep, refuse } from './state.ts';

/** apt's own binary caches are made anew faster than they are kept consistent with the shared lists. */
const APT = [
  'apt-get',
  '-q',
  '-y',
  '-oDir::Cache::pkgcache=',
  '-oDir::Cache::srcpkgcache=',
  '-oDpkg::Use-Pty=0',
];
const LOGS = ['alternatives.log', 'bootstrap.log', 'dpkg.log', 'apt/history.log', 'apt/term.log'];
const NEEDS_DISTRIBUTION = 'this step requires some linux distribution to be active';

/** Downloads and lists live in the cache directory, so the image never holds them and the next build has them. */
function apt(state: BuildState, ...words: readonly string[]): BuildAction {
  const suite = state.distribution?.suite ?? '';
  const caches = { '/var/cache/apt/archives': 'apt-cache', '/var/lib/apt/lists': `apt-lists-${suite}` };
  return {
    kind: 'run',
    argv: [...APT, ...words],
    env: state.env,
    caches: { ...state.caches, ...caches },
    lock: 'apt',
  };
}

function install(state: BuildState, packages: readonly string[]): readonly BuildAction[] {
  if (packages.length === 0) return [];
  const refresh = state.listsFresh ? [] : [apt(state, 'update')];
  return [...refresh, apt(state, 'install', '--no-install-recommends', '--', ...packages)];
}

export const planInstall: PlanStep = (value, state) => {
  if (state.distribution === undefined) return refuse(NEEDS_DISTRIBUTION);
  const packages = value as string[];
  const next = {
    ...state,
    installed: [...state.installed, ...packages],
    buildDeps: state.buildDeps.filter(name => !packages.includes(name)),
    listsFresh: state.listsFresh || packages.length > 0,
  };
  return done(next, ...install(state, packages));
};

export const planBuildDeps: PlanStep = (value, state) => {
  if (state.distribution === undefined) return refuse(NEEDS_DISTRIBUTION);
  const packages = value as string[];
  const added = packages.filter(name => !state.installed.includes(name) && !state.buildDeps.includes(name));
  const next = {
    ...state,
    buildDeps: [...state.buildDeps, ...added],
    listsFresh: state.listsFresh || packages.length > 0,
  };
  return done(next, ...install(state, packages));
};

const withoutVersion = (name: string) => name.split('=', 1)[0] as string;

/** The end of a build: build dependencies go, the list of packages is kept beside the image. */
export function finishPackages(state: BuildState): readonly BuildAction[] {
  if (state.distribution === undefined) return [];
  const going = state.buildDeps.map(withoutVersion);
  const removal: readonly BuildAction[] =
    going.length === 0
      ? []
      : [
          { kind: 'run', argv: ['apt-mark', 'auto', ...going], env: state.env, caches: {} },
          apt(state, 'autoremove'),
        ];
  const list: BuildAction = {
    kind: 'run',
    argv: ['dpkg', '-l'],
    env: { ...state.env, COLUMNS: '200' },
    caches: {},
    outputFile: 'debian-packages.txt',
  };
  return [...removal, list, ...LOGS.map(name => ({ kind: 'remove', path: `/var/log/${name}` }) as const)];
}
