// Steps of Python, Ruby, PHP, Rust and Go whose identity comes from files of the project.
import { type Emit, type Fields, fields, list } from './emit.ts';
import { readEntries } from './emit-files.ts';
import type { FieldWriter } from './fields.ts';
import { NotHashable } from './not-hashable.ts';
import {
  emitOptional,
  emitReady,
  isObject,
  isThere,
  type JsonObject,
  projectFile,
  requiredJson,
  requiredText,
} from './project-files.ts';
import { requirementLines } from './requirements.ts';

export const requirements: Emit = (out, value, world) => {
  const file = (value as string | null) ?? 'requirements.txt';
  for (const { text, at } of requirementLines(world.tree, projectFile('', file))) out.field('line', text, at);
};

/** The lock is only looked for, and the Gemfile counts twice: so it was, and the names of images depend on it. */
export const gemBundle: Emit = (out, value, world) => {
  const step = value as Fields;
  const gemfile = projectFile('', step.gemfile as string);
  out.path('gemfile', step.gemfile as string);
  const text = requiredText(world, gemfile);
  const lock = `${gemfile.slice(0, gemfile.lastIndexOf('/'))}/Gemfile.lock`;
  if (isThere(world, lock)) out.file(gemfile, world.tree.pieces(gemfile));
  for (const [index, line] of text.split('\n').entries()) {
    const meant = line.trim();
    if (meant !== '' && !meant.startsWith('#'))
      out.field('line', meant, `${step.gemfile as string}:${index + 1}`);
  }
  fields('without[]+', 'trustPolicy?')(out, value, world);
};

const LOCKED = ['name', 'version', 'source', 'dist', 'extra', 'autoload', 'require', 'require-dev'];
const DECLARED = [
  'require',
  'conflict',
  'replace',
  'provide',
  'autoload',
  'repositories',
  'minimum-stability',
  'prefer-stable',
];

function emitJson(out: FieldWriter, object: JsonObject, keys: readonly string[]): void {
  for (const key of keys) out.json(key, object[key]);
}

function lockedPackages(path: string, lock: JsonObject): JsonObject[] {
  const { packages } = lock;
  if (!Array.isArray(packages) || !packages.every(isObject))
    throw new NotHashable('failed', `${path}: packages must be a list of objects`);
  return packages;
}

/** `autoload-dev` counts under the name of `require-dev`, and no option counts: so it was. */
export const composerDependencies: Emit = (out, value, world) => {
  const directory = (value as Fields).workingDir as string | undefined;
  const lock = projectFile(directory, 'composer.lock');
  if (isThere(world, lock)) {
    for (const item of lockedPackages(lock, requiredJson(world, lock))) emitJson(out, item, LOCKED);
  }
  const manifest = requiredJson(world, projectFile(directory, 'composer.json'));
  emitJson(out, manifest, DECLARED);
  out.json('require-dev', manifest['autoload-dev']);
};

export const uvSync: Emit = (out, value, world) => {
  fields('dir/', 'groups[]', 'extras[]', 'dev')(out, value, world);
  const { dir } = value as Fields;
  const project = projectFile(dir as string, 'pyproject.toml');
  requiredText(world, project);
  out.file(project, world.tree.pieces(project));
  const lock = projectFile(dir as string, 'uv.lock');
  emitReady(out, world, lock);
  const python = projectFile(dir as string, '.python-version');
  emitOptional(out, world, python);
};

/** What cargo itself writes while it builds. */
const NOT_OF_THE_CRATE = {
  ignoreRegex: '(^|/)(\\.(git|hg|svn|vagga)|target)($|/)|~$|\\.bak$|\\.orig$',
  rules: [],
};

export const cargoInstall: Emit = (out, value, world) => {
  fields('packages[]', 'path/?', 'features[]+', 'locked')(out, value, world);
  const { path } = value as Fields;
  if (typeof path === 'string') readEntries(out, world, projectFile(path, '.'), NOT_OF_THE_CRATE);
};

export const goInstall: Emit = list('packages');
