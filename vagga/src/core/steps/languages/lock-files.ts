// `!YarnDependencies`, `!PnpmDependencies`: what the lock file of a project says, into /usr/lib/node_modules.
import { LATEST_ALPINE, startAlpine } from '../alpine.ts';
import { type Feature, requireFeatures } from '../features.ts';
import { type BuildAction, type BuildState, done, type Outcome, type PlanStep } from '../state.ts';
import { isUsed, withUsed } from './used.ts';

const MODULES = '/usr/lib/node_modules';

/**
 * Node fetches it, as it is there anyway; redirects are followed by hand. $1: where to; $2: version or nothing.
 * The releases are single files.
 */
const FETCH_YARN = `
const { get } = require('https');
const fs = require('fs');
const { argv, exit } = require('process');
const [target, wanted] = argv.slice(1);
const body = (url, left = 5) => new Promise((resolve, reject) => get(url, answer => {
  const { statusCode, headers } = answer;
  if (statusCode >= 300 && statusCode < 400 && left > 0) return resolve(body(new URL(headers.location, url), left - 1));
  if (statusCode !== 200) return reject(new Error(url + ': ' + statusCode));
  const parts = [];
  answer.on('data', part => parts.push(part)).on('end', () => resolve(Buffer.concat(parts))).on('error', reject);
}).on('error', reject));
(async () => {
  const version = wanted || String(await body('https://yarnpkg.com/latest-version')).trim();
  const url = 'https://github.com/yarnpkg/yarn/releases/download/v' + version + '/yarn-' + version + '.js';
  fs.writeFileSync(target, await body(url), { mode: 0o755 });
})().catch(error => { console.error(error.message); exit(1); });
`;

/** The project's own node_modules are neither read nor written: an empty place is in their stead. */
const IN_SCRATCH = `
directory=$1; shift
mkdir -p ${MODULES} /tmp/node-project
for name in package.json yarn.lock pnpm-lock.yaml pnpm-workspace.yaml .npmrc .yarnrc; do
  if [ -e "$directory/$name" ]; then cp "$directory/$name" /tmp/node-project/; fi
done
cd /tmp/node-project
"$@"
if [ -d node_modules ]; then cp -a node_modules/. ${MODULES}/; fi
for link in ${MODULES}/.bin/*; do
  if [ -e "$link" ]; then ln -sfn "$(readlink -f "$link")" "/usr/bin/$(basename "$link")"; fi
done
rm -rf /tmp/node-project
`;

function withNode(state: BuildState, ...more: readonly Feature[]): Outcome {
  const base = state.distribution === undefined ? startAlpine(state, LATEST_ALPINE) : done(state);
  if (!base.ok) return base;
  const node: readonly Feature[] = base.state.languages.npm.installNode ? ['node', ...more] : [];
  const required = requireFeatures(base.state, 'build-essentials', 'https', ...node);
  return required.ok ? done(required.state, ...base.actions, ...required.actions) : required;
}

function inProject(state: BuildState, dir: string, argv: readonly string[], cache: Record<string, string>) {
  const directory = dir === '.' ? '/work' : `/work/${dir}`;
  return {
    kind: 'run',
    argv: ['/bin/sh', '-exc', IN_SCRATCH, 'node', directory, ...argv],
    env: state.env,
    caches: { ...state.caches, ...cache },
  } satisfies BuildAction;
}

export const planYarnDependencies: PlanStep = (value, state) => {
  const { dir, production } = value as { dir: string; production: boolean };
  const ready = withNode(state);
  if (!ready.ok) return ready;
  const { yarnExe, yarnVersion, installYarn } = ready.state.languages.npm;
  const words = ['install', '--no-progress', '--frozen-lockfile', `--modules-folder=${MODULES}`];
  const argv = [yarnExe, ...words, '--cache-folder=/tmp/yarn-cache', ...(production ? ['--production'] : [])];
  const { env, caches } = ready.state;
  const fetch: BuildAction = {
    kind: 'run',
    argv: ['node', '-e', FETCH_YARN, yarnExe, (yarnVersion ?? '').replace(/^v/, '')],
    env,
    caches,
  };
  const needed = installYarn && !isUsed(ready.state, 'yarn') ? [fetch] : [];
  const install = inProject(ready.state, dir, argv, { '/tmp/yarn-cache': 'yarn-cache' });
  return done(withUsed(ready.state, 'yarn'), ...ready.actions, ...needed, install);
};

/** pnpm itself comes by npm; its links are relative, so what it installs can be moved. */
export const planPnpmDependencies: PlanStep = (value, state) => {
  const { dir, production } = value as { dir: string; production: boolean };
  const ready = withNode(state, 'npm');
  if (!ready.ok) return ready;
  const { env, caches, languages } = ready.state;
  const own: BuildAction = {
    kind: 'run',
    argv: [languages.npm.npmExe, 'install', '--global', '--user=root', '--cache=/tmp/npm-cache', 'pnpm'],
    env,
    caches: { ...caches, '/tmp/npm-cache': 'npm-cache' },
  };
  const words = [
    'pnpm',
    'install',
    '--frozen-lockfile',
    '--store-dir=/tmp/pnpm-store',
    '--package-import-method=copy',
  ];
  const argv = [...words, ...(production ? ['--prod'] : [])];
  const needed = isUsed(ready.state, 'pnpm') ? [] : [own];
  const install = inProject(ready.state, dir, argv, { '/tmp/pnpm-store': 'pnpm-store' });
  return done(withUsed(ready.state, 'pnpm'), ...ready.actions, ...needed, install);
};
