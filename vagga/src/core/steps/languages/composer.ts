// `!ComposerConfig`, `!ComposerInstall`, `!ComposerDependencies` (§2.9 of the format).
import { type Feature, requireFeatures } from '../features.ts';
import { type BuildAction, type BuildState, done, type Outcome, type PlanStep, refuse } from '../state.ts';
import type { ComposerConfig } from './types.ts';
import { isUsed, withUsed } from './used.ts';

const HOME = '/usr/local/lib/composer';
const COMPOSER = '/usr/local/bin/composer';
const SELF_CACHE = '/tmp/composer-self-cache';

/** Replaces all earlier settings. */
export const planComposerConfig: PlanStep = (value, state) =>
  done({ ...state, languages: { ...state.languages, composer: value as unknown as ComposerConfig } });

function withEnvironment(state: BuildState): BuildState {
  const env = {
    ...state.env,
    COMPOSER_HOME: HOME,
    COMPOSER_VENDOR_DIR: state.languages.composer.vendorDir ?? `${HOME}/vendor`,
    COMPOSER_BIN_DIR: '/usr/local/bin',
    COMPOSER_CACHE_DIR: '/tmp/composer-cache',
    COMPOSER_ALLOW_SUPERUSER: '1',
  };
  const caches = {
    '/tmp/composer-cache': 'composer-cache',
    [SELF_CACHE]: 'composer-self-cache',
    ...state.caches,
  };
  return { ...state, env, caches };
}

/**
 * Composer itself: the image's own, else the one in the cache, brought up to date, else from its site, whose installer
 * checks what it fetches. A runtime of one's own becomes `php`; the include path goes to every directory of PHP's settings.
 */
const PREPARE = `
runtime=$1; include=$2
if [ "$runtime" != php ] && [ ! -e /usr/bin/php ]; then ln -s "$(command -v "$runtime")" /usr/bin/php; fi
mkdir -p /usr/local/bin ${HOME}
own=$(command -v composer || true)
if [ "$own" = ${COMPOSER} ]; then
  :
elif [ -n "$own" ]; then
  ln -s "$own" ${COMPOSER}
elif [ -e ${SELF_CACHE}/composer ]; then
  "$runtime" ${SELF_CACHE}/composer --no-interaction self-update || echo "Composer stays as it is in the cache" >&2
else
  "$runtime" -r 'copy("https://getcomposer.org/installer", "/tmp/composer-setup.php") || exit(1);'
  "$runtime" /tmp/composer-setup.php -- --install-dir=${SELF_CACHE} --filename=composer
fi
if [ ! -e ${COMPOSER} ]; then
  cp ${SELF_CACHE}/composer ${COMPOSER}
  chmod 755 ${COMPOSER}
fi
for directory in /etc/php*/conf.d /etc/php*/*/conf.d /etc/php/*/*/conf.d; do
  if [ -d "$directory" ]; then echo "include_path = \\"$include\\"" > "$directory/vagga.ini"; fi
done
`;

const runtimeOf = ({ languages }: BuildState): string => languages.composer.runtimeExe ?? 'php';

function withComposer(state: BuildState): Outcome {
  const { installRuntime, installDev, includePath } = state.languages.composer;
  const runtime: readonly Feature[] = installRuntime ? ['php'] : [];
  const headers: readonly Feature[] = installRuntime && installDev ? ['php-dev', 'build-essentials'] : [];
  const required = requireFeatures(withEnvironment(state), 'https', ...runtime, ...headers, 'git');
  if (!required.ok || isUsed(required.state, 'composer')) return required;
  const next = withUsed(required.state, 'composer');
  const argv = ['/bin/sh', '-exc', PREPARE, 'composer', runtimeOf(next), includePath ?? `.:${HOME}`];
  return done(next, ...required.actions, { kind: 'run', argv, env: next.env, caches: next.caches });
}

function composer(state: BuildState, ...words: readonly string[]): BuildAction {
  const argv = [runtimeOf(state), COMPOSER, '--no-interaction', ...words];
  return { kind: 'run', argv, env: state.env, caches: state.caches };
}

export const planComposerInstall: PlanStep = (value, state) => {
  const ready = withComposer(state);
  if (!ready.ok) return ready;
  const words = ['global', 'require', '--prefer-dist', '--update-no-dev', ...(value as string[])];
  return done(ready.state, ...ready.actions, composer(ready.state, ...words));
};

interface Dependencies {
  readonly workingDir?: string;
  readonly dev: boolean;
  readonly prefer?: string;
  readonly ignorePlatformReqs: boolean;
  readonly noAutoloader: boolean;
  readonly noScripts: boolean;
  readonly noPlugins: boolean;
  readonly optimizeAutoloader: boolean;
  readonly classmapAuthoritative: boolean;
}

function installOptions(step: Dependencies): readonly string[] {
  const { workingDir, dev, prefer } = step;
  return [
    ...(workingDir === undefined ? [] : [`--working-dir=${workingDir}`]),
    ...(dev ? [] : ['--no-dev']),
    ...(prefer === undefined ? [] : [`--prefer-${prefer}`]),
    ...(step.ignorePlatformReqs ? ['--ignore-platform-reqs'] : []),
    ...(step.noAutoloader ? ['--no-autoloader'] : []),
    ...(step.noScripts ? ['--no-scripts'] : []),
    ...(step.noPlugins ? ['--no-plugins'] : []),
    ...(step.optimizeAutoloader ? ['--optimize-autoloader'] : []),
    ...(step.classmapAuthoritative ? ['--classmap-authoritative'] : []),
  ];
}

export const planComposerDependencies: PlanStep = (value, state) => {
  const step = value as unknown as Dependencies;
  const { prefer } = step;
  if (prefer !== undefined && prefer !== 'source' && prefer !== 'dist')
    return refuse(
      `Value of 'ComposerDependencies.prefer' must be either 'source' or 'dist', '${prefer}' given`,
    );
  const ready = withComposer(state);
  if (!ready.ok) return ready;
  return done(ready.state, ...ready.actions, composer(ready.state, 'install', ...installOptions(step)));
};

/** Of the project, else what was required globally; a list for people must not make a build fail. */
const SHOW = `"$1" ${COMPOSER} --no-interaction show || "$1" ${COMPOSER} --no-interaction global show || true`;

/** At the end of a build: what is installed, beside the image; composer itself is no part of it unless it is to be. */
export function finishComposer(state: BuildState): readonly BuildAction[] {
  if (!isUsed(state, 'composer')) return [];
  const { env, caches } = state;
  const argv = ['/bin/sh', '-c', SHOW, 'composer', runtimeOf(state)];
  const list: BuildAction = { kind: 'run', argv, env, caches, outputFile: 'composer-list.txt' };
  return state.languages.composer.keepComposer ? [list] : [list, { kind: 'remove', path: COMPOSER }];
}
