// apt-get as actions: its lists and downloads live in the cache directory, so the image never holds them and the next
// build has them.
import type { AptDistribution } from './distribution.ts';
import type { BuildAction, BuildState, Change } from './state.ts';
import { isOlder } from './ubuntu-releases.ts';
import { withUniverse } from './universe.ts';

/**
 * apt's own binary caches are made anew faster than they are kept consistent with the shared lists. Downloads stay with
 * root: the user `_apt` cannot write to a cache directory in somebody's home.
 */
const APT = [
  'apt-get',
  '-q',
  '-y',
  '-oDir::Cache::pkgcache=',
  '-oDir::Cache::srcpkgcache=',
  '-oDpkg::Use-Pty=0',
  '-oAPT::Sandbox::User=root',
];

/** Only what the bootstrap wrote: those are read over http. */
const WITHOUT_SOURCE_PARTS = '-oDir::Etc::SourceParts=-';

type AptAction = Extract<BuildAction, { kind: 'apt-get' }>;

/** Packages of the two have the same names and other contents. */
function cachesOf(distribution: AptDistribution): Readonly<Record<string, string>> {
  const [archives, lists] =
    distribution.kind === 'debian'
      ? ['apt-cache-debian', `apt-lists-debian-${distribution.suite}`]
      : ['apt-cache', `apt-lists-${distribution.codename ?? 'ubuntu'}`];
  return { '/var/cache/apt/archives': archives, '/var/lib/apt/lists': lists };
}

function apt(
  state: BuildState,
  distribution: AptDistribution,
  words: readonly string[],
  eatmydata?: 'try' | 'use',
): AptAction {
  const caches = { ...state.caches, ...cachesOf(distribution) };
  return {
    kind: 'apt-get',
    argv: [...APT, ...words],
    env: state.env,
    caches,
    ...(eatmydata !== undefined && { eatmydata }),
  };
}

/** Undefined where fsync is only left out by dpkg's own option. */
function preload(distribution: AptDistribution): 'use' | undefined {
  return distribution.kind === 'ubuntu' && distribution.eatmydata ? 'use' : undefined;
}

const installWords = (packages: readonly string[]) => [
  'install',
  '--no-install-recommends',
  '--',
  ...packages,
];

const updated = (state: BuildState): BuildState => ({ ...state, listsFresh: true });

function aptUpdate(state: BuildState, distribution: AptDistribution): Change {
  if (state.listsFresh) return { state, actions: [] };
  return { state: updated(state), actions: [apt(state, distribution, ['update'])] };
}

/** apt before bionic's reads https with a program of a package of its own. */
function httpsPackages(distribution: AptDistribution): readonly string[] {
  const separate =
    distribution.kind === 'ubuntu'
      ? distribution.codename !== undefined && isOlder(distribution.codename, 'bionic')
      : ['wheezy', 'jessie', 'stretch'].includes(distribution.suite);
  return separate ? ['ca-certificates', 'apt-transport-https'] : ['ca-certificates'];
}

/**
 * Certificates come before the first list that is read over https; until then only the bootstrap's sources are read.
 * Build dependencies: they go at the end unless they are also installed.
 */
export function withHttps(state: BuildState, distribution: AptDistribution): Change {
  const known = [...state.installed, ...state.buildDeps];
  const packages = httpsPackages(distribution).filter(name => !known.includes(name));
  if (!state.repositories.https || packages.length === 0) return { state, actions: [] };
  const actions = [
    ...(state.listsFresh ? [] : [apt(state, distribution, ['update', WITHOUT_SOURCE_PARTS])]),
    apt(state, distribution, installWords(packages), preload(distribution)),
  ];
  return { state: { ...state, buildDeps: [...state.buildDeps, ...packages] }, actions };
}

/** The library comes once per image, before the first package that it makes quicker. */
function withEatmydata(state: BuildState, distribution: AptDistribution): Change {
  if (preload(distribution) === undefined || state.repositories.eatmydata) return { state, actions: [] };
  const codename = distribution.kind === 'ubuntu' ? distribution.codename : undefined;
  const old = codename !== undefined && isOlder(codename, 'utopic');
  const universe = old ? withUniverse(state) : { state, actions: [] };
  const update = aptUpdate(universe.state, distribution);
  const library = apt(update.state, distribution, installWords([old ? 'eatmydata' : 'libeatmydata1']), 'try');
  return {
    state: { ...update.state, repositories: { ...update.state.repositories, eatmydata: true } },
    actions: [...universe.actions, ...update.actions, library],
  };
}

export function aptInstall(
  state: BuildState,
  distribution: AptDistribution,
  packages: readonly string[],
): Change {
  const https = withHttps(state, distribution);
  const library = withEatmydata(https.state, distribution);
  const update = aptUpdate(library.state, distribution);
  const install = apt(update.state, distribution, installWords(packages), preload(distribution));
  return {
    state: update.state,
    actions: [...https.actions, ...library.actions, ...update.actions, install],
  };
}

const LOGS = ['alternatives.log', 'bootstrap.log', 'dpkg.log', 'apt/history.log', 'apt/term.log'];
const LEFT_OVERS = [...LOGS.map(name => `/var/log/${name}`), '/var/spool/rsyslog'];

/** The end of a build: what is not needed any more goes, the list of packages is kept beside the image. */
export function aptFinish(
  state: BuildState,
  distribution: AptDistribution,
  going: readonly string[],
): readonly BuildAction[] {
  const { env } = state;
  const removal: readonly BuildAction[] =
    going.length === 0
      ? []
      : [
          { kind: 'run', argv: ['apt-mark', 'auto', ...going], env, caches: {} },
          apt(state, distribution, ['autoremove'], preload(distribution)),
        ];
  const list: BuildAction = {
    kind: 'run',
    argv: ['dpkg', '-l'],
    env: { ...env, COLUMNS: '200' },
    caches: {},
    outputFile: 'debian-packages.txt',
  };
  return [...removal, list, ...LEFT_OVERS.map(path => ({ kind: 'remove', path }) as const)];
}
