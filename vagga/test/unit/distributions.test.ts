// Distributions and packages as plans: which actions a step becomes, and what it refuses.

import t from 'tap';
import { planBuild, START } from '../../src/core/plan/build.ts';
import { LATEST_ALPINE, startAlpine } from '../../src/core/steps/alpine.ts';
import type { Distribution } from '../../src/core/steps/distribution.ts';
import { type Feature, featurePackages, requireFeatures } from '../../src/core/steps/features.ts';
import type { BuildAction, BuildState } from '../../src/core/steps/state.ts';
import { project } from './helpers.ts';

interface Plan {
  readonly actions: readonly BuildAction[];
  readonly finish: readonly BuildAction[];
  readonly problems: readonly string[];
}

function plan(setup: string, others = ''): Plan {
  const text = `containers:\n${others}  c:\n    setup:\n${setup.replace(/^(?=.)/gm, '    ')}\n`;
  const planned = planBuild(project(text), 'c', {});
  if (!planned.ok)
    return { actions: [], finish: [], problems: planned.problems.map(({ message }) => message) };
  return {
    actions: planned.steps.flatMap(({ actions }) => actions),
    finish: planned.finish,
    problems: [],
  };
}

/** One line per action of package managers and sources, without options that all calls share. */
function words(actions: readonly BuildAction[]): string[] {
  return actions.flatMap(action => {
    if (action.kind === 'apt-get') {
      const [, ...rest] = action.argv;
      const own = rest.filter(
        word => !/^-(q|y|-|oDir::Cache.*|oDpkg.*|oAPT::Sandbox.*|-no-install.*)$/.test(word),
      );
      return [`apt ${own.join(' ')}${action.eatmydata === undefined ? '' : ` (${action.eatmydata})`}`];
    }
    if (action.kind === 'apk') return [`apk ${action.words.join(' ')}`];
    if (action.kind === 'run') return [action.argv.join(' ')];
    return /^(apt|apk|boot|unpack)/.test(action.kind) ? [action.kind] : [];
  });
}

t.test('§2.1 !Ubuntu, §2.1 !UbuntuRelease: url over version over codename', async t => {
  const [first, ...rest] = plan('- !Ubuntu xenial').actions;
  t.same(first, { kind: 'bootstrap-ubuntu', codename: 'xenial' });
  const written = rest.map(action => ('path' in action ? action.path : ''));
  t.same(written, [
    '/usr/sbin/policy-rc.d',
    '/etc/dpkg/dpkg.cfg.d/02apt-speedup',
    '/etc/apt/apt.conf.d/01norecommend',
    '/usr/bin/chfn',
  ]);
  t.match(rest, [
    { mode: 0o755, text: /exit 101/ },
    { text: 'force-unsafe-io\n' },
    {},
    { target: '/bin/true' },
  ]);
  const release = (keys: string) => plan(`- !UbuntuRelease {${keys}}`);
  t.match(release('codename: jammy, version: "14.04.3"').actions[0], { codename: 'trusty', arch: 'amd64' });
  const wily = release('version: 15.10').actions;
  t.match(wily[0], { kind: 'bootstrap-ubuntu', codename: 'wily' });
  t.match(wily[1], { kind: 'note', text: /deprecated, write `codename: wily`/ });
  t.match(release('codename: focal, arch: arm64').actions[0], { codename: 'focal', arch: 'arm64' });
  t.notOk(release('codename: focal, keep-chfn-command: true').actions.some(({ kind }) => kind === 'symlink'));
  const byUrl = release('codename: focal, version: 14.04, url: "http://x/root.tar.gz"').actions;
  t.same(byUrl[0], { kind: 'unpack-ubuntu', url: 'http://x/root.tar.gz', codename: 'focal' });
  t.same(words(byUrl).slice(-2), ['apt install locales (use)', 'locale-gen en_US.UTF-8']);
  t.match(release('version: 13.04').problems, [/unknown version of Ubuntu: 13.04/]);
  t.match(release('').problems, [/url, version or codename/]);
  t.match(plan('- !Ubuntu "../x"').problems, [/not the codename/]);
});

t.test('§2.1 !Ubuntu: what following steps get to see', async t => {
  const { actions } = plan('- !Ubuntu noble\n- !Env {LD_PRELOAD: /x.so}\n- !Sh "true"');
  t.match(actions.at(-1), {
    env: {
      DEBIAN_FRONTEND: 'noninteractive',
      LANG: 'en_US.UTF-8',
      PATH: /:\/bin:\/usr\/games:\/usr\/local\/games$/,
    },
  });
});

t.test('§2.1 !Install, §2.1 !BuildDeps: on Ubuntu', async t => {
  const { actions, finish } = plan(`- !Ubuntu xenial
- !UbuntuUniverse
- !UbuntuUniverse
- !BuildDeps [gcc, jq=1.5-1, kept]
- !Install [tree=1.7.0-3, kept]
- !Install []`);
  t.same(words(actions), [
    'bootstrap-ubuntu',
    'apt-universe',
    'apt update',
    'apt install libeatmydata1 (try)',
    'apt install gcc jq=1.5-1 kept (use)',
    'apt install tree=1.7.0-3 kept (use)',
  ]);
  t.same(words(finish), ['apt-mark auto gcc jq', 'apt autoremove (use)', 'dpkg -l'], 'versions are stripped');
  t.match(actions.at(-1), {
    caches: { '/var/cache/apt/archives': 'apt-cache', '/var/lib/apt/lists': 'apt-lists-xenial' },
  });
  const old = plan('- !Ubuntu trusty\n- !Install [x]').actions;
  t.same(words(old), [
    'bootstrap-ubuntu',
    'apt-universe',
    'apt update',
    'apt install eatmydata (try)',
    'apt install x (use)',
  ]);
  const without = plan('- !UbuntuRelease {codename: noble, eatmydata: false}\n- !Install [x]').actions;
  t.same(words(without), ['bootstrap-ubuntu', 'apt update', 'apt install x']);
});

t.test('§2.1 !UbuntuRepo, §2.1 !UbuntuPPA, §2.1 !AptTrust, §2.1 !Repo: on Ubuntu', async t => {
  const { actions } = plan(`- !Ubuntu xenial
- !Install [x]
- !AptTrust {keys: [5BB92C09DB82666C]}
- !UbuntuPPA fkrull/deadsnakes
- !Install [y]
- !UbuntuRepo {url: "https://d.example/apt", suite: stable, components: [main]}
- !Repo universe
- !Repo xenial-proposed/main
- !Install [z]`);
  t.same(words(actions), [
    'bootstrap-ubuntu',
    'apt update',
    'apt install libeatmydata1 (try)',
    'apt install x (use)',
    'apt-universe',
    'apt-trust',
    'apt-source',
    'apt update',
    'apt install y (use)',
    'apt install ca-certificates apt-transport-https (use)',
    'apt-source',
    'apt-source',
    'apt-source',
    'apt update',
    'apt install z (use)',
  ]);
  const sources = actions.filter(({ kind }) => kind === 'apt-source');
  t.match(sources, [
    { url: 'http://ppa.launchpad.net/fkrull/deadsnakes/ubuntu', components: ['main'] },
    { url: 'https://d.example/apt', suite: 'stable', trusted: false },
    { components: ['universe'] },
    { suite: 'xenial-proposed', components: ['main'] },
  ]);
  const on = (step: string) => plan(`- !Ubuntu noble\n${step}`).problems;
  t.match(on('- !UbuntuPPA name'), [/owner\/name/]);
  t.match(on('- !Repo a/b/c'), [/NAME or BRANCH\/NAME/]);
  t.match(on('- !AptTrust {keys: ["../x"]}'), [/not the id or fingerprint/]);
  t.match(on('- !UbuntuRepo {url: "http://x y", components: [main]}'), [/blanks/]);
});

t.test('§2.1 !UbuntuRepo: certificates come back in a container that starts from one with https', async t => {
  const parent = `  base:
    setup:
    - !Ubuntu noble
    - !UbuntuRepo {url: "https://d.example/apt", suite: stable, components: [main]}
    - !Install [x]
`;
  const { actions, finish } = plan('- !Container base\n- !Install [y]', parent);
  t.same(words(actions), [
    'apt update -oDir::Etc::SourceParts=-',
    'apt install ca-certificates (use)',
    'apt update',
    'apt install y (use)',
  ]);
  t.same(words(finish)[0], 'apt-mark auto ca-certificates');
});

t.test('§2.1 !Alpine, §2.1 !AlpineRepo, §2.1 !Repo, §2.1 !Install, §2.1 !BuildDeps: on Alpine', async t => {
  const { actions, finish } = plan(`- !Alpine v3.15
- !BuildDeps [bc>=1.07, gcc~=9, tini@community]
- !AlpineRepo {url: "http://m/alpine/", branch: edge, repo: community, tag: community}
- !Repo community
- !Repo edge/testing
- !Install [tini@community]`);
  t.same(words(actions), [
    'bootstrap-alpine',
    'apk add bc>=1.07 gcc~=9 tini@community',
    'apk-repository',
    'apk-repository',
    'apk-repository',
    'apk --update-cache add tini@community',
  ]);
  t.match(
    actions.filter(({ kind }) => kind === 'apk-repository'),
    [
      { url: 'http://m/alpine/', branch: 'edge', repo: 'community', tag: 'community' },
      { branch: 'v3.15', repo: 'community' },
      { branch: 'edge', repo: 'testing' },
    ],
  );
  t.same(words(finish), ['apk del bc gcc', 'apk -vv info']);
  t.match(finish, [{}, { outputFile: 'alpine-packages.txt' }]);
  t.match(actions[0], { env: { LANG: 'en_US.UTF-8' } });
  t.match(plan('- !Alpine 3.15').problems, ["Error checking alpine version: '3.15'"]);
  t.match(plan('- !Alpine v3').problems, ["Error checking alpine version: 'v3'"]);
});

t.test('§2.1 !Debian, §2.1 !DebianRelease: suites, mirrors and dates', async t => {
  t.match(plan('- !Debian trixie').actions[0], { suite: 'trixie', components: [], variant: 'minbase' });
  const dated = plan('- !DebianRelease {codename: bookworm, snapshot: "20260131", arch: i386}');
  t.match(dated.actions[0], { suite: 'bookworm', snapshot: '20260131T000000Z', arch: 'i386' });
  const both = plan('- !DebianRelease {codename: sid, mirror: "http://m", snapshot: "20260131"}');
  t.match(both.problems, [/mirror and snapshot/]);
  const { actions } = plan(
    '- !Debian trixie\n- !UbuntuRepo {url: "https://d/apt", suite: s, components: [main]}',
  );
  t.same(words(actions), [
    'bootstrap-debian',
    'apt update -oDir::Etc::SourceParts=-',
    'apt install ca-certificates',
    'apt-source',
  ]);
});

t.test('§2.1 !Repo: on Debian it is a component of the suite', async t => {
  const { actions } = plan('- !Debian sid\n- !Repo contrib\n- !Repo experimental/main');
  t.match(
    actions.filter(({ kind }) => kind === 'apt-source'),
    [
      { suite: 'sid', components: ['contrib'] },
      { suite: 'experimental', components: ['main'] },
    ],
  );
});

t.test('§2.0 distribution-rules: one distribution, and steps of another are refused', async t => {
  t.match(plan('- !Alpine v3.15\n- !Ubuntu noble').problems, [
    'step initializes distribution "Ubuntu noble" but the "Alpine v3.15" is already initialized',
  ]);
  for (const step of [
    '!UbuntuUniverse',
    '!UbuntuPPA a/b',
    '!UbuntuRepo {components: [x]}',
    '!AptTrust {keys: []}',
  ])
    t.match(plan(`- !Alpine v3.15\n- ${step}`).problems, [/^step must be used on Ubuntu/], step);
  t.match(plan('- !Ubuntu noble\n- !AlpineRepo {repo: x}').problems, [/^step must be used on Alpine/]);
  for (const step of ['!Install [x]', '!BuildDeps [x]', '!Repo x'])
    t.match(plan(`- ${step}`).problems, ['this step requires some linux distribution to be active'], step);
});

const on = (name: string): Distribution => {
  const [kind, release = ''] = name.split(' ');
  if (kind === 'alpine') return { kind, version: release };
  return kind === 'ubuntu'
    ? { kind, codename: release, eatmydata: false }
    : { kind: 'debian', suite: release };
};

/** `stay | build`, or the sentence why not. */
function row(distribution: string, feature: Feature): string {
  const packages = featurePackages(on(distribution), feature);
  if (typeof packages === 'string') return packages;
  return `${packages.stay?.join(' ') ?? ''}|${packages.build?.join(' ') ?? ''}`;
}

const FEATURES: readonly (readonly [string, Feature, string])[] = [
  ['alpine v3.4', 'build-essentials', '|build-base ca-certificates'],
  ['ubuntu xenial', 'build-essentials', '|build-essential ca-certificates'],
  ['alpine v3.4', 'https', '|ca-certificates'],
  ['debian trixie', 'https', '|ca-certificates'],
  ['alpine v3.4', 'python2', 'python|'],
  ['alpine v3.12', 'python2-dev', '|python2-dev'],
  ['ubuntu xenial', 'python2', 'python|'],
  ['ubuntu xenial', 'python2-dev', '|python-dev'],
  ['ubuntu focal', 'python2', 'python2|'],
  ['ubuntu noble', 'python2', 'Ubuntu noble has no Python 2 any more'],
  ['debian bullseye', 'python2', 'python2|'],
  ['debian bookworm', 'python2', 'Debian bookworm has no Python 2 any more'],
  ['ubuntu xenial', 'python3-dev', '|python3-dev'],
  ['debian bookworm', 'python3', 'python3|'],
  ['alpine v3.9', 'npm', 'nodejs npm|'],
  ['alpine v3.8', 'npm', 'Vagga does not support npm on Alpine v3.8 (use >= v3.9)'],
  ['alpine v3.4', 'node', 'nodejs|'],
  ['ubuntu precise', 'node', 'nodejs|'],
  ['ubuntu trusty', 'node', 'nodejs nodejs-legacy|'],
  ['ubuntu xenial', 'node', 'nodejs nodejs-legacy|'],
  ['ubuntu bionic', 'node', 'nodejs npm|'],
  ['ubuntu bionic', 'node-dev', '|nodejs-dev'],
  ['ubuntu noble', 'node-dev', '|libnode-dev'],
  ['debian bookworm', 'npm', '|npm'],
  ['alpine v3.3', 'php', 'php php-cli php-openssl php-phar php-json php-pdo php-dom php-zip|'],
  ['alpine v3.4', 'php', 'php5 php5-cli php5-openssl php5-phar php5-json php5-pdo php5-dom php5-zip|'],
  ['alpine v3.4', 'php-dev', '|php5'],
  ['alpine v3.15', 'php-dev', '|php7'],
  ['ubuntu trusty', 'php', 'php5-common php5-cli|'],
  ['ubuntu trusty', 'php-dev', '|php5-dev'],
  ['ubuntu xenial', 'php', 'php-common php-cli php-json php-zip|'],
  ['debian bookworm', 'php', 'php-common php-cli php-zip|'],
  ['alpine v3.4', 'ruby', 'ruby ruby-io-console|'],
  ['ubuntu precise', 'ruby', 'ruby rubygems|'],
  ['debian bookworm', 'ruby', 'ruby|'],
  ['ubuntu xenial', 'ruby-dev', '|ruby-dev'],
  ['alpine v3.4', 'git', '|git'],
  ['ubuntu xenial', 'mercurial', '|mercurial'],
];

t.test('§2.1 features: the packages of each distribution', async t => {
  for (const [distribution, feature, packages] of FEATURES)
    t.equal(row(distribution, feature), packages, `${distribution} ${feature}`);
});

t.test('§2.1 features: what a language step asks for is installed once', async t => {
  const state: BuildState = { ...START, distribution: on('ubuntu noble') };
  const first = requireFeatures(state, 'build-essentials', 'python3', 'python3-dev', 'git');
  if (!first.ok) return t.fail(first.message);
  t.same(words(first.actions), [
    'apt-universe',
    'apt update',
    'apt install python3',
    'apt install build-essential ca-certificates python3-dev git',
  ]);
  t.same(first.state.installed, ['python3']);
  t.same(first.state.buildDeps, ['build-essential', 'ca-certificates', 'python3-dev', 'git']);
  const again = requireFeatures(first.state, 'python3', 'git');
  t.match(again, { ok: true, actions: [] });
  const https = requireFeatures({ ...START, distribution: on('ubuntu noble') }, 'https');
  if (!https.ok) return t.fail(https.message);
  t.same(words(https.actions), ['apt update', 'apt install ca-certificates'], 'universe is not needed');
  t.match(requireFeatures(START, 'git'), { ok: false, message: /requires some linux distribution/ });
  const bare = startAlpine(START, LATEST_ALPINE);
  if (!bare.ok) return t.fail(bare.message);
  const npm = requireFeatures(bare.state, 'npm');
  if (!npm.ok) return t.fail(npm.message);
  t.same(words(npm.actions), ['apk add nodejs npm']);
});
