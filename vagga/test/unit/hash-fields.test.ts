// The byte stream of every step, written out: fields, their order, what is left out. `|` stands for NUL.
import t, { type Test } from 'tap';
import type { FileStat } from '../../src/core/image/tree.ts';
import { MemoryTree, project, stream } from './helpers.ts';

const setup = (steps: string) => `containers:\n  c:\n    setup:\n${steps.replace(/^/gm, '    ')}\n`;

type Row = readonly [title: string, step: string, expected: string];

function check(t: Test, rows: readonly Row[], files: ConstructorParameters<typeof MemoryTree>[0] = {}): void {
  for (const [title, step, expected] of rows) {
    t.equal(stream(setup(`- !${step}`), new MemoryTree(files)), expected, title);
  }
}

const DISTRIBUTIONS: readonly Row[] = [
  ['§3.2 Alpine', 'Alpine v3.4', 'COMMAND|Alpine|version|v3.4|'],
  ['§3.2 AlpineRepo', 'AlpineRepo {repo: main}', 'COMMAND|AlpineRepo|repo|main|'],
  [
    '§3.2 AlpineRepo: all',
    'AlpineRepo {tag: t, repo: main, branch: edge, url: http://x}',
    'COMMAND|AlpineRepo|url|http://x|branch|edge|repo|main|tag|t|',
  ],
  ['§3.2 Ubuntu', 'Ubuntu focal', 'COMMAND|Ubuntu|codename|focal|'],
  [
    '§3.2 UbuntuRelease: eatmydata does not count',
    'UbuntuRelease {codename: focal, eatmydata: false}',
    'COMMAND|UbuntuRelease|codename|focal|arch|amd64|keep_chfn_command|false|',
  ],
  [
    '§3.2 UbuntuRelease: all',
    'UbuntuRelease {url: http://x, version: "14.04", arch: i386, keep-chfn-command: true}',
    'COMMAND|UbuntuRelease|version|14.04|url|http://x|arch|i386|keep_chfn_command|true|',
  ],
  ['§3.2 UbuntuPPA', 'UbuntuPPA a/b', 'COMMAND|UbuntuPPA|ppa_name|a/b|'],
  ['§3.2 UbuntuUniverse', 'UbuntuUniverse', 'COMMAND|UbuntuUniverse|'],
  ['§3.2 UbuntuRepo', 'UbuntuRepo {}', 'COMMAND|UbuntuRepo|components|trusted|false|'],
  [
    '§3.2 UbuntuRepo: all',
    'UbuntuRepo {url: http://x, suite: s, components: [a, b], trusted: true}',
    'COMMAND|UbuntuRepo|url|http://x|suite|s|components|a|b|trusted|true|',
  ],
  ['§3.2 AptTrust', 'AptTrust {keys: [A, B]}', 'COMMAND|AptTrust|keys|A|B|'],
  ['§3.2 AptTrust: server', 'AptTrust {server: s, keys: []}', 'COMMAND|AptTrust|server|s|keys|'],
  ['§3.2 Repo', 'Repo community', 'COMMAND|Repo|name|community|'],
  ['§3.2 Install', 'Install [a, b]', 'COMMAND|Install|packages|a|b|'],
  ['§3.2 BuildDeps', 'BuildDeps []', 'COMMAND|BuildDeps|packages|'],
];

const SOURCES: readonly Row[] = [
  ['§3.2 Git', 'Git {url: u, path: /p}', 'COMMAND|Git|url|u|path|/p|'],
  [
    '§3.2 Git: all',
    'Git {url: u, path: /p, branch: b, revision: r}',
    'COMMAND|Git|url|u|revision|r|branch|b|path|/p|',
  ],
  ['§3.2 GitInstall', 'GitInstall {url: u, script: s}', 'COMMAND|GitInstall|url|u|subdir|.|script|s|'],
  ['§3.2 Tar', 'Tar {url: u}', 'COMMAND|Tar|url|u|path|/|subdir||'],
  [
    '§3.2 Tar: the checksum stands for the address',
    'Tar {url: u, sha256: ab, path: /p, subdir: s}',
    'COMMAND|Tar|hash|ab|path|/p|subdir|s|',
  ],
  ['§3.2 Unzip', 'Unzip {url: u, sha256: ab}', 'COMMAND|Unzip|hash|ab|path|/|subdir||'],
  [
    '§3.2 TarInstall',
    'TarInstall {url: u}',
    'COMMAND|TarInstall|url|u|script|./configure --prefix=/usr\nmake\nmake install\n|',
  ],
  [
    '§3.2 TarInstall: subdir',
    'TarInstall {url: u, subdir: d, script: s}',
    'COMMAND|TarInstall|url|u|subdir|d|script|s|',
  ],
  [
    '§3.2 Download: the mode is decimal',
    'Download {url: u, path: /p, mode: 0o755}',
    'COMMAND|Download|url|u|path|/p|mode|493|',
  ],
];

const COMMANDS: readonly Row[] = [
  ['§3.2 Sh', 'Sh make', 'COMMAND|Sh|script|make|'],
  ['§3.2 Cmd: the only key with a dash', 'Cmd [a, b c]', 'COMMAND|Cmd|command-line|a|b c|'],
  [
    '§3.2 RunAs',
    'RunAs {script: s}',
    'COMMAND|RunAs|user_id|0|group_id|0|supplementary_gids|work_dir|/work|isolate_network|false|script|s|',
  ],
  [
    '§3.2 RunAs: all',
    'RunAs {user-id: 1, group-id: 2, external-user-id: 3, supplementary-gids: [4, 5], work-dir: /x, isolate-network: true, script: s}',
    'COMMAND|RunAs|user_id|1|group_id|2|external_user_id|3|supplementary_gids|4|5|work_dir|/x|isolate_network|true|script|s|',
  ],
  ['§3.2 Env: sorted', 'Env {B: "1", A: "2"}', 'COMMAND|Env|key|A|value|2|key|B|value|1|'],
  [
    '§3.2 Text: sorted by bytes, not by UTF-16',
    'Text {"/\\U0001F600": b, "/\\uFFFD": a}',
    'COMMAND|Text|path|/\uFFFD|data|a|path|/\u{1F600}|data|b|',
  ],
  ['§3.2 EnsureDir', 'EnsureDir /a', 'COMMAND|EnsureDir|path|/a|'],
  ['§3.2 EmptyDir', 'EmptyDir /a', 'COMMAND|EmptyDir|path|/a|'],
  ['§3.2 Remove', 'Remove /a', 'COMMAND|Remove|path|/a|'],
  ['§3.2 CacheDirs', 'CacheDirs {/b: x, /a: y}', 'COMMAND|CacheDirs|source|/a|name|y|source|/b|name|x|'],
  [
    '§3.2 Copy from the image',
    'Copy {source: /a, path: /b, owner-uid: 1}',
    'COMMAND|Copy|source|/a|path|/b|preserve_permissions|false|owner_uid|1|umask|2|',
  ],
  [
    '§3.2 Copy from the image: owners do not count when permissions are kept',
    'Copy {source: /a, path: /b, owner-uid: 1, preserve-permissions: true, preserve-times: true}',
    'COMMAND|Copy|source|/a|path|/b|preserve_permissions|true|preserve_times|true|',
  ],
];

t.test('steps without files', async t => {
  check(t, DISTRIBUTIONS);
  check(t, SOURCES);
  check(t, COMMANDS);
});

class WithLink extends MemoryTree {
  override lstat(path: string): FileStat | undefined {
    if (path === '/work/d/link') return { kind: 'symlink', mode: 0o777, uid: 5, gid: 6 };
    return super.lstat(path);
  }

  override list(path: string): readonly string[] {
    return path === '/work/d' ? [...super.list(path), 'link'] : super.list(path);
  }

  override readLink(): string {
    return 'a';
  }
}

t.test('§3.2 Copy, §3.2 Depends: entries of a tree', async t => {
  const tree = new WithLink({ '/work/d/a': { mode: 0o744, text: 'A' }, '/work/d/s/b': 'B' });
  t.equal(
    stream(setup('- !Copy {source: /work/d, path: /p}'), tree),
    'COMMAND|Copy|filename|/work/d|mode|509|uid|0|gid|0|filename|/work/d/a|mode|509|uid|0|gid|0|A' +
      'filename|/work/d/link|uid|5|gid|6|symlink|a|' +
      'filename|/work/d/s|mode|509|uid|0|gid|0|filename|/work/d/s/b|mode|436|uid|0|gid|0|Bpath|/p|',
  );
  t.equal(
    stream(setup('- !Depends d'), tree),
    'COMMAND|Depends|filename|/work/d|filename|/work/d/a|is_executable|true|A' +
      'filename|/work/d/link|symlink|a|filename|/work/d/s|filename|/work/d/s/b|is_executable|false|B',
  );
});

const PYTHON: readonly Row[] = [
  [
    '§3.2 PipConfig',
    'PipConfig {}',
    'COMMAND|PipConfig|find_links|index_urls|trusted_hosts|dependencies|false|cache_wheels|true|install_python|true|',
  ],
  [
    '§3.2 PipConfig: all',
    'PipConfig {find-links: [f], index-urls: [i], trusted-hosts: [t], dependencies: true, cache-wheels: false, install-python: false, python-exe: p, allow-pre-releases: true, get-pip-args: [g]}',
    'COMMAND|PipConfig|find_links|f|index_urls|i|trusted_hosts|t|dependencies|true|cache_wheels|false|install_python|false|allow_pre_releases|true|python_exe|p|get_pip_args|g|',
  ],
  ['§3.2 Py2Install', 'Py2Install [a]', 'COMMAND|Py2Install|packages|a|'],
  ['§3.2 Py3Install', 'Py3Install [a]', 'COMMAND|Py3Install|packages|a|'],
  [
    '§3.2 Py2Requirements: includes take the place of their line',
    'Py2Requirements sub/all.txt',
    'COMMAND|Py2Requirements|line|first|line|base|line|more|line|limit<1|line|last|',
  ],
  ['§3.2 Py3Requirements', 'Py3Requirements sub/base.txt', 'COMMAND|Py3Requirements|line|base|line|more|'],
  ['§9 requirements: the default file is used', 'Py3Requirements', 'COMMAND|Py3Requirements|line|django|'],
  [
    '§3.2 Py3Requirements: twice the same file',
    'Py3Requirements twice.txt',
    'failed: Cyclic requirement: /work/sub/base.txt',
  ],
  ['what is included must be there', 'Py3Requirements broken.txt', 'failed: /work/none.txt does not exist'],
  ['§3.2 GemInstall', 'GemInstall [a]', 'COMMAND|GemInstall|packages|a|'],
  [
    '§3.2 GemConfig',
    'GemConfig {gem-exe: g}',
    'COMMAND|GemConfig|install_ruby|true|gem_exe|g|update_gem|true|',
  ],
];

const REQUIREMENTS = {
  '/work/requirements.txt': 'django\n',
  '/work/sub/all.txt': 'first\n-r base.txt\n--constraint=../limits.txt\n#c\nlast',
  '/work/sub/base.txt': ' base \n\nmore\n',
  '/work/limits.txt': 'limit<1',
  '/work/twice.txt': '-rsub/base.txt\n--requirement sub/base.txt\n',
  '/work/broken.txt': '-r none.txt\n',
};

t.test('Python and Ruby', async t => {
  check(t, PYTHON, REQUIREMENTS);
  const gems = { '/work/Gemfile': 'source x\n\n  # c\n gem "a"\n' };
  const alone = 'COMMAND|GemBundle|gemfile|Gemfile|line|source x|line|gem "a"|';
  check(t, [['§3.2 GemBundle: without a lock', 'GemBundle {}', alone]], gems);
  check(
    t,
    [
      [
        '§9 gem-composer, §3.2 GemBundle: a lock makes the Gemfile count twice',
        'GemBundle {without: [dev], trust-policy: HighSecurity}',
        'COMMAND|GemBundle|gemfile|Gemfile|source x\n\n  # c\n gem "a"\nline|source x|line|gem "a"|without|dev|trust_policy|HighSecurity|',
      ],
    ],
    { ...gems, '/work/Gemfile.lock': 'GEM' },
  );
  check(t, [['a Gemfile must be there', 'GemBundle {}', 'failed: /work/Gemfile does not exist']]);
});

const MANIFEST = JSON.stringify({
  dependencies: { b: '^1', a: '2', '10': 'x' },
  devDependencies: { d: '*', odd: { not: 'text' } },
  peerDependencies: { p: '1' },
  bundledDependencies: ['a'],
  bundleDependencies: { u: '1' },
  optionalDependencies: { o: '1' },
});

const NODE: readonly Row[] = [
  [
    '§3.2 NpmConfig: the default of yarn-exe counts',
    'NpmConfig {}',
    'COMMAND|NpmConfig|npm_exe|npm|install_node|true|yarn_exe|/usr/bin/yarn|',
  ],
  [
    '§3.2 NpmConfig: all',
    'NpmConfig {npm-exe: n, install-node: false, install-yarn: false, yarn-exe: yarn, yarn-version: v1}',
    'COMMAND|NpmConfig|npm_exe|n|install_node|false|install_yarn|false|yarn_version|v1|',
  ],
  ['§3.2 NpmInstall', 'NpmInstall [a]', 'COMMAND|NpmInstall|packages|a|'],
  ['§3.2 NpmDependencies', 'NpmDependencies {}', 'COMMAND|NpmDependencies|10|x|a|2|b|^1|d|*|odd|*|u|1|'],
  [
    '§3.2 NpmDependencies: chosen groups',
    'NpmDependencies {package: false, dev: false, peer: true, bundled: false, optional: true}',
    'COMMAND|NpmDependencies|p|1|o|1|',
  ],
  ['a file that is not there', 'NpmDependencies {file: no.json}', 'failed: /work/no.json does not exist'],
  [
    'a file that is no object',
    'NpmDependencies {file: list.json}',
    'failed: /work/list.json: a JSON object was expected',
  ],
];

const yarn = (...ranges: string[]) => ranges.map(range => `${range}:\n  version "1.0.0"\n\n`).join('');

t.test('Node', async t => {
  const files = { '/work/package.json': MANIFEST, '/work/list.json': '[]' };
  check(t, NODE, files);
  const lock = yarn('"10@x"', 'a@2, b@^1', '"d@*"', '"odd@*"');
  const whole = `COMMAND|YarnDependencies|production|false|10|x|a|2|b|^1|d|*|odd|*|${lock}`;
  const rows: Row[] = [
    ['§3.2 YarnDependencies', 'YarnDependencies {}', whole],
    [
      '§3.2 YarnDependencies: production',
      'YarnDependencies {production: true}',
      `COMMAND|YarnDependencies|production|true|10|x|a|2|b|^1|${lock}`,
    ],
    [
      '§3.3 not-ready: a lock that knows one less',
      'YarnDependencies {optional: true}',
      'not-ready: /work/yarn.lock has no o@1 yet: run yarn install',
    ],
  ];
  check(t, rows, { ...files, '/work/yarn.lock': lock });
  check(
    t,
    [['§3.3 not-ready: no lock', 'YarnDependencies {}', 'not-ready: /work/yarn.lock does not exist yet']],
    files,
  );
  check(
    t,
    [
      [
        'our own !PnpmDependencies',
        'PnpmDependencies {production: true}',
        'COMMAND|PnpmDependencies|dir|.|production|true|group|dependencies|10|x|a|2|b|^1|group|optionalDependencies|o|1|lockfile',
      ],
    ],
    { ...files, '/work/pnpm-lock.yaml': 'lockfile' },
  );
});

const COMPOSER_NULL =
  'conflict|null|replace|null|provide|null|autoload|null|repositories|null|minimum-stability|null|prefer-stable|null|';

t.test('PHP', async t => {
  check(
    t,
    [
      [
        '§3.2 ComposerConfig',
        'ComposerConfig {runtime-exe: r, include-path: i, vendor-dir: v}',
        'COMMAND|ComposerConfig|runtime_exe|r|include_path|i|install_runtime|true|install_dev|false|keep_composer|false|vendor_dir|v|',
      ],
      ['§3.2 ComposerInstall', 'ComposerInstall [a]', 'COMMAND|ComposerInstall|packages|a|'],
      [
        '§3.2 ComposerDependencies: options and require-dev do not count, autoload-dev does',
        'ComposerDependencies {dev: false, prefer: dist}',
        `COMMAND|ComposerDependencies|require|{"a":"1","b":{"x":[1,true,null],"y":"/é"}}|${COMPOSER_NULL}require-dev|{"psr":1}|`,
      ],
      [
        '§3.2 ComposerDependencies: the lock',
        'ComposerDependencies {working-dir: sub}',
        `COMMAND|ComposerDependencies|name|"n"|version|"1"|source|null|dist|null|extra|null|autoload|null|require|null|require-dev|{}|require|null|${COMPOSER_NULL}require-dev|null|`,
      ],
    ],
    {
      '/work/composer.json':
        '{"require": {"b": {"y": "/é", "x": [1, true, null]}, "a": "1"}, "require-dev": {"z": 1}, "autoload-dev": {"psr": 1}}',
      '/work/sub/composer.json': '{}',
      '/work/sub/composer.lock': '{"packages": [{"version": "1", "name": "n", "require-dev": {}}]}',
    },
  );
  t.match(
    stream(setup('- !ComposerDependencies {}'), new MemoryTree({ '/work/composer.json': '{' })),
    /^failed: \/work\/composer\.json: /,
    '§3.3 fatal: JSON that cannot be read',
  );
});

t.test('our own steps: what is written in them counts, and their files', async t => {
  check(
    t,
    [
      [
        'Debian',
        'Debian {suite: s, components: [a], mirror: m, snapshot: "20260101"}',
        'COMMAND|Debian|suite|s|components|a|mirror|m|snapshot|20260101|',
      ],
      ['DebianRelease', 'DebianRelease {codename: s}', 'COMMAND|DebianRelease|codename|s|variant|minbase|'],
      [
        'a tag that moves changes nothing',
        'OciImage {image: "a:1", tls-verify: false}',
        'COMMAND|OciImage|image|a:1|',
      ],
      ['OciImage of a layout', 'OciImage {layout: ./l}', 'COMMAND|OciImage|layout|./l|{index}'],
      [
        'OciImage of an archive',
        'OciImage {archive: a.tar, platform: linux/arm64}',
        'COMMAND|OciImage|archive|a.tar|platform|linux/arm64|TAR',
      ],
      [
        'an archive that is not there',
        'OciImage {archive: b.tar}',
        'not-ready: /work/b.tar does not exist yet',
      ],
      ['UvSync', 'UvSync {groups: [g]}', 'COMMAND|UvSync|dir|.|groups|g|extras|dev|true|[project]locked'],
      ['a lock that is not there', 'UvSync {dir: k}', 'not-ready: /work/k/uv.lock does not exist yet'],
      ['CargoInstall', 'CargoInstall [a@1]', 'COMMAND|CargoInstall|packages|a@1|locked|true|'],
      [
        'CargoInstall of a crate: without what cargo writes',
        'CargoInstall {path: k}',
        'COMMAND|CargoInstall|packages|path|k|locked|true|filename|/work/k|filename|/work/k/pyproject.toml|is_executable|false|p',
      ],
      ['GoInstall', 'GoInstall [a@v1]', 'COMMAND|GoInstall|packages|a@v1|'],
    ],
    {
      '/work/l/index.json': '{index}',
      '/work/a.tar': 'TAR',
      '/work/pyproject.toml': '[project]',
      '/work/uv.lock': 'locked',
      '/work/k/pyproject.toml': 'p',
      '/work/k/target/x': 'x',
    },
  );
});

t.test(
  '§3.2 Build, §3.3 not-ready: with content-hash the files of the image count, with names as they are in it',
  async t => {
    const config = `containers:
  src: {setup: [!Sh a]}
  c:
    setup:
    - !Build {container: src, source: /usr, path: /p, content-hash: true, rules: [/lib]}
`;
    const tree = new MemoryTree({ '/image/usr/lib/x': { mode: 0o4755, text: 'X' }, '/image/usr/y': 'Y' });
    const built = { kind: 'built', root: '/image' } as const;
    t.equal(
      stream(config, tree, { image: () => built }),
      'COMMAND|Build|filename|/usr|mode|493|uid|0|gid|0|filename|/usr/lib|mode|493|uid|0|gid|0|filename|/usr/lib/x|mode|2541|uid|0|gid|0|Xpath|/p|',
    );
    t.equal(stream(config, tree), 'not-ready: nothing is built here');
    const elsewhere = config.replace('/usr', '/none');
    t.equal(stream(elsewhere, tree, { image: () => built }), 'not-ready: /image/none does not exist yet');
  },
);

t.test('§3.2 SubConfig: the steps of the other config, names in them are of the main one', async t => {
  const other = project('containers: {base: {setup: []}, x: {setup: [!Container base, !Sh b]}}').containers.x;
  if (other === undefined) return t.fail('config');
  const config = `containers:
  base: {setup: [!Sh a]}
  c: {setup: [!SubConfig {path: sub/vagga.yaml, container: x}]}
`;
  const asked: unknown[] = [];
  const otherContainer = (value: unknown) => {
    asked.push(value);
    return { kind: 'found', container: other, title: 'sub' } as const;
  };
  t.equal(
    stream(config, new MemoryTree({}), { otherContainer }),
    'COMMAND|SubConfig|COMMAND|Container|COMMAND|Sh|script|a|COMMAND|Sh|script|b|',
  );
  const round = project('containers: {c: {setup: []}, x: {setup: [!Container c]}}').containers.x;
  if (round === undefined) return t.fail('config');
  t.equal(
    stream(config, new MemoryTree({}), {
      otherContainer: () => ({ kind: 'found', container: round, title: 'sub/vagga.yaml: x' }),
    }),
    'failed: sub/vagga.yaml: x -> c -> sub/vagga.yaml: x goes round in a circle',
  );
  t.match(asked, [{ path: 'sub/vagga.yaml', container: 'x', source: { tag: 'Directory' } }]);
});

t.test('§3.1 not-hashed, §3.1 framing: only steps, id ranges and data directories', async t => {
  const plain = 'containers:\n  c: {setup: [!Sh a]';
  const same = stream(`${plain}}\n`);
  t.equal(
    stream(
      `${plain}, environ: {A: b}, environ-file: /e, volumes: {/v: !Tmpfs}, default-shell: [x], auto-clean: true, resolv-conf-path: /r, hosts-file-path: /h, image-cache-url: http://x}\ncommands: {x: !Command {container: c, run: x}}\n`,
    ),
    same,
  );
  t.equal(stream(`${plain}, data-dirs: [/a, /b]}\n`), `${same}data_dirs|/a|/b|`);
  t.equal(stream(`${plain}, uids: [0-9, 20-29], gids: [5]}\n`), `uids|0-10|20-30|gids|5-6|${same}`);
});

const twoContainers = (parent: string, step: string) =>
  `containers:\n  src: {setup: [!Sh a]${parent}}\n  c: {setup: [!${step}]}\n`;

t.test('§9 unhashed: what the original forgot does not count here either', async t => {
  const parent = stream(twoContainers('', 'Container src'));
  for (const more of [', data-dirs: [/a]', ', uids: [0-9]', ', gids: [5]'])
    t.equal(stream(twoContainers(more, 'Container src')), parent, `the parent's${more}`);
  const build = (more: string) => stream(twoContainers('', `Build {container: src${more}}`));
  t.equal(build(', source: /a'), build(', source: /b, path: /c, rules: [/d]'));
  const release = (more: string) => stream(setup(`- !UbuntuRelease {codename: focal${more}}`));
  t.equal(release(''), release(', eatmydata: false'));
  const tree = new MemoryTree({ '/work/composer.json': '{}' });
  const composer = (more: string) => stream(setup(`- !ComposerDependencies${more}`), tree);
  t.equal(composer(''), composer(' {dev: false, no-autoloader: true, classmap-authoritative: true}'));
});
