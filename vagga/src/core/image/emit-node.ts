// `!NpmDependencies`, `!YarnDependencies`, `!PnpmDependencies`.

import { byCodePoint } from '../../config/order.ts';
import { NPM_GROUPS } from '../steps/languages/npm-groups.ts';
import type { Emit, Fields } from './emit.ts';
import type { FieldWriter } from './fields.ts';
import { NotHashable } from './not-hashable.ts';
import {
  checkReady,
  emitOptional,
  emitReady,
  isObject,
  type JsonObject,
  projectFile,
  requiredJson,
} from './project-files.ts';

type Dependency = readonly [name: string, version: string];

/** Sorted by name; a version that is not a text is any version. */
function dependencies(manifest: JsonObject, group: string): Dependency[] {
  const all = manifest[group];
  if (!isObject(all)) return [];
  return Object.entries(all)
    .sort(([a], [b]) => byCodePoint(a, b))
    .map(([name, version]) => [name, typeof version === 'string' ? version : '*']);
}

function emitAll(out: FieldWriter, all: readonly Dependency[]): void {
  for (const [name, version] of all) out.field(name, version);
}

export const npmDependencies: Emit = (out, value, world) => {
  const step = value as Fields;
  const manifest = requiredJson(world, projectFile('', step.file as string));
  for (const [key, group] of NPM_GROUPS) if (step[key] === true) emitAll(out, dependencies(manifest, group));
};

/** `NAME@RANGE` of every entry of a yarn.lock: lines without indentation, several separated by commas. */
function lockedRanges(lock: string): Set<string> {
  const headers = lock.split('\n').filter(line => /^[^\s#].*:\s*$/.test(line));
  const ranges = headers.flatMap(line => line.replace(/:\s*$/, '').split(','));
  return new Set(
    ranges.map(text =>
      text
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .replace(/@npm:/, '@'),
    ),
  );
}

function wantedByYarn(manifest: JsonObject, { production, optional }: Fields): Dependency[] {
  return [
    ...dependencies(manifest, 'dependencies'),
    ...(production === true ? [] : dependencies(manifest, 'devDependencies')),
    ...(optional === true ? dependencies(manifest, 'optionalDependencies') : []),
  ];
}

/** What the lock does not know yet, yarn would add while it builds. */
function checkCovered(path: string, lock: string, wanted: readonly Dependency[]): void {
  const known = lockedRanges(lock);
  const missing = wanted.find(([name, version]) => !known.has(`${name}@${version.replace(/^npm:/, '')}`));
  if (missing !== undefined)
    throw new NotHashable('not-ready', `${path} has no ${missing.join('@')} yet: run yarn install`);
}

export const yarnDependencies: Emit = (out, value, world) => {
  const step = value as Fields;
  out.field('production', step.production === true);
  const path = projectFile(step.dir as string, 'yarn.lock');
  checkReady(world, path);
  const manifest = requiredJson(world, projectFile(step.dir as string, 'package.json'));
  const wanted = wantedByYarn(manifest, step);
  checkCovered(path, world.tree.readText(path) ?? '', wanted);
  emitAll(out, wanted);
  out.file(path, world.tree.pieces(path));
};

/** Ours. Everything that pnpm installs by is in the lock; the workspace file says where further packages are. */
export const pnpmDependencies: Emit = (out, value, world) => {
  const { dir, production } = value as Fields;
  out.path('dir', dir as string);
  out.field('production', production === true);
  const manifest = requiredJson(world, projectFile(dir as string, 'package.json'));
  const groups = [
    'dependencies',
    ...(production === true ? [] : ['devDependencies']),
    'optionalDependencies',
  ];
  for (const group of groups) {
    out.field('group', group);
    emitAll(out, dependencies(manifest, group));
  }
  for (const name of ['pnpm', 'packageManager'])
    if (manifest[name] !== undefined) out.json(name, manifest[name]);
  const lock = projectFile(dir as string, 'pnpm-lock.yaml');
  emitReady(out, world, lock);
  const workspace = projectFile(dir as string, 'pnpm-workspace.yaml');
  emitOptional(out, world, workspace);
};
