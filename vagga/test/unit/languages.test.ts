// Steps of programming languages as plans: which commands they become, with which environment and caches.
import t from 'tap';
import { planBuild } from '../../src/core/plan/build.ts';
import type { BuildAction } from '../../src/core/steps/state.ts';
import { project } from './helpers.ts';

type Run = Extract<BuildAction, { kind: 'run' }>;

interface Plan {
  readonly runs: readonly Run[];
  readonly finish: readonly Run[];
  readonly packages: string;
  readonly problems: readonly string[];
}

const isRun = (action: BuildAction): action is Run => action.kind === 'run';

function plan(setup: readonly string[], files: Record<string, string> = {}): Plan {
  const text = `containers:\n  c:\n    setup:\n${setup.map(step => `    - ${step}\n`).join('')}`;
  const planned = planBuild(
    project(text),
    'c',
    {},
    {
      otherContainer: () => ({ kind: 'not-ready', message: '' }),
      readText: path => files[path],
    },
  );
  if (!planned.ok)
    return { runs: [], finish: [], packages: '', problems: planned.problems.map(({ message }) => message) };
  const actions = planned.steps.flatMap(step => step.actions);
  const installs = actions.flatMap(action => (action.kind === 'apt-get' ? [action.argv.join(' ')] : []));
  return {
    runs: actions.filter(isRun),
    finish: planned.finish.filter(isRun),
    packages: installs.join('\n'),
    problems: [],
  };
}

const last = ({ runs }: Plan) => runs.at(-1) as Run;
const line = (planned: Plan) => last(planned).argv.join(' ');

t.test('§2.6 !Py3Install: pip of the interpreter, without dependencies, into the image', async t => {
  const planned = plan(['!Debian bookworm', '!Py3Install [six, "urp==0.3"]']);
  t.equal(line(planned), 'python3 -m pip install --ignore-installed --no-deps six urp==0.3');
  t.match(last(planned).env, {
    PIP_CACHE_DIR: '/tmp/pip-cache',
    PYTHONPATH: '/tmp/pip-install',
    PIP_BREAK_SYSTEM_PACKAGES: '1',
  });
  t.match(last(planned).caches, {
    '/tmp/pip-cache/http': 'pip-cache-http',
    '/tmp/pip-cache/wheels': 'pip-cache-wheels-amd64-debian-bookworm',
  });
  for (const name of ['build-essential', 'ca-certificates', 'python3', 'python3-dev', 'python3-pip'])
    t.match(planned.packages, new RegExp(`(^|\\s)${name}(\\s|$)`), name);
  t.match(
    planned.finish.map(({ argv, outputFile }) => [argv.join(' '), outputFile]),
    [['python3 -m pip freeze', 'pip3-freeze.txt'], []],
  );
});

t.test('§2.6 !Py2Install: its own interpreter and list', async t => {
  const planned = plan(['!Ubuntu xenial', '!Py2Install [urp]']);
  t.equal(line(planned), 'python2 -m pip install --ignore-installed --no-deps urp');
  t.match(planned.packages, /python-dev/);
  t.notMatch(planned.packages, /python3/);
  t.equal(planned.finish[0]?.outputFile, 'pip2-freeze.txt');
  t.same(plan(['!Debian bookworm', '!Py2Install [urp]']).problems, [
    'Debian bookworm has no Python 2 any more',
  ]);
});

t.test('§2.6 !PipConfig: every key', async t => {
  const config = [
    'dependencies: true',
    'index-urls: ["http://a/simple", "http://b/simple"]',
    'find-links: [/work/wheels]',
    'trusted-hosts: [a]',
    'cache-wheels: false',
    'install-python: false',
    'python-exe: python3.9',
    'allow-pre-releases: true',
    'get-pip-args: ["pip<24"]',
  ];
  const planned = plan(['!Debian bookworm', `!PipConfig {${config.join(', ')}}`, '!Py3Install [six]']);
  t.equal(
    line(planned),
    'python3.9 -m pip install --ignore-installed --index-url=http://a/simple --extra-index-url=http://b/simple ' +
      '--trusted-host a --find-links=/work/wheels --pre six',
  );
  t.notMatch(planned.packages, /python/);
  t.notOk('/tmp/pip-cache/wheels' in last(planned).caches);
  t.same(planned.runs[0]?.argv.slice(-2), ['python3.9', 'pip<24'], 'the installer gets its arguments');
  const replaced = plan([
    '!Debian bookworm',
    '!PipConfig {dependencies: true}',
    '!PipConfig {}',
    '!Py3Install [six]',
  ]);
  t.match(line(replaced), /--no-deps/, 'a later one replaces all of an earlier one');
  const once = plan(['!Debian bookworm', '!Py3Install [a]', '!Py3Install [b]']);
  t.equal(once.runs.length, 3, 'pip itself is looked for once');
});

t.test('§2.6 !Py3Requirements, §2.6 !Py2Requirements: the file itself, and what it needs', async t => {
  const files = {
    '/work/requirements.txt': 'six\n',
    '/work/dev.txt': 'git+https://example.org/x.git\n-e hg+http://x/y\n',
  };
  t.match(
    line(plan(['!Debian bookworm', '!Py3Requirements'], files)),
    /--no-deps --requirement requirements.txt$/,
  );
  const planned = plan(['!Debian bookworm', '!Py3Requirements dev.txt'], files);
  t.match(line(planned), /--requirement dev.txt$/);
  t.match(planned.packages, / git( |$)/m);
  t.match(planned.packages, / mercurial( |$)/m);
  t.match(
    line(plan(['!Ubuntu xenial', '!Py2Requirements'], files)),
    /^python2 .*--requirement requirements.txt$/,
  );
});

t.test('§2.7 !NpmInstall, §2.7 !NpmConfig: globally, with a cache', async t => {
  const planned = plan(['!Debian bookworm', '!NpmInstall [left-pad, "git+https://example.org/x.git"]']);
  t.match(
    line(planned),
    /--global --cache=\/tmp\/npm-cache "\$@"\n npm npm left-pad git\+https:\/\/example.org\/x.git$/,
  );
  t.match(last(planned).caches, { '/tmp/npm-cache': 'npm-cache' });
  t.match(planned.packages, / git( |$)/m);
  t.match(planned.finish[0], { argv: ['npm', 'ls', '--global'], outputFile: 'npm-list.txt' });
  const own = plan([
    '!Debian bookworm',
    '!NpmConfig {install-node: false, npm-exe: /opt/npm}',
    '!NpmInstall [a]',
  ]);
  t.match(line(own), / npm \/opt\/npm a$/);
  t.notMatch(own.packages, /nodejs/);
  const old = plan(['!Ubuntu trusty', '!NpmInstall [a]']);
  t.same(old.runs.at(-2)?.argv, ['npm', 'config', 'set', 'ca', '']);
  t.same(plan(['!Alpine v3.4', '!NpmInstall [a]']).problems, [
    'Vagga does not support npm on Alpine v3.4 (use >= v3.9)',
  ]);
  t.same(plan(['!NpmInstall [a]']).problems, [], 'an Alpine is implied');
});

t.test('§2.7 !NpmDependencies: the groups that are asked for', async t => {
  const manifest = {
    dependencies: { a: '1' },
    devDependencies: { b: '^2' },
    peerDependencies: { c: '3' },
    optionalDependencies: { d: '4' },
    bundledDependencies: ['a'],
  };
  const files = { '/work/package.json': JSON.stringify(manifest) };
  const line2 = (step: string) =>
    line(plan(['!Debian bookworm', step], files)).replace(/^[\s\S]* npm npm /, '');
  t.equal(line2('!NpmDependencies'), 'a@1 b@^2');
  t.equal(line2('!NpmDependencies {dev: false, peer: true, optional: true}'), 'a@1 c@3 d@4');
  const problem = (text: string) =>
    plan(['!Debian bookworm', '!NpmDependencies'], { '/work/package.json': text }).problems[0];
  t.match(problem('{"dependencies": {"x": {}}}'), /^Package "x" has wrong version \{\}/);
  t.match(problem('{"dependencies": 1}'), /dependencies of package.json is not an object/);
  t.match(problem('{'), /package.json: /);
  t.same(plan(['!Debian bookworm', '!NpmDependencies']).problems, ['package.json does not exist']);
});

t.test(
  '§2.7 !YarnDependencies, §2.7 !PnpmDependencies, §9 composer-yarn: the lock of a project, into the global modules',
  async t => {
    const planned = plan([
      '!Debian bookworm',
      '!NpmConfig {yarn-version: v1.22.19}',
      '!YarnDependencies {dir: front, production: true}',
    ]);
    t.match(planned.runs.at(-2)?.argv.slice(-2), ['/usr/bin/yarn', '1.22.19'], 'yarn itself is fetched');
    t.match(
      line(planned),
      /\/work\/front \/usr\/bin\/yarn install --no-progress --frozen-lockfile --cache-folder=\/tmp\/yarn-cache --production$/,
    );
    const twice = plan(['!Debian bookworm', '!YarnDependencies', '!YarnDependencies {dir: x}']);
    t.equal(twice.runs.length, 3, 'fetched once');
    const own = plan([
      '!Debian bookworm',
      '!NpmConfig {install-yarn: false, yarn-exe: /usr/bin/yarnpkg}',
      '!YarnDependencies',
    ]);
    t.equal(own.runs.length, 1);
    t.match(line(own), /\/work \/usr\/bin\/yarnpkg install/);
    t.same(plan(['!YarnDependencies']).problems, [], 'an Alpine is implied');
    const later = { '/work/front/yarn.lock': '# x\n\n__metadata:\n  version: 8\n' };
    t.match(plan(['!Debian bookworm', '!YarnDependencies {dir: front}'], later).problems, [
      /by yarn 2 or later/,
    ]);
    const pnpm = plan(['!Debian bookworm', '!PnpmDependencies {production: true}']);
    t.match(pnpm.runs.at(-2)?.argv.join(' '), /install --global [\s\S]* npm npm pnpm$/);
    t.match(line(pnpm), /\/work pnpm install --frozen-lockfile .* --prod$/);
    const of = (manifest: string) =>
      plan(['!Debian bookworm', '!PnpmDependencies'], { '/work/package.json': manifest });
    t.match(
      of('{"packageManager": "pnpm@9.15.9+sha512.00"}').runs.at(-2)?.argv.slice(-2),
      ['--prefer-offline', 'pnpm@9.15.9'],
      'the version that the project asks for',
    );
    t.equal(of('{').runs.at(-2)?.argv.at(-1), 'pnpm', 'pnpm itself says what is wrong');
    const locked = (text: string) =>
      plan(['!Debian bookworm', '!PnpmDependencies'], { '/work/pnpm-lock.yaml': text })
        .runs.at(-2)
        ?.argv.at(-1);
    t.same(
      ['lockfileVersion: 5.4\n', "lockfileVersion: '6.0'\n", "lockfileVersion: '9.0'\n"].map(locked),
      ['pnpm@7', 'pnpm@8', 'pnpm'],
      'an older lock needs an older pnpm',
    );
    t.match(of('{"devDependencies": {"a": "workspace:*"}}').problems, [/^a is a package of the workspace: /]);
  },
);

t.test('§2.8 !GemConfig, §2.8 !GemInstall: Ruby, its update, the gems', async t => {
  const planned = plan(['!Debian bookworm', '!GemInstall ["rake:11.1.1"]']);
  t.match(line(planned), /gem gem install --bindir \/usr\/local\/bin rake:11.1.1$/);
  t.match(planned.runs[0]?.argv.slice(-2), ['gem', 'yes'], 'RubyGems updates itself');
  t.match(planned.packages, / ruby$/m);
  t.match(planned.finish[0], { argv: ['gem', 'list', '--local'], outputFile: 'gems-list.txt' });
  const still = plan(['!Debian bookworm', '!GemConfig {update-gem: false}', '!GemInstall [rake]']);
  t.match(still.runs[0]?.argv.slice(-2), ['gem', 'no']);
  const own = plan([
    '!Debian bookworm',
    '!GemConfig {install-ruby: false, gem-exe: /opt/gem}',
    '!GemInstall [rake]',
  ]);
  t.match(own.runs[0]?.argv.slice(-2), ['/opt/gem', 'no']);
  t.notMatch(own.packages, / ruby/);
});

t.test('§2.8 !GemBundle: the groups, the policy, git for its sources', async t => {
  const files = {
    '/work/Gemfile': "source 'x'\ngem 'rake'\n",
    '/work/g/Gemfile': "gem 'a', git: 'https://x/a'\n",
  };
  const planned = plan(
    ['!Debian bookworm', '!GemBundle {without: [test, dev], trust-policy: LowSecurity}'],
    files,
  );
  t.match(line(planned), /bundle install --gemfile \/work\/Gemfile --trust-policy LowSecurity$/);
  t.match(last(planned).env, { BUNDLE_WITHOUT: 'test:dev', BUNDLE_PATH__SYSTEM: 'true' });
  t.notMatch(planned.packages, / git( |$)/m);
  t.match(plan(['!Debian bookworm', '!GemBundle {gemfile: g/Gemfile}'], files).packages, / git( |$)/m);
  t.same(plan(['!Debian bookworm', '!GemBundle {trust-policy: X}'], files).problems, [
    "Value of 'GemBundle.trust_policy' must be 'LowSecurity', 'MediumSecurity' or 'HighSecurity', 'X' given",
  ]);
  t.same(plan(['!Debian bookworm', '!GemBundle']).problems, ['Gemfile does not exist']);
});

t.test('§2.9 !ComposerConfig, §2.9 !ComposerInstall: PHP, composer, the packages', async t => {
  const planned = plan(['!Debian bookworm', '!ComposerInstall ["vendor/pkg:1.0"]']);
  t.equal(
    line(planned),
    'php /usr/local/bin/composer --no-interaction global require --prefer-dist --update-no-dev vendor/pkg:1.0',
  );
  t.match(last(planned).env, {
    COMPOSER_HOME: '/usr/local/lib/composer',
    COMPOSER_VENDOR_DIR: '/usr/local/lib/composer/vendor',
    COMPOSER_ALLOW_SUPERUSER: '1',
  });
  t.match(planned.packages, / php-cli /);
  t.notMatch(planned.packages, /php-dev/);
  t.equal(planned.finish[0]?.outputFile, 'composer-list.txt');
  const config =
    'runtime-exe: php8, install-dev: true, include-path: ".:/x", vendor-dir: /v, keep-composer: true';
  const own = plan(['!Debian bookworm', `!ComposerConfig {${config}}`, '!ComposerInstall [a/b]']);
  t.match(own.runs[0]?.argv.slice(-2), ['php8', '.:/x']);
  t.match(own.packages, /php-dev/);
  t.equal(last(own).env.COMPOSER_VENDOR_DIR, '/v');
});

t.test('§2.9 !ComposerDependencies, §9 composer-yarn: every option in its real spelling', async t => {
  const flags = [
    'ignore-platform-reqs',
    'no-autoloader',
    'no-scripts',
    'no-plugins',
    'optimize-autoloader',
    'classmap-authoritative',
  ];
  const all = `{working-dir: app, dev: false, prefer: dist, ${flags.map(flag => `${flag}: true`).join(', ')}}`;
  t.match(
    line(plan(['!Debian bookworm', `!ComposerDependencies ${all}`])),
    new RegExp(
      `install --working-dir=app --no-dev --prefer-dist ${flags.map(flag => `--${flag}`).join(' ')}$`,
    ),
  );
  t.match(line(plan(['!Debian bookworm', '!ComposerDependencies'])), /--no-interaction install$/);
  t.same(plan(['!Debian bookworm', '!ComposerDependencies {prefer: x}']).problems, [
    "Value of 'ComposerDependencies.prefer' must be either 'source' or 'dist', 'x' given",
  ]);
});

t.test('§2.9 !UvSync, §2.9 !CargoInstall, §2.9 !GoInstall: lock, versions, caches', async t => {
  const uv = plan([
    '!Debian bookworm',
    '!UvSync {dir: app, groups: [docs], extras: [pg], dev: false}',
  ]).runs.map(run => run.argv.join(' '));
  t.match(
    uv.at(-2),
    /uv export --frozen .* --project \/work\/app --no-dev --group=docs --extra=pg --output-file/,
  );
  t.match(uv.at(-1), /uv pip install --system --break-system-packages --no-deps --requirement/);
  const cargo = plan([
    '!Debian bookworm',
    '!CargoInstall {packages: [ripgrep@14.1.0, fd-find], features: [x]}',
  ]);
  t.equal(
    cargo.runs[0]?.argv.join(' '),
    'cargo install --root /usr/local --locked --features x ripgrep --version 14.1.0',
  );
  t.equal(cargo.runs.length, 2);
  const local = plan(['!Debian bookworm', '!CargoInstall {path: tool, locked: false}']);
  t.equal(line(local), 'cargo install --root /usr/local --path /work/tool');
  t.match(plan(['!Debian bookworm', '!CargoInstall {features: [x]}']).problems, [/needs packages or a path/]);
  const go = plan(['!Debian bookworm', '!GoInstall [example.org/x@v1.2.3]']);
  t.equal(line(go), 'go install example.org/x@v1.2.3');
  t.match(last(go).env, { GOBIN: '/usr/local/bin' });
  t.match(plan(['!Debian bookworm', '!GoInstall [example.org/x]']).problems, [/say which version/]);
});
