// Package managers for real, against servers on loopback that speak their protocol.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { Rig } from './rig.ts';

t.setTimeout(300_000);
const rig = new Rig();
t.teardown(() => rig.remove());

/** A wheel is a zip with metadata; this one has a single module. */
const MAKE_WHEEL = `
import sys, zipfile
name, version, text, path = sys.argv[1:]
info = '%s-%s.dist-info/' % (name, version)
with zipfile.ZipFile(path, 'w') as wheel:
    wheel.writestr(name + '.py', text)
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n' % (name, version))
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', '')
`;

function wheel(name: string, version: string, text: string): Buffer {
  const path = join(rig.root, `${name}-${version}-py3-none-any.whl`);
  const made = spawnSync('python3', ['-c', MAKE_WHEEL, name, version, text, path], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  return readFileSync(path);
}

/** Compilers are hundreds of megabytes: those are for the long runs. */
const LONG = process.env.SUITE_SOAK === '1';

/** Compilers and headers once for all languages. */
const BASE = `  base:
    setup:
    - !Debian bookworm
    - !Install [build-essential, ca-certificates, git]
`;

/** A package index as PEP 503 has it: a page of links per project. */
class Index {
  readonly #files = new Map<string, Buffer>();
  readonly #server: Server;
  readonly requests: string[] = [];

  constructor() {
    this.#server = createServer(({ url = '' }, response) => {
      this.requests.push(url);
      const file = this.#files.get(url);
      const project = /^\/simple\/([^/]+)\/$/.exec(url)?.[1];
      if (file !== undefined) response.end(file);
      else if (project !== undefined)
        response.setHeader('content-type', 'text/html').end(this.#page(project));
      else response.writeHead(404).end();
    });
  }

  #page(project: string): string {
    const links = [...this.#files].filter(([path]) => path.startsWith(`/files/${project}-`));
    const anchors = links.map(([path, body]) => {
      const sha256 = createHash('sha256').update(body).digest('hex');
      return `<a href="${path}#sha256=${sha256}">${path.slice('/files/'.length)}</a>`;
    });
    return `<!DOCTYPE html><html><body>${anchors.join('\n')}</body></html>`;
  }

  add(name: string, version: string, text: string): void {
    this.#files.set(`/files/${name}-${version}-py3-none-any.whl`, wheel(name, version, text));
  }

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/simple/`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

t.test('§2.6 !Py3Requirements: from an index, listed, pip gone; a colleague changes the file', async t => {
  const index = new Index();
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
    - !Install [ruby, ruby-dev]
    - !Sh |
        mkdir -p /tmp/r/gems
        for name in greeting parting; do (cd /work/$name && gem build $name.gemspec -o /tmp/r/gems/$name-1.0.gem); done
        cd /tmp/r && gem generate_index
        rm -rf /work/repository && cp -r /tmp/r /work/repository
  ruby:
    setup:
    - !Container base
    - !Install [bundler]
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
    - !Install [composer]
    - !ComposerDependencies {dev: false, optimize-autoloader: true}
  global:
    setup:
    - !Container base
    - !Install [composer]
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

if (LONG)
  t.test('§2.9 !CargoInstall, §2.9 !GoInstall: programs, without their compilers', async t => {
    rig.write('tool/Cargo.toml', '[package]\nname = "tool"\nversion = "0.1.0"\nedition = "2021"\n');
    rig.write('tool/Cargo.lock', 'version = 3\n\n[[package]]\nname = "tool"\nversion = "0.1.0"\n');
    rig.write('tool/src/main.rs', 'fn main() { println!("rust"); }\n');
    const at = 'proxy/example.org/gone/@v/v1.0.0';
    rig.write(`${at}.info`, '{"Version": "v1.0.0", "Time": "2026-01-01T00:00:00Z"}');
    rig.write(`${at}.mod`, 'module example.org/gone\n\ngo 1.19\n');
    const script =
      'import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1],"w")\nz.writestr("example.org/gone@v1.0.0/go.mod","module example.org/gone\\n\\ngo 1.19\\n")\nz.writestr("example.org/gone@v1.0.0/main.go","package main\\n\\nfunc main() { println(1) }\\n")\nz.close()';
    const zipped = spawnSync('python3', ['-c', script, join(rig.root, `${at}.zip`)], { encoding: 'utf8' });
    t.equal(zipped.status, 0, zipped.stderr);
    rig.write(
      'vagga.yaml',
      `containers:
${BASE}
  rust:
    setup:
    - !Container base
    - !CargoInstall {path: tool}
  go:
    setup:
    - !Container base
    - !Env {GOPROXY: "file:///work/proxy", GONOSUMDB: "*", GOSUMDB: "off"}
    - !GoInstall [example.org/gone@v1.0.0]
commands:
  rust: !Command { container: rust, run: "tool; ! command -v cargo" }
  go: !Command { container: go, run: "gone; ! command -v go" }
`,
    );
    const rust = rig.run('rust');
    t.match(rust, { code: 0, stdout: 'rust\n' }, rust.stderr.slice(-3000));
    const go = rig.run('go');
    t.match(go, { code: 0 }, go.stderr.slice(-3000));
  });
