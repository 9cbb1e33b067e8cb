// What language and source steps need, as packages of each distribution (§2.1.3 of the format, and rows for Debian).
import { activeOf, type Distribution } from './distribution.ts';
import { installBuildDeps, installPackages } from './packages.ts';
import { type BuildState, done, type Outcome, refuse } from './state.ts';
import { isOlder } from './ubuntu-releases.ts';
import { withUniverse } from './universe.ts';

export type Feature =
  | 'build-essentials'
  | 'https'
  | 'python2'
  | 'python2-dev'
  | 'python3'
  | 'python3-dev'
  /** The distribution's own pip, where it is recent enough. */
  | 'pip3'
  | 'node'
  | 'node-dev'
  | 'npm'
  | 'php'
  | 'php-dev'
  | 'ruby'
  | 'ruby-dev'
  | 'cargo'
  | 'go'
  | 'git'
  | 'mercurial';

/** `stay` remains in the image, `build` goes at the end; a string says why there is none. */
export type FeaturePackages =
  | { readonly stay?: readonly string[]; readonly build?: readonly string[] }
  | string;

type Of<K extends Distribution['kind']> = Extract<Distribution, { kind: K }>;
type Table<D> = Readonly<Record<Feature, FeaturePackages | ((distribution: D) => FeaturePackages)>>;

const stay = (...packages: readonly string[]): FeaturePackages => ({ stay: packages });
const build = (...packages: readonly string[]): FeaturePackages => ({ build: packages });

/** The second number of `v3.15`; `edge` is newer than all. */
const minor = ({ version }: Of<'alpine'>): number => {
  const match = /^v(\d+)\.(\d+)$/.exec(version);
  return match === null || Number(match[1]) > 3 ? Number.POSITIVE_INFINITY : Number(match[2]);
};

const PHP_PARTS = ['', '-cli', '-openssl', '-phar', '-json', '-pdo', '-dom', '-zip'];

/** Alpine names PHP's packages by release; from PHP 8 on `json` is part of the core. */
function alpinePhp(distribution: Of<'alpine'>): { prefix: string; parts: readonly string[] } {
  const number = minor(distribution);
  const modern = PHP_PARTS.filter(part => part !== '-json');
  if (number < 4) return { prefix: 'php', parts: PHP_PARTS };
  if (number < 9) return { prefix: 'php5', parts: PHP_PARTS };
  if (number < 16) return { prefix: 'php7', parts: PHP_PARTS };
  return { prefix: number < 19 ? 'php81' : 'php83', parts: modern };
}

const ALPINE: Table<Of<'alpine'>> = {
  'build-essentials': build('build-base', 'ca-certificates'),
  https: build('ca-certificates'),
  // Renamed in v3.12, removed in v3.16.
  python2: alpine => stay(minor(alpine) < 12 ? 'python' : 'python2'),
  'python2-dev': alpine => build(minor(alpine) < 12 ? 'python-dev' : 'python2-dev'),
  python3: stay('python3'),
  'python3-dev': build('python3-dev'),
  pip3: alpine => (minor(alpine) < 12 ? {} : build('py3-pip')),
  node: stay('nodejs'),
  'node-dev': build('nodejs-dev'),
  npm: alpine =>
    minor(alpine) < 9
      ? `Vagga does not support npm on Alpine ${alpine.version} (use >= v3.9)`
      : stay('nodejs', 'npm'),
  php: alpine => {
    const { prefix, parts } = alpinePhp(alpine);
    return stay(...parts.map(part => `${prefix}${part}`));
  },
  'php-dev': alpine => build(alpinePhp(alpine).prefix),
  ruby: stay('ruby', 'ruby-io-console'),
  'ruby-dev': build('ruby-dev'),
  cargo: build('cargo'),
  go: build('go'),
  git: build('git'),
  mercurial: build('mercurial'),
};

function ubuntuNode({ codename }: Of<'ubuntu'>): FeaturePackages {
  if (codename === 'precise') return stay('nodejs');
  return codename === 'trusty' || codename === 'xenial'
    ? stay('nodejs', 'nodejs-legacy')
    : stay('nodejs', 'npm');
}

const PHP5_CODENAMES = ['precise', 'trusty', 'vivid', 'wily'];
const hasPhp5 = ({ codename = '' }: Of<'ubuntu'>) => PHP5_CODENAMES.includes(codename);

/** Plain `python` was version 2 until focal; noble dropped it. */
function ubuntuPython2(suffix: string) {
  return ({ codename }: Of<'ubuntu'>): FeaturePackages => {
    if (isOlder(codename, 'focal')) return { [suffix === '' ? 'stay' : 'build']: [`python${suffix}`] };
    if (!isOlder(codename, 'mantic')) return `Ubuntu ${codename ?? ''} has no Python 2 any more`;
    return { [suffix === '' ? 'stay' : 'build']: [`python2${suffix}`] };
  };
}

const UBUNTU: Table<Of<'ubuntu'>> = {
  'build-essentials': build('build-essential', 'ca-certificates'),
  https: build('ca-certificates'),
  python2: ubuntuPython2(''),
  'python2-dev': ubuntuPython2('-dev'),
  python3: stay('python3'),
  'python3-dev': build('python3-dev'),
  pip3: ({ codename }) => (isOlder(codename, 'jammy') ? {} : build('python3-pip')),
  node: ubuntuNode,
  'node-dev': ({ codename }) => build(isOlder(codename, 'disco') ? 'nodejs-dev' : 'libnode-dev'),
  npm: build('npm'),
  php: ubuntu =>
    hasPhp5(ubuntu) ? stay('php5-common', 'php5-cli') : stay('php-common', 'php-cli', 'php-json', 'php-zip'),
  'php-dev': ubuntu => build(hasPhp5(ubuntu) ? 'php5-dev' : 'php-dev'),
  ruby: ({ codename }) => (codename === 'precise' ? stay('ruby', 'rubygems') : stay('ruby')),
  'ruby-dev': build('ruby-dev'),
  cargo: build('cargo'),
  go: build('golang-go'),
  git: build('git'),
  mercurial: build('mercurial'),
};

const OLD_DEBIAN = ['wheezy', 'jessie', 'stretch', 'buster'];
const isOldDebian = ({ suite }: Of<'debian'>) => OLD_DEBIAN.includes(suite);

function debianPython2(suffix: string) {
  return (debian: Of<'debian'>): FeaturePackages => {
    const key = suffix === '' ? 'stay' : 'build';
    if (isOldDebian(debian)) return { [key]: [`python${suffix}`] };
    return debian.suite === 'bullseye'
      ? { [key]: [`python2${suffix}`] }
      : `Debian ${debian.suite} has no Python 2 any more`;
  };
}

const DEBIAN: Table<Of<'debian'>> = {
  ...(UBUNTU as Table<unknown>),
  python2: debianPython2(''),
  'python2-dev': debianPython2('-dev'),
  pip3: debian => (isOldDebian(debian) ? {} : build('python3-pip')),
  node: stay('nodejs'),
  'node-dev': debian => build(isOldDebian(debian) ? 'nodejs-dev' : 'libnode-dev'),
  // Since PHP 8 the json module is part of the interpreter.
  php: debian => stay('php-common', 'php-cli', ...(isOldDebian(debian) ? ['php-json'] : []), 'php-zip'),
  'php-dev': build('php-dev'),
  ruby: stay('ruby'),
};

const TABLES = { alpine: ALPINE, ubuntu: UBUNTU, debian: DEBIAN };

export function featurePackages(distribution: Distribution, feature: Feature): FeaturePackages {
  const row = (TABLES[distribution.kind] as Table<Distribution>)[feature];
  return typeof row === 'function' ? row(distribution) : row;
}

/** Everything but certificates comes from universe on Ubuntu. */
const NEEDS_MAIN_ONLY: readonly Feature[] = ['https', 'build-essentials'];

/**
 * Installs what `features` need: the state afterwards and the actions, or why not. Packages that are there already are
 * not asked for again.
 */
export function requireFeatures(state: BuildState, ...features: readonly Feature[]): Outcome {
  const distribution = activeOf(state, 'alpine', 'debian', 'ubuntu');
  if ('refused' in distribution) return distribution.refused;
  const rows = features.map(feature => featurePackages(distribution, feature));
  const problem = rows.find(row => typeof row === 'string');
  if (problem !== undefined) return refuse(problem as string);
  const wanted = rows.filter(row => typeof row !== 'string');
  const universe = features.every(feature => NEEDS_MAIN_ONLY.includes(feature))
    ? { state, actions: [] }
    : withUniverse(state);
  const kept = installPackages(
    universe.state,
    wanted.flatMap(row => row.stay ?? []),
  );
  const going = installBuildDeps(
    kept.state,
    wanted.flatMap(row => row.build ?? []),
  );
  return done(going.state, ...universe.actions, ...kept.actions, ...going.actions);
}
