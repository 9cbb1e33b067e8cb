// Which fields of a step belong to the identity of an image, in their order. A table: a step whose building is not
// available yet may still have its identity here, so that the names of images do not change when it arrives.
import type { Container, Json, Step } from '../../config/model.ts';
import { copiedMode } from './copied-mode.ts';
import type { FieldWriter } from './fields.ts';
import { NotHashable } from './not-hashable.ts';
import { requirementLines } from './requirements.ts';
import { type Filter, filterProblem, selectTree, type TreeReader } from './tree.ts';

export interface HashWorld {
  readonly containers: Readonly<Record<string, Container>>;
  /** Paths below `/work` are the project's. */
  readonly tree: TreeReader;
}

type Fields = Readonly<Record<string, Json>>;
type Emit = (out: FieldWriter, value: Json, world: HashWorld) => void;

const snake = (key: string): string => key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);

/** Field descriptions: `name`, `name?` (only if set), `name[]` (list), `name!` (only if true), `name[]+` (only if not empty). */
function fields(...descriptions: readonly string[]): Emit {
  const parsed = descriptions.map(text => ({
    key: text.replace(/[^a-zA-Z0-9]+$/, ''),
    how: text.replace(/^[a-zA-Z0-9]+/, ''),
  }));
  return (out, value) => {
    const all = value as Fields;
    for (const { key, how } of parsed) emitField(out, snake(key), how, all[key]);
  };
}

function emitField(out: FieldWriter, key: string, how: string, value: Json | undefined): void {
  if (how === '?') out.optional(key, value);
  else if (how === '!') {
    if (value === true) out.field(key, true);
  } else if (how.startsWith('[]')) {
    const list = (value ?? []) as string[];
    if (how === '[]' || list.length > 0) out.list(key, list);
  } else out.field(key, value as string | number | boolean);
}

const scalar =
  (key: string): Emit =>
  (out, value) =>
    out.field(key, value as string);
const list =
  (key: string): Emit =>
  (out, value) =>
    out.list(key, value as string[]);
const nothing: Emit = () => {};

/** UTF-8 byte order equals code point order; a plain `<` compares UTF-16 units and differs beyond the BMP only. */
const byKey = (left: readonly [string, Json], right: readonly [string, Json]) =>
  left[0] < right[0] ? -1 : 1;

/** Two fields per entry, sorted by key. */
const entries =
  (keyName: string, valueName: string): Emit =>
  (out, value) => {
    for (const [key, text] of Object.entries(value as Fields).sort(byKey)) {
      out.field(keyName, key);
      out.field(valueName, text as string);
    }
  };

/** `hash` when a checksum is given, else the address. */
const hashOrUrl =
  (rest: Emit): Emit =>
  (out, value, world) => {
    const { sha256, url } = value as Fields;
    if (typeof sha256 === 'string') out.field('hash', sha256);
    else out.field('url', url as string);
    rest(out, value, world);
  };

function selected(world: HashWorld, source: string, filter: Filter) {
  const problem = filterProblem(filter);
  if (problem !== undefined) throw new NotHashable('failed', problem);
  const entries = selectTree(world.tree, source, filter);
  if (entries === undefined) throw new NotHashable('not-ready', `${source} does not exist yet`);
  return entries;
}

function content(out: FieldWriter, world: HashWorld, entry: { path: string; stat: { kind: string } }): void {
  if (entry.stat.kind === 'file') out.raw(world.tree.readBytes(entry.path));
  else if (entry.stat.kind === 'symlink') out.field('symlink', world.tree.readLink(entry.path));
}

export const isProjectPath = (path: string): boolean => path === '/work' || path.startsWith('/work/');

const copy: Emit = (out, value, world) => {
  const step = value as Fields & Filter;
  const { source, path, umask, preservePermissions, preserveTimes } = step;
  if (isProjectPath(source as string)) {
    for (const entry of selected(world, source as string, step)) {
      out.field('filename', entry.path);
      const mode = copiedMode(entry.stat, umask as number, preservePermissions === true);
      if (entry.stat.kind !== 'symlink') out.field('mode', mode);
      out.field('uid', (step.ownerUid as number | undefined) ?? entry.stat.uid);
      out.field('gid', (step.ownerGid as number | undefined) ?? entry.stat.gid);
      content(out, world, entry);
    }
    out.field('path', path as string);
  } else {
    out.field('source', source as string);
    out.field('path', path as string);
    out.field('preserve_permissions', preservePermissions as boolean);
    if (preservePermissions !== true) fields('ownerUid?', 'ownerGid?', 'umask')(out, value, world);
  }
  if (preserveTimes === true) out.field('preserve_times', true);
};

const depends: Emit = (out, value, world) => {
  const step = value as Fields & Filter;
  for (const entry of selected(world, `/work/${step.path as string}`, step)) {
    out.field('filename', entry.path);
    if (entry.stat.kind === 'file') out.field('is_executable', (entry.stat.mode & 0o100) !== 0);
    content(out, world, entry);
  }
};

const requirements: Emit = (out, value, world) => {
  const file = (value as string | null) ?? 'requirements.txt';
  for (const line of requirementLines(world.tree, `/work/${file}`)) out.field('line', line);
};

/** Only the steps of the parent count: not its ids, data dirs or name. */
function stepsOf(out: FieldWriter, name: string, world: HashWorld): void {
  const parent = world.containers[name];
  if (parent === undefined) throw new NotHashable('failed', `Container "${name}" not found`);
  hashSteps(out, parent.setup, world);
}

const build: Emit = (out, value, world) => {
  const { container, contentHash } = value as Fields;
  if (contentHash === true) throw new NotHashable('failed', 'content-hash is not available yet');
  stepsOf(out, container as string, world);
};

const pipConfig: Emit = fields(
  'findLinks[]',
  'indexUrls[]',
  'trustedHosts[]',
  'dependencies',
  'cacheWheels',
  'installPython',
  'allowPreReleases!',
  'pythonExe?',
  'getPipArgs[]+',
);

const EMITTERS: Readonly<Record<string, Emit>> = {
  Alpine: scalar('version'),
  AlpineRepo: fields('url?', 'branch?', 'repo', 'tag?'),
  AptTrust: fields('server?', 'keys[]'),
  Build: build,
  BuildDeps: list('packages'),
  CacheDirs: entries('source', 'name'),
  Cmd: list('command-line'),
  ComposerConfig: fields(
    'runtimeExe?',
    'includePath?',
    'installRuntime',
    'installDev',
    'keepComposer',
    'vendorDir?',
  ),
  ComposerInstall: list('packages'),
  Container: (out, value, world) => stepsOf(out, value as string, world),
  Copy: copy,
  // Our own step: no upstream hash to agree with.
  Debian: fields('suite', 'components[]+'),
  Depends: depends,
  Download: hashOrUrl(fields('path', 'mode')),
  EmptyDir: scalar('path'),
  EnsureDir: scalar('path'),
  Env: entries('key', 'value'),
  GemConfig: fields('installRuby', 'gemExe?', 'updateGem'),
  GemInstall: list('packages'),
  Git: fields('url', 'revision?', 'branch?', 'path'),
  GitInstall: fields('url', 'revision?', 'branch?', 'subdir', 'script'),
  Install: list('packages'),
  NpmInstall: list('packages'),
  PipConfig: pipConfig,
  Py2Install: list('packages'),
  Py2Requirements: requirements,
  Py3Install: list('packages'),
  Py3Requirements: requirements,
  Remove: scalar('path'),
  Repo: scalar('name'),
  RunAs: fields(
    'userId',
    'groupId',
    'externalUserId?',
    'supplementaryGids[]',
    'workDir',
    'isolateNetwork',
    'script',
  ),
  Sh: scalar('script'),
  Tar: hashOrUrl(fields('path', 'subdir')),
  TarInstall: hashOrUrl(fields('subdir?', 'script')),
  Text: entries('path', 'data'),
  Ubuntu: scalar('codename'),
  UbuntuPPA: scalar('ppa_name'),
  UbuntuRelease: fields('codename?', 'version?', 'url?', 'arch', 'keepChfnCommand'),
  UbuntuRepo: fields('url?', 'suite?', 'components[]', 'trusted'),
  UbuntuUniverse: nothing,
  Unzip: hashOrUrl(fields('path', 'subdir')),
};

export function hashSteps(out: FieldWriter, steps: readonly Step[], world: HashWorld): void {
  for (const step of steps) {
    const emit = EMITTERS[step.tag];
    if (emit === undefined)
      throw new NotHashable('failed', `versioning of step !${step.tag} is not available yet`);
    out.command(step.tag);
    emit(out, step.value, world);
  }
}
