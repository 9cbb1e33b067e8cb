// Package managers for real, against servers on loopback that speak their protocol.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Archive } from './apt-archive.ts';
import { NpmProject } from './npm-project.ts';
import { PythonIndex } from './python-index.ts';
import { Rig } from './rig.ts';
import { addGoModule, CrateRegistry } from './source-registries.ts';

t.setTimeout(540_000);
const MEMORY = '/dev/shm';
const ROOM_BYTES = 4 * 1024 ** 3;

/** Packages are many small files with a sync each: in memory where that has room. */
function place(): string {
  const room = existsSync(MEMORY) ? statfsSync(MEMORY) : { bavail: 0, bsize: 0 };
  return mkdtempSync(join(room.bavail * room.bsize > ROOM_BYTES ? MEMORY : tmpdir(), 'vagga-e2e-'));
}
const rig = new Rig({ root: place() });
t.teardown(() => rig.remove());

/** What is hundreds of megabytes is for the long runs: compilers, and Debian's npm. */
const LONG = process.env.SUITE_SOAK === '1';

/** Every language asks for these. Nothing is compiled in the short run, where empty packages stand in their place. */
const COMPILERS = ['build-essential', 'ca-certificates', 'python3-dev', 'ruby-dev'];
if (!LONG)
  new Archive(join(rig.root, 'debs')).addOwn(
    'main',
    COMPILERS.map(name => ({ name })),
  );

/** Documentation is half of the files, and every image has all of them. */
const WITHOUT = ['doc', 'man', 'locale'].map(name => `path-exclude=/usr/share/${name}/*\\n`).join('');

/** One bootstrap for all. */
const BASE = `  bare:
    setup:
    - !Debian bookworm
    - !Text { /etc/dpkg/dpkg.cfg.d/01-small: "${WITHOUT}" }
    - !Sh ${LONG ? 'true' : 'dpkg -i debs/pool/main/*.deb'}
    - !Install [${COMPILERS.join(', ')}]
    - !Sh rm -rf /usr/share/doc /usr/share/man /usr/share/locale
  base:
    setup:
    - !Container bare
    - !Install [git, python3, ruby, bundler, composer, php-common, php-cli, php-zip]
`;

t.test('§2.6 !Py3Requirements: from an index, listed, pip gone; a colleague changes the file', async t => {
  const index = new PythonIndex();
  index.add('greeting', '1.0', 'WORD = "old"\n');
  index.add('greeting', '1.1', 'WORD = "hello"\n');
  const url = await index.start();
  t.teardown(() => index.stop());
  const colleague = new Rig();
  t.teardown(() => colleague.remove());
  const git = (where: Rig, ...words: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], { cwd: where.root });
  const publish = (requirements: string) => {
    colleague.write('requirements.txt', requirements);
    git(colleague, 'add', '.');
    git(colleague, 'commit', '-qm', requirements);
  };
  git(colleague, 'init', '-q', '-b', 'main');
  colleague.write(
    'vagga.yaml',
    `containers:
${BASE}
  c:
    setup:
    - !Container base
    - !PipConfig
      index-urls: ["${url}"]
    - !Py3Requirements requirements.txt
commands:
  test: !Command
    container: c
    run: [python3, -c, "import greeting; print(greeting.WORD)"]
  pip: !Command
    container: c
    run: python3 -m pip --version
`,
  );
  publish('greeting==1.1\n');
  git(rig, 'init', '-q', '-b', 'main');
  git(rig, 'pull', '-q', colleague.root, 'main');
  // The server answers in this very process, so that nothing here may wait for vagga.
  const said = await rig.start(['test']).ended;
  t.match(said, { code: 0, stdout: 'hello\n' }, said.stderr.slice(-2000));
  t.equal(
    rig.read(
      `.vagga/.roots/${rig.list('.vagga/.roots').find(name => name.startsWith('c.'))}/pip3-freeze.txt`,
    ),
    'greeting==1.1\n',
  );
  t.not((await rig.start(['pip']).ended).code, 0, 'what was only needed to build is gone');

  const before = index.requests.length;
  publish('greeting==1.0\n');
  git(rig, 'pull', '-q', colleague.root, 'main');
  const again = await rig.start(['test']).ended;
  t.match(again, { code: 0, stdout: 'old\n' }, again.stderr.slice(-2000));
  t.ok(index.requests.length > before, 'another version was fetched');
  t.match(
    again.stderr,
    /^Container c is built again: step !Py3Requirements requirements\.txt changed: requirements\.txt:1 .*greeting==1\.0/m,
  );
  t.match(again.stderr, /^c \[1\/3\] !Container base: cached/m, 'the base was not built again');
});

/** The file beside the image of container `name`. */
function beside(name: string, file: string): string {
  const directory = rig.list('.vagga/.roots').find(entry => entry.startsWith(`${name}.`));
  return rig.read(`.vagga/.roots/${directory}/${file}`);
}

const gemspec = (name: string, version: string) => `Gem::Specification.new do |s|
  s.name = '${name}'; s.version = '${version}'; s.summary = 'a word'; s.authors = ['t']
  s.files = ['lib/${name}.rb']; s.executables = ['${name}']; s.bindir = 'bin'
end
`;

t.test('§2.8 !GemInstall, §2.8 !GemBundle: a gem from a repository, with its program', async t => {
  for (const name of ['greeting', 'parting']) {
    rig.write(`${name}/${name}.gemspec`, gemspec(name, '1.0'));
    rig.write(`${name}/lib/${name}.rb`, `WORD = '${name}'\n`);
    rig.write(`${name}/bin/${name}`, `#!/usr/bin/env ruby\nrequire '${name}'\nputs WORD\n`);
  }
  rig.write('Gemfile', "source 'file:///work/repository'\ngem 'parting'\ngroup(:test) { gem 'greeting' }\n");
  rig.write(
    'vagga.yaml',
    `containers:
${BASE}
  make:
    setup:
    - !Container base
    - !Sh |
        mkdir -p /tmp/r/gems
        for name in greeting parting; do (cd /work/$name && gem build $name.gemspec -o /tmp/r/gems/$name-1.0.gem); done
        cd /tmp/r && gem generate_index
        rm -rf /work/repository && cp -r /tmp/r /work/repository
  ruby:
    setup:
    - !Container base
    - !Build make
    - !GemConfig {update-gem: false}
    - !Sh 'echo ":sources: [file:///work/repository]" > /root/.gemrc; mkdir -p /tmp; cp /root/.gemrc /tmp/.gemrc'
    - !GemInstall ["greeting:1.0"]
    - !GemBundle {without: [test]}
commands:
  greet: !Command { container: ruby, run: "greeting; parting" }
`.replace('- !Build make', '- !Build {container: make}'),
  );
  const greeted = rig.run('greet');
  t.match(greeted, { code: 0, stdout: 'greeting\nparting\n' }, greeted.stderr.slice(-3000));
  t.match(beside('ruby', 'gems-list.txt'), /^greeting \(1\.0\)$/m);
});

t.test('§2.9 !ComposerDependencies, §2.9 !ComposerInstall: packages from a repository', async t => {
  rig.write(
    'lib/word/composer.json',
    '{"name": "our/word", "version": "1.0", "autoload": {"files": ["word.php"]}}',
  );
  rig.write('lib/word/word.php', "<?php function word() { return 'hello'; }\n");
  const repositories = [
    { type: 'path', url: '/work/lib/word', options: { symlink: false } },
    { packagist: false },
  ];
  rig.write('composer.json', JSON.stringify({ repositories, require: { 'our/word': '1.0' } }));
  rig.write('global.json', JSON.stringify({ repositories }));
  rig.write(
    'vagga.yaml',
    `containers:
${BASE}
  php:
    setup:
    - !Container base
    - !ComposerDependencies {dev: false, optimize-autoloader: true}
  global:
    setup:
    - !Container base
    - !EnsureDir /usr/local/lib/composer
    - !Copy {source: /work/global.json, path: /usr/local/lib/composer/composer.json}
    - !ComposerInstall ["our/word:1.0"]
commands:
  say: !Command
    container: php
    run: [php, -r, "require '/usr/local/lib/composer/vendor/autoload.php'; echo word();"]
  global: !Command
    container: global
    run: [php, -r, "require 'vendor/autoload.php'; echo word();"]
`,
  );
  const said = rig.run('say');
  t.match(said, { code: 0, stdout: 'hello' }, said.stderr.slice(-3000));
  t.match(beside('php', 'composer-list.txt'), /our\/word/);
  const everywhere = rig.run('global');
  t.match(everywhere, { code: 0, stdout: 'hello' }, everywhere.stderr.slice(-3000));
});

t.test('§2.7 !NpmConfig: npm, yarn and pnpm install from a registry', async t => {
  const project = new NpmProject(rig);
  await project.start();
  t.teardown(() => project.stop());
  rig.write('vagga.yaml', `containers:\n${BASE}${project.config('bare', LONG)}`);
  const says = async (t: Test, command: string, stdout: string) => {
    const said = await rig.start([command]).ended;
    t.match(said, { code: 0, stdout }, said.stderr.slice(-3000));
    return said.stderr;
  };

  await t.test('§2.7 !NpmInstall, §2.7 !NpmDependencies: scripts and dependencies, listed', async t => {
    await says(t, 'npm', 'word 1.0.0\nword 1.1.0, made\n');
    t.match(beside('npm', 'npm-list.txt'), /@our\/word@1\.0\.0.*\n.*greeting@1\.0\.0/);
  });

  await t.test(
    '§2.7 !YarnDependencies, §2.7 !PnpmDependencies: the lock, nothing in the project',
    async t => {
      await says(t, 'yarn', 'word 1.1.0, made\nchecked\n');
      t.match(beside('yarn', 'npm-list.txt'), /yarn@/, 'what npm installed is still there');
      await says(t, 'pnpm', 'word 1.1.0, made\nchecked\n');
      await says(t, 'modules', 'word 1.1.0, made\n');
      t.match(beside('pnpm', 'build.log'), /tools of the project/, 'its own scripts find its files');
      t.same(rig.list('front'), ['.npmrc', 'package.json', 'tools', 'yarn.lock']);
      t.same(rig.list('back'), ['.npmrc', 'package.json', 'pnpm-lock.yaml', 'tools']);
    },
  );

  await t.test(
    '§2.7 !YarnDependencies, §2.7 !PnpmDependencies: another lock, one that is too old',
    async t => {
      project.publishWord('1.2.0');
      await project.lock();
      t.match(rig.run('_why', 'yarn').stdout, /step !YarnDependencies .*\n *front\/yarn\.lock changed/);
      t.match(rig.run('_why', 'pnpm').stdout, /step !PnpmDependencies .*\n *back\/pnpm-lock\.yaml changed/);
      t.match(await says(t, 'yarn', 'word 1.2.0, made\nchecked\n'), /dir: front changed: front\/yarn\.lock/);
      t.match(
        await says(t, 'pnpm', 'word 1.2.0, made\nchecked\n'),
        /dir: back changed: back\/pnpm-lock\.yaml/,
      );
      project.require({ '@our/word': '1.0.0' });
      t.match(await rig.start(['yarn']).ended, { code: 121, stderr: /lockfile needs to be updated/ });
      t.match(await rig.start(['pnpm']).ended, { code: 121, stderr: /ERR_PNPM_OUTDATED_LOCKFILE/ });
      project.require({});
    },
  );

  await t.test(
    '§2.7 !YarnDependencies, §2.7 !PnpmDependencies: from their caches, without a server',
    async t => {
      project.stop();
      await says(t, 'yarn-prod', 'word 1.2.0, made\n');
      await says(t, 'pnpm-prod', 'word 1.2.0, made\n');
    },
  );
});

if (LONG)
  t.test('§2.9 !CargoInstall, §2.9 !GoInstall: programs with what they need, without compilers', async t => {
    const crates = new CrateRegistry(join(rig.root, 'registry'), '/work/registry');
    const said = 'pub fn word() -> &\'static str { "rust" }\n';
    const main = 'fn main() { println!("{}", saying::word()); }\n';
    crates.add({ name: 'saying', version: '0.1.0', files: { 'src/lib.rs': said } });
    crates.add({
      name: 'greeting',
      version: '0.2.0',
      needs: { saying: '0.1.0' },
      files: { 'src/main.rs': main },
    });
    crates.publish();
    rig.write('cargo.toml', crates.config);
    rig.write('tool/Cargo.toml', '[package]\nname = "tool"\nversion = "0.1.0"\nedition = "2021"\n');
    rig.write('tool/Cargo.lock', 'version = 3\n\n[[package]]\nname = "tool"\nversion = "0.1.0"\n');
    rig.write('tool/src/main.rs', 'fn main() { println!("tool"); }\n');
    const word = 'package saying\n\nfunc Word() string { return "go" }\n';
    addGoModule(join(rig.root, 'proxy'), 'example.org/gone', 'v1.0.0', {
      'main.go':
        'package main\n\nimport ("fmt"; "example.org/gone/saying")\n\nfunc main() { fmt.Println(saying.Word()) }\n',
      'saying/saying.go': word,
    });
    rig.write(
      'vagga.yaml',
      `containers:
${BASE}
  rust:
    setup:
    - !Container bare
    - !EnsureDir /tmp/cargo
    - !Copy {source: /work/cargo.toml, path: /tmp/cargo/config.toml}
    - !CargoInstall [greeting@0.2.0]
    - !CargoInstall {path: tool}
  go:
    setup:
    - !Container bare
    - !Env {GOPROXY: "file:///work/proxy", GONOSUMDB: "*", GOSUMDB: "off"}
    - !GoInstall [example.org/gone@v1.0.0]
commands:
  rust: !Command { container: rust, run: "greeting; tool; ! command -v cargo" }
  go: !Command { container: go, run: "gone; ! command -v go" }
`,
    );
    const rust = rig.run('rust');
    t.match(rust, { code: 0, stdout: 'rust\ntool\n' }, rust.stderr.slice(-3000));
    const go = rig.run('go');
    t.match(go, { code: 0, stdout: 'go\n' }, go.stderr.slice(-3000));
  });
