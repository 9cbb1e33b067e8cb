// `!NpmConfig`, `!NpmInstall`, `!NpmDependencies` (§2.7 of the format).

import { isObject, type JsonObject } from '../../image/project-files.ts';
import { LATEST_ALPINE, startAlpine } from '../alpine.ts';
import { type Feature, requireFeatures } from '../features.ts';
import { type BuildAction, type BuildState, done, type Outcome, type PlanStep, refuse } from '../state.ts';
import { NPM_GROUPS } from './npm-groups.ts';
import type { NpmConfig } from './types.ts';
import { isUsed, withUsed } from './used.ts';

const CACHE = '/tmp/npm-cache';

export const planNpmConfig: PlanStep = (value, state) =>
  done({ ...state, languages: { ...state.languages, npm: value as unknown as NpmConfig } });

/** Addresses of repositories need more than npm. */
function sources(packages: readonly string[]): readonly Feature[] {
  return packages.flatMap((text): readonly Feature[] => {
    if (/(^|@)git\+https:/.test(text)) return ['git', 'https'];
    return /(^|@)git(\+|:)/.test(text) ? ['git'] : [];
  });
}

/** Node.js and npm, on the distribution there is or on the implied one. */
function withNpm(packages: readonly string[], state: BuildState): Outcome {
  const base = state.distribution === undefined ? startAlpine(state, LATEST_ALPINE) : done(state);
  if (!base.ok) return base;
  const own: readonly Feature[] = base.state.languages.npm.installNode ? ['node', 'node-dev', 'npm'] : [];
  const features: readonly Feature[] = ['build-essentials', ...own, ...sources(packages)];
  const required = requireFeatures(base.state, ...features);
  if (!required.ok) return required;
  const caches = { ...required.state.caches, [CACHE]: 'npm-cache' };
  const next = withUsed({ ...required.state, caches }, 'npm');
  return done(next, ...base.actions, ...required.actions);
}

/** Their npm does not know the certificates of today's registry. */
const OLD_CODENAMES = ['precise', 'trusty'];

function npmAction(state: BuildState, ...words: readonly string[]): BuildAction {
  const argv = [state.languages.npm.npmExe, ...words];
  return { kind: 'run', argv, env: state.env, caches: state.caches };
}

/** Scripts of packages ran as nobody until npm 7; npm 12 ends with an error where it is told who. $1: npm. */
const INSTALL = `
npm=$1; shift
case $("$npm" --version) in
  [0-6].*) set -- --user=root "$@" ;;
esac
set -x
exec "$npm" install --global --cache=${CACHE} "$@"
`;

/** Installs `words`, packages and options, where all programs find them. */
export function npmInstall(state: BuildState, ...words: readonly string[]): BuildAction {
  const argv = ['/bin/sh', '-ec', INSTALL, 'npm', state.languages.npm.npmExe, ...words];
  return { kind: 'run', argv, env: state.env, caches: { ...state.caches, [CACHE]: 'npm-cache' } };
}

function installed(state: BuildState, packages: readonly string[]): readonly BuildAction[] {
  if (packages.length === 0) return [];
  const { distribution } = state;
  const isOld = distribution?.kind === 'ubuntu' && OLD_CODENAMES.includes(distribution.codename ?? '');
  return [...(isOld ? [npmAction(state, 'config', 'set', 'ca', '')] : []), npmInstall(state, ...packages)];
}

function planPackages(packages: readonly string[], state: BuildState): Outcome {
  const ready = withNpm(packages, state);
  if (!ready.ok) return ready;
  return done(ready.state, ...ready.actions, ...installed(ready.state, packages));
}

export const planNpmInstall: PlanStep = (value, state) => planPackages(value as string[], state);

/** `NAME@VERSION` of a group; bundled ones may be a list of names of packages that another group has. */
function packagesOf(manifest: JsonObject, group: string, file: string): readonly string[] | string {
  const all = manifest[group];
  if (all === undefined || (group.startsWith('bundle') && Array.isArray(all))) return [];
  if (!isObject(all)) return `${group} of ${file} is not an object`;
  const wrong = Object.entries(all).find(([, version]) => typeof version !== 'string');
  if (wrong !== undefined)
    return `Package ${JSON.stringify(wrong[0])} has wrong version ${JSON.stringify(wrong[1])}`;
  return Object.entries(all).map(([name, version]) => `${name}@${version as string}`);
}

function parsed(text: string | undefined, file: string): JsonObject | string {
  if (text === undefined) return `${file} does not exist`;
  try {
    const manifest: unknown = JSON.parse(text);
    return isObject(manifest) ? manifest : `${file} is not an object`;
  } catch (error) {
    return `${file}: ${(error as Error).message}`;
  }
}

export const planNpmDependencies: PlanStep = (value, state, world) => {
  const step = value as JsonObject;
  const file = step.file as string;
  const manifest = parsed(world.readText(`/work/${file}`), file);
  if (typeof manifest === 'string') return refuse(manifest);
  const groups = NPM_GROUPS.filter(([key]) => step[key] === true).map(([, group]) =>
    packagesOf(manifest, group, file),
  );
  const problem = groups.find(group => typeof group === 'string');
  if (problem !== undefined) return refuse(problem as string);
  return planPackages([...new Set((groups as string[][]).flat())], state);
};

/** At the end of a build: what is installed globally, beside the image. */
export function finishNpm(state: BuildState): readonly BuildAction[] {
  if (!isUsed(state, 'npm')) return [];
  const list = npmAction(state, 'ls', '--global') as Extract<BuildAction, { kind: 'run' }>;
  return [{ ...list, outputFile: 'npm-list.txt' }];
}
