// `!Ubuntu`, `!UbuntuRelease`, `!UbuntuUniverse`, `!UbuntuPPA`.
import { SEARCH_PATH } from '../../config/defaults.ts';
import { aptInstall } from './apt.ts';
import { APT_BASE } from './apt-base.ts';
import { activeOf, secondDistribution } from './distribution.ts';
import { addSource } from './repositories.ts';
import { type BuildAction, type BuildState, done, type Outcome, type PlanStep, refuse } from './state.ts';
import { codenameIn, codenameOfVersion } from './ubuntu-releases.ts';
import { withUniverse } from './universe.ts';

interface Release {
  readonly codename?: string;
  readonly version?: string;
  readonly url?: string;
  readonly arch?: string;
  readonly keepChfnCommand: boolean;
  readonly eatmydata: boolean;
}

const LOCALE = 'en_US.UTF-8';
const CODENAME = /^[a-z][a-z0-9-]*$/;

/** Device nodes and the like of whoever packed a root. */
const MOUNTED = ['/dev', '/sys', '/proc', '/run'];

function withUbuntu(state: BuildState, codename: string | undefined, eatmydata: boolean): BuildState {
  const { PATH = SEARCH_PATH } = state.env;
  const games = PATH.includes('/usr/games') ? PATH : `${PATH}:/usr/games:/usr/local/games`;
  const env = { DEBIAN_FRONTEND: 'noninteractive', LANG: LOCALE, ...state.env, PATH: games };
  const known = codename === undefined ? {} : { codename };
  return { ...state, distribution: { kind: 'ubuntu', ...known, eatmydata }, env };
}

/** chfn asks PAM, which refuses inside a user namespace; user creation in package scripts would fail with it. */
const noChfn = (keep: boolean): readonly BuildAction[] =>
  keep ? [] : [{ kind: 'symlink', path: '/usr/bin/chfn', target: '/bin/true' }];

const deprecated = (codename: string): BuildAction => ({
  kind: 'note',
  text: `Warning: \`version\` of !UbuntuRelease is deprecated, write \`codename: ${codename}\``,
});

/** The bootstrap made the locale already. */
function fromMirror(
  state: BuildState,
  codename: string,
  release: Release,
  notes: readonly BuildAction[],
): Outcome {
  if (!CODENAME.test(codename)) return refuse(`${JSON.stringify(codename)} is not the codename of a release`);
  const arch = release.arch === undefined ? {} : { arch: release.arch };
  return done(
    withUbuntu(state, codename, release.eatmydata),
    { kind: 'bootstrap-ubuntu', codename, ...arch },
    ...notes,
    ...APT_BASE,
    ...noChfn(release.keepChfnCommand),
  );
}

/** What an archive holds is known only when it is unpacked; the address often tells the codename for package names. */
function fromArchive(state: BuildState, url: string, release: Release): Outcome {
  const begun = withUbuntu(state, release.codename ?? codenameIn(url), release.eatmydata);
  const active = activeOf(begun, 'ubuntu');
  if ('refused' in active) return active.refused;
  const locales = aptInstall(begun, active, ['locales']);
  const expected = release.codename === undefined ? {} : { codename: release.codename };
  return done(
    locales.state,
    { kind: 'unpack-ubuntu', url, ...expected },
    ...MOUNTED.map((path): BuildAction => ({ kind: 'empty-directory', path })),
    ...APT_BASE,
    ...locales.actions,
    { kind: 'run', argv: ['locale-gen', LOCALE], env: locales.state.env, caches: {} },
    ...noChfn(release.keepChfnCommand),
  );
}

function start(state: BuildState, release: Release): Outcome {
  const { url, version } = release;
  const old = version === undefined ? undefined : codenameOfVersion(version);
  if (url === undefined && version !== undefined && old === undefined)
    return refuse(`unknown version of Ubuntu: ${version}; write the codename instead`);
  const codename = old ?? release.codename;
  const name = (url === undefined ? codename : release.codename) ?? '';
  const second = secondDistribution(state, { kind: 'ubuntu', codename: name, eatmydata: false });
  if (second !== undefined) return second;
  if (url !== undefined) return fromArchive(state, url, release);
  if (codename === undefined) return refuse('url, version or codename must be given');
  return fromMirror(state, codename, release, old === undefined ? [] : [deprecated(codename)]);
}

export const planUbuntu: PlanStep = (value, state) =>
  start(state, { codename: value as string, keepChfnCommand: false, eatmydata: true });

export const planUbuntuRelease: PlanStep = (value, state) => start(state, value as unknown as Release);

export const planUbuntuUniverse: PlanStep = (_value, state) => {
  const active = activeOf(state, 'ubuntu');
  if ('refused' in active) return active.refused;
  const { state: next, actions } = withUniverse(state);
  return done(next, ...actions);
};

export const planUbuntuPPA: PlanStep = (value, state) => {
  const active = activeOf(state, 'ubuntu');
  if ('refused' in active) return active.refused;
  const name = value as string;
  if (!/^[^/\s]+\/[^/\s]+$/.test(name)) return refuse(`a PPA is written owner/name, not ${name}`);
  const url = `http://ppa.launchpad.net/${name}/ubuntu`;
  return addSource(state, active, { url, components: ['main'], trusted: false });
};
