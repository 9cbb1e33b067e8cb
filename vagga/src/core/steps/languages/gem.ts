// `!GemConfig`, `!GemInstall`, `!GemBundle` (§2.8 of the format).
import { type Feature, requireFeatures } from '../features.ts';
import { type BuildAction, type BuildState, done, type Outcome, type PlanStep, refuse } from '../state.ts';
import type { GemConfig } from './types.ts';
import { isUsed, withUsed } from './used.ts';

const CACHE = '/tmp/gems-cache';
const BIN = '/usr/local/bin';

/** Replaces all earlier settings. */
export const planGemConfig: PlanStep = (value, state) =>
  done({ ...state, languages: { ...state.languages, gem: value as unknown as GemConfig } });

const gemOf = ({ languages }: BuildState): string => languages.gem.gemExe ?? 'gem';

/**
 * Before anything is installed: RubyGems updates itself unless it is the distribution's, which refuses; documentation
 * is switched off in the words of the version there is; downloaded gems come from the cache and go back to it.
 */
const PREPARE = `
gem=$1; update=$2
if [ "$update" = yes ]; then
  "$gem" update --system || echo "RubyGems stays as the distribution has it" >&2
fi
case $("$gem" --version) in
  0.*|1.*) quiet='--no-rdoc --no-ri' ;;
  *) quiet='--no-document' ;;
esac
echo "gem: $quiet" > /etc/gemrc
`;

/** The cache belongs below a directory that only gem knows. */
const WITH_CACHE = `
directory=$("$1" env gemdir)/cache; shift
mkdir -p "$directory"
cp -n ${CACHE}/*.gem "$directory"/ 2>/dev/null || true
"$@"
cp -n "$directory"/*.gem ${CACHE}/ 2>/dev/null || true
rm -rf "$directory"/*.gem
`;

const shell = (state: BuildState, script: string, ...words: readonly string[]): BuildAction => ({
  kind: 'run',
  argv: ['/bin/sh', '-exc', script, 'gem', ...words],
  env: { ...state.env, REALLY_GEM_UPDATE_SYSTEM: '1' },
  caches: { ...state.caches, [CACHE]: 'gems-cache' },
});

function withGem(state: BuildState, ...more: readonly Feature[]): Outcome {
  const { installRuby, gemExe, updateGem } = state.languages.gem;
  const ruby: readonly Feature[] = installRuby ? ['ruby', 'ruby-dev'] : [];
  const required = requireFeatures(state, 'build-essentials', ...ruby, 'https', ...more);
  if (!required.ok || isUsed(required.state, 'gem')) return required;
  const update = gemExe === undefined && updateGem ? 'yes' : 'no';
  const prepare = shell(required.state, PREPARE, gemOf(required.state), update);
  return done(withUsed(required.state, 'gem'), ...required.actions, prepare);
}

function gemInstall(state: BuildState, packages: readonly string[]): BuildAction {
  const gem = gemOf(state);
  return shell(state, WITH_CACHE, gem, gem, 'install', '--bindir', BIN, ...packages);
}

export const planGemInstall: PlanStep = (value, state) => {
  const ready = withGem(state);
  if (!ready.ok) return ready;
  const packages = value as string[];
  if (packages.length === 0) return ready;
  return done(ready.state, ...ready.actions, gemInstall(ready.state, packages));
};

/** Sources in a Gemfile for which git is needed. */
const GIT_SOURCE =
  /^\s*(git|github|gist|bitbucket)\b.*\bdo\b|(:|\b)(git|github|gist|bitbucket)(\s*=>|:)|\bgit_source\s*\(/m;
const POLICIES = ['LowSecurity', 'MediumSecurity', 'HighSecurity'];

interface Bundle {
  readonly gemfile: string;
  readonly without: readonly string[];
  readonly trustPolicy?: string;
}

/** Bundler dropped `--system` and `--without`; its settings are the same in all versions. */
function bundleInstall(state: BuildState, { gemfile, without, trustPolicy }: Bundle): BuildAction {
  const words = ['bundle', 'install', '--gemfile', `/work/${gemfile}`];
  const policy = trustPolicy === undefined ? [] : ['--trust-policy', trustPolicy];
  const action = shell(state, WITH_CACHE, gemOf(state), ...words, ...policy);
  const env = {
    ...state.env,
    BUNDLE_PATH__SYSTEM: 'true',
    BUNDLE_SYSTEM_BINDIR: BIN,
    BUNDLE_BIN: BIN,
    BUNDLE_SILENCE_ROOT_WARNING: '1',
    // The project is not to be written to, and its own settings are not those of the image.
    BUNDLE_APP_CONFIG: '/tmp/bundle-config',
    ...(without.length > 0 && { BUNDLE_WITHOUT: without.join(':') }),
  };
  return { ...action, env } as BuildAction;
}

/** Newer Rubies bring bundler with them. */
const INSTALL_BUNDLER = `command -v bundle || { shift; "$@"; }`;

export const planGemBundle: PlanStep = (value, state, world) => {
  const bundle = value as unknown as Bundle;
  if (bundle.trustPolicy !== undefined && !POLICIES.includes(bundle.trustPolicy)) {
    const known = "'LowSecurity', 'MediumSecurity' or 'HighSecurity'";
    return refuse(`Value of 'GemBundle.trust_policy' must be ${known}, '${bundle.trustPolicy}' given`);
  }
  const text = world.readText(`/work/${bundle.gemfile}`);
  if (text === undefined) return refuse(`${bundle.gemfile} does not exist`);
  const ready = withGem(state, ...(GIT_SOURCE.test(text) ? (['git'] as const) : []));
  if (!ready.ok) return ready;
  const gem = gemOf(ready.state);
  const bundler = shell(ready.state, INSTALL_BUNDLER, gem, gem, 'install', '--bindir', BIN, 'bundler');
  return done(ready.state, ...ready.actions, bundler, bundleInstall(ready.state, bundle));
};

/** At the end of a build: which gems there are, beside the image. */
export function finishGem(state: BuildState): readonly BuildAction[] {
  if (!isUsed(state, 'gem')) return [];
  const { env, caches } = state;
  return [{ kind: 'run', argv: [gemOf(state), 'list', '--local'], env, caches, outputFile: 'gems-list.txt' }];
}
