// Two projects of a developer who uses Node.js, `front` with yarn and `back` with pnpm, and the registry they install from.
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { NpmRegistry } from './npm-registry.ts';
import type { Rig } from './rig.ts';

const modules = join(process.env.SUITE_ROOT ?? '', 'node_modules');
const version = (name: string): string =>
  JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')).version;

const FRONT = {
  name: 'front',
  version: '1.0.0',
  private: true,
  dependencies: { greeting: '1.0.0' },
  devDependencies: { checker: '1.0.0' },
  scripts: { postinstall: 'node tools/made.js' },
};
const BACK = {
  ...FRONT,
  name: 'back',
  packageManager: `pnpm@${version('pnpm')}`,
  // pnpm runs nobody's scripts unless it is told to.
  pnpm: { onlyBuiltDependencies: ['greeting'] },
};
const GREETING = {
  name: 'greeting',
  version: '1.0.0',
  main: 'index.js',
  bin: { greeting: 'bin/greeting.js' },
  dependencies: { '@our/word': '^1.0.0' },
  scripts: { postinstall: 'node make.js' },
};
const GREETING_FILES = {
  'index.js': "exports.words = [require('@our/word'), require('./made.json')].join(', ');\n",
  'make.js': "require('fs').writeFileSync('made.json', '\"made\"');\n",
  'bin/greeting.js': "#!/usr/bin/env node\nconsole.log(require('..').words);\n",
};
const CHECKER = { name: 'checker', version: '1.0.0', bin: { checker: 'bin/checker.js' } };

/** The Node.js that runs this test, with its npm: that of Debian is 400 packages. */
function copyNode(rig: Rig): void {
  const npm = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim();
  cpSync(process.execPath, join(rig.root, 'machine/bin/node'));
  cpSync(dirname(dirname(realpathSync(npm))), join(rig.root, 'machine/lib/node_modules/npm'), {
    recursive: true,
  });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(rig.root, 'machine/bin/npm'));
}

export class NpmProject {
  readonly #rig: Rig;
  readonly #registry = new NpmRegistry();
  #url = '';

  constructor(rig: Rig) {
    this.#rig = rig;
    this.publishWord('1.0.0');
    this.publishWord('1.1.0');
    this.#registry.add(GREETING, GREETING_FILES);
    this.#registry.add(CHECKER, { 'bin/checker.js': "#!/usr/bin/env node\nconsole.log('checked');\n" });
    for (const name of ['pnpm', 'yarn']) this.#registry.addInstalled(join(modules, name));
  }

  publishWord(version: string): void {
    const files = { 'index.js': `module.exports = 'word ${version}';\n` };
    this.#registry.add({ name: '@our/word', version, main: 'index.js' }, files);
  }

  async start(): Promise<void> {
    this.#url = await this.#registry.start();
    for (const directory of ['front', 'back']) {
      this.#rig.write(`${directory}/.npmrc`, `registry=${this.#url}\n`);
      this.#rig.write(`${directory}/tools/made.js`, "console.log('tools of the project');\n");
    }
    this.require({});
    await this.lock();
  }

  stop(): void {
    this.#registry.stop();
  }

  /** Writes both manifests, with `more` dependencies. */
  require(more: Readonly<Record<string, string>>): void {
    for (const manifest of [FRONT, BACK]) {
      const dependencies = { ...manifest.dependencies, ...more };
      this.#rig.write(`${manifest.name}/package.json`, JSON.stringify({ ...manifest, dependencies }));
    }
  }

  /** Locks the newest versions, as a developer does it on their own machine. */
  async lock(): Promise<void> {
    rmSync(join(this.#rig.root, 'front/yarn.lock'), { force: true });
    rmSync(join(this.#rig.root, 'back/pnpm-lock.yaml'), { force: true });
    const elsewhere = '--modules-folder=../home/modules';
    await this.#run('front', 'yarn/bin/yarn.js', 'install', '--ignore-scripts', elsewhere);
    await this.#run('back', 'pnpm/bin/pnpm.cjs', 'install', '--lockfile-only');
  }

  /** The server is in this very process, so nothing here may wait for a client. */
  async #run(directory: string, client: string, ...words: readonly string[]): Promise<void> {
    const cwd = join(this.#rig.root, directory);
    const env = { PATH: process.env.PATH, HOME: join(this.#rig.root, 'home') };
    await promisify(execFile)(process.execPath, [join(modules, client), ...words], { cwd, env });
  }

  /** Containers, all from the container `base`, and a command for each; Node.js of Debian or of this machine. */
  config(base: string, ofDebian: boolean): string {
    if (!ofDebian) copyNode(this.#rig);
    return `
  node:
    setup:
    - !Container ${base}
    - !Sh ${ofDebian ? 'true' : 'cp -a machine/. /usr/'}
    - !Env {npm_config_registry: "${this.#url}"}
    - !NpmConfig {install-node: ${ofDebian}, install-yarn: false, yarn-exe: yarn}
  npm:
    setup:
    - !Container node
    - !NpmInstall ["@our/word@1.0.0"]
    - !NpmDependencies {file: front/package.json, dev: false}
  yarn: { setup: [ !Container node, !NpmInstall [yarn], !YarnDependencies {dir: front} ] }
  yarn-prod: { setup: [ !Container node, !NpmInstall [yarn], !YarnDependencies {dir: front, production: true} ] }
  pnpm: { setup: [ !Container node, !PnpmDependencies {dir: back} ] }
  pnpm-prod: { setup: [ !Container node, !PnpmDependencies {dir: back, production: true} ] }
commands:
  npm: !Command
    container: npm
    environ: { NODE_PATH: "/usr/local/lib/node_modules:/usr/lib/node_modules" }
    run: "node -p 'require(process.argv[1])' @our/word; greeting; ! command -v checker"
  yarn: !Command { container: yarn, run: "greeting; checker" }
  yarn-prod: !Command { container: yarn-prod, run: "greeting; ! command -v checker" }
  pnpm: !Command { container: pnpm, run: "greeting; checker" }
  pnpm-prod: !Command { container: pnpm-prod, run: "greeting; ! command -v checker" }
  modules: !Command
    container: pnpm
    environ: { NODE_PATH: /usr/lib/node_modules }
    run: [node, -p, "require('greeting').words"]
`;
  }
}
