// Which fields of a step belong to the identity of an image, in their order. A table: a step whose building is not
// available yet may still have its identity here, so that the names of images do not change when it arrives.
import type { Step } from '../../config/model.ts';
import {
  type Emit,
  entries,
  type Fields,
  fields,
  type HashWorld,
  hashOrUrl,
  list,
  path,
  scalar,
} from './emit.ts';
import { containerEmitters } from './emit-containers.ts';
import { copy, depends } from './emit-files.ts';
import {
  cargoInstall,
  composerDependencies,
  gemBundle,
  goInstall,
  requirements,
  uvSync,
} from './emit-languages.ts';
import { npmDependencies, pnpmDependencies, yarnDependencies } from './emit-node.ts';
import type { FieldWriter } from './fields.ts';
import { NotHashable } from './not-hashable.ts';
import { emitReady } from './project-files.ts';

const nothing: Emit = () => {};

const pipConfig = fields(
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

/** The default of `yarn-exe` counts and the older `yarn` does not: so it was. */
const npmConfig: Emit = (out, value, world) => {
  const { installYarn, yarnExe } = value as Fields;
  fields('npmExe', 'installNode')(out, value, world);
  if (installYarn === false) out.field('install_yarn', false);
  if (yarnExe !== 'yarn') out.field('yarn_exe', yarnExe as string);
  fields('yarnVersion?')(out, value, world);
};

const gitDescribe: Emit = (out, value, world) => {
  const { repo, pattern } = value as Fields;
  fields('repo/', 'outputFile/?')(out, value, world);
  out.field('describe', world.describe(repo as string, pattern as string | undefined));
};

/** A name in a registry counts as written: a tag that moves there changes no project. Images on disk count with their content. */
const ociImage: Emit = (out, value, world) => {
  const { archive, layout } = value as Fields;
  fields('image?', 'archive/?', 'layout/?', 'platform?', 'distribution?')(out, value, world);
  const inProject = (file: string) => (file.startsWith('/') ? file : `/work/${file.replace(/^(\.\/)+/, '')}`);
  // The index of a layout names everything else by checksum.
  const files = [archive, layout === undefined ? undefined : `${layout as string}/index.json`];
  for (const file of files) {
    if (typeof file !== 'string' || file.startsWith('/volumes/')) continue;
    emitReady(out, world, inProject(file));
  }
};

const containers = containerEmitters(hashSteps);

const EMITTERS: Readonly<Record<string, Emit>> = {
  Alpine: scalar('version'),
  AlpineRepo: fields('url?', 'branch?', 'repo', 'tag?'),
  AptTrust: fields('server?', 'keys[]'),
  Build: containers.build,
  BuildDeps: list('packages'),
  CacheDirs: entries('source', 'name'),
  CargoInstall: cargoInstall,
  Cmd: list('command-line'),
  ComposerConfig: fields(
    'runtimeExe?',
    'includePath?',
    'installRuntime',
    'installDev',
    'keepComposer',
    'vendorDir?',
  ),
  ComposerDependencies: composerDependencies,
  ComposerInstall: list('packages'),
  Container: containers.container,
  Copy: copy,
  // Our own steps have no identity of before to agree with; what is written in them counts, settings do not.
  Debian: fields('suite', 'components[]+', 'mirror?', 'snapshot?'),
  DebianRelease: fields('codename', 'mirror?', 'components[]+', 'snapshot?', 'arch?', 'variant'),
  Depends: depends,
  Download: hashOrUrl(fields('path/', 'mode')),
  EmptyDir: path('path'),
  EnsureDir: path('path'),
  Env: entries('key', 'value', 'field'),
  GemBundle: gemBundle,
  GemConfig: fields('installRuby', 'gemExe?', 'updateGem'),
  GemInstall: list('packages'),
  Git: fields('url', 'revision?', 'branch?', 'path/'),
  GitDescribe: gitDescribe,
  GitInstall: fields('url', 'revision?', 'branch?', 'subdir/', 'script'),
  GoInstall: goInstall,
  Install: list('packages'),
  NpmConfig: npmConfig,
  NpmDependencies: npmDependencies,
  NpmInstall: list('packages'),
  OciImage: ociImage,
  PipConfig: pipConfig,
  PnpmDependencies: pnpmDependencies,
  Py2Install: list('packages'),
  Py2Requirements: requirements,
  Py3Install: list('packages'),
  Py3Requirements: requirements,
  Remove: path('path'),
  Repo: scalar('name'),
  RunAs: fields(
    'userId',
    'groupId',
    'externalUserId?',
    'supplementaryGids[]',
    'workDir/',
    'isolateNetwork',
    'script',
  ),
  Sh: scalar('script'),
  SubConfig: containers.subConfig,
  Tar: hashOrUrl(fields('path/', 'subdir/')),
  TarInstall: hashOrUrl(fields('subdir/?', 'script')),
  Text: entries('path', 'data'),
  Ubuntu: scalar('codename'),
  UbuntuPPA: scalar('ppa_name'),
  UbuntuRelease: fields('codename?', 'version?', 'url?', 'arch', 'keepChfnCommand'),
  UbuntuRepo: fields('url?', 'suite?', 'components[]', 'trusted'),
  UbuntuUniverse: nothing,
  Unzip: hashOrUrl(fields('path/', 'subdir/')),
  UvSync: uvSync,
  YarnDependencies: yarnDependencies,
};

export function hashSteps(out: FieldWriter, steps: readonly Step[], world: HashWorld): void {
  for (const step of steps) {
    const emit = EMITTERS[step.tag];
    if (emit === undefined) throw new NotHashable('failed', `!${step.tag} has no identity`);
    try {
      out.step(step, () => emit(out, step.value, world));
    } catch (error) {
      if (error instanceof NotHashable) error.step ??= step;
      throw error;
    }
  }
}
