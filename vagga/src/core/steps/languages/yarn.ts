// `!YarnDependencies` (§2.7 of the format): what a yarn.lock says, into the global modules.
import { projectFile } from '../../image/project-files.ts';
import { type BuildAction, done, type PlanStep, refuse } from '../state.ts';
import { inProject, withNode } from './node-project.ts';
import { isUsed, withUsed } from './used.ts';

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

/** yarn 1 takes the lock of a later yarn for an empty one. */
const OF_LATER_YARN = /^__metadata:/m;

export const planYarnDependencies: PlanStep = (value, state, world) => {
  const { dir, production } = value as { dir: string; production: boolean };
  if (OF_LATER_YARN.test(world.readText(projectFile(dir, 'yarn.lock')) ?? ''))
    return refuse(
      'yarn.lock was written by yarn 2 or later, and !YarnDependencies runs yarn 1, which cannot read it: ' +
        'keep a lock of yarn 1, or run the later yarn with !Sh',
    );
  const ready = withNode(state);
  if (!ready.ok) return ready;
  const { yarnExe, yarnVersion, installYarn } = ready.state.languages.npm;
  const words = ['install', '--no-progress', '--frozen-lockfile'];
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
