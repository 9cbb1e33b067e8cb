// Bootstraps a root with mmdebstrap, outside of any container.
import { createHash } from 'node:crypto';
import { renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '@suite/shared/linux/programs.ts';
import { flushFileSystem } from '@suite/shared/linux/sync.ts';
import { BASE_CACHE_AGE_MS } from '../../../config/defaults.ts';
import { sessionMaps } from '../../../core/ids/session.ts';
import { currentIds } from '../../namespace/current.ts';
import { removeTree } from '../../storage/remove-tree.ts';
import { runChild } from '../child.ts';
import type { BuildContext } from '../context.ts';
import { MIRROR_HINT } from './mirror.ts';

export interface Bootstrap {
  readonly suite: string;
  /** As in sources.list; they stay in the image. Empty: mmdebstrap's own. */
  readonly sources: readonly string[];
  /** Of mmdebstrap's own sources; lines say theirs themselves. */
  readonly components?: readonly string[];
  readonly variant: string;
  /** Undefined: that of the machine. */
  readonly arch?: string;
  /** Names in the build cache: of the kept roots and of the packages. */
  readonly baseCache: string;
  readonly packageCache: string;
  readonly include: readonly string[];
  /** Lines of apt's configuration; they stay in the image. */
  readonly aptOptions: readonly string[];
  /** A directory of keyrings instead of the host's own keys. */
  readonly keyring?: string;
  /** Shell lines with the new root as `$1`: after the essential packages are unpacked, and at the end. */
  readonly unpackedHooks: readonly string[];
  readonly finalHooks: readonly string[];
}

const MISSING = 'mmdebstrap is not installed: apt-get install -y mmdebstrap';

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Packages already downloaded are linked in before and out after, so that only new ones travel. */
function cacheHooks(cache: string): string[] {
  const archives = '"$1"/var/cache/apt/archives';
  const link = (from: string, to: string) =>
    `for deb in ${from}/*.deb; do [ ! -e "$deb" ] || cp -ln "$deb" ${to}/ 2>/dev/null || cp -n "$deb" ${to}/; done`;
  return [
    `--setup-hook=mkdir -p ${archives}; ${link(quote(cache), archives)}`,
    '--skip=download/empty',
    '--skip=essential/unlink',
    `--customize-hook=${link(archives, quote(cache))}`,
  ];
}

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/**
 * mmdebstrap mounts terminals for the group `tty`, which does not exist with one id only. Then the few devices that package
 * scripts use are mounted here.
 */
function deviceHooks(): string[] {
  if (currentIds().ids.kind !== 'single') return [];
  const names = DEVICES.join(' ');
  const bind = 'touch "$1/dev/$f" && mount --bind "/dev/$f" "$1/dev/$f"';
  const undo = 'umount "$1/dev/$f" && rm "$1/dev/$f"';
  return [
    '--skip=chroot/mount/dev',
    `--setup-hook=mkdir -p "$1/dev"; for f in ${names}; do ${bind} || exit 1; done`,
    `--customize-hook=for f in ${names}; do ${undo} || exit 1; done`,
  ];
}

function argvOf(bootstrap: Bootstrap, target: string, cache: string): string[] {
  const { suite, sources, components = [], variant, arch, include, aptOptions, keyring } = bootstrap;
  const secure = sources.some(line => line.includes('https:'));
  const packages = [...include, ...(secure ? ['ca-certificates'] : [])];
  return [
    'mmdebstrap',
    `--variant=${variant}`,
    '--format=directory',
    '--dpkgopt=force-unsafe-io',
    ...aptOptions.map(line => `--aptopt=${line}`),
    ...(keyring === undefined ? [] : [`--keyring=${keyring}`]),
    ...(arch === undefined ? [] : [`--architectures=${arch}`]),
    ...(sources.length > 0 || components.length === 0 ? [] : [`--components=${components.join(',')}`]),
    ...(packages.length === 0 ? [] : [`--include=${packages.join(',')}`]),
    ...cacheHooks(cache),
    ...deviceHooks(),
    ...bootstrap.unpackedHooks.map(line => `--extract-hook=${line}`),
    ...bootstrap.finalHooks.map(line => `--customize-hook=${line}`),
    suite,
    target,
    ...sources,
  ];
}

function isRecent(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs < BASE_CACHE_AGE_MS;
}

/** Copies a whole root, sharing blocks where the file system can. Hard links would be changed by later steps. */
export function copyRoot(context: BuildContext, source: string, target: string): Promise<string | undefined> {
  return runChild(['cp', '-a', '--reflink=auto', `${source}/.`, target], context);
}

async function debootstrap(
  context: BuildContext,
  bootstrap: Bootstrap,
  target: string,
): Promise<string | undefined> {
  if (findProgram('mmdebstrap') === undefined) return MISSING;
  const cache = context.cacheDirectory(bootstrap.packageCache);
  const failed = await runChild(argvOf(bootstrap, target, cache), context);
  return failed === undefined ? undefined : `${failed}; ${MIRROR_HINT}`;
}

async function makeBase(
  context: BuildContext,
  bootstrap: Bootstrap,
  base: string,
): Promise<string | undefined> {
  // One name for all: we hold the lock, so what is there is of a bootstrap that was killed.
  const temporary = `${base}.new`;
  await removeTree(temporary);
  const failed =
    (await debootstrap(context, bootstrap, temporary)) ?? (await runChild(['touch', temporary], context));
  if (failed !== undefined) {
    await removeTree(temporary);
    return failed;
  }
  await removeTree(base);
  flushFileSystem(temporary);
  renameSync(temporary, base);
  return undefined;
}

/** Without a step cache: a base of the same settings that is younger than a day is used again. */
async function copyOfBase(context: BuildContext, bootstrap: Bootstrap): Promise<string | undefined> {
  // A root made with other ids has other owners.
  const made = { ...bootstrap, ids: sessionMaps(currentIds().ids) };
  const key = createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 8);
  const name = `${bootstrap.suite}-${key}`;
  const base = join(context.cacheDirectory(bootstrap.baseCache), name);
  return await context.locked(name, async () => {
    const failed = isRecent(base) && !context.force ? undefined : await makeBase(context, bootstrap, base);
    return failed ?? (await copyRoot(context, base, context.root));
  });
}

/** Undefined when it went well, else why not. The step cache keeps the result, so nothing is copied where it is used. */
export async function bootstrapInto(
  context: BuildContext,
  bootstrap: Bootstrap,
): Promise<string | undefined> {
  const { tree, settings } = context;
  if (settings.stepCache && tree.takesWhole)
    return await tree.fill(directory => debootstrap(context, bootstrap, directory));
  return await copyOfBase(context, bootstrap);
}
