// Executor of `!OciImage`.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { unexpectedRelease } from '../../core/oci/os-release.ts';
import { type Platform, platformOf, platformText } from '../../core/oci/platform.ts';
import type { OciAction } from '../../core/steps/oci-actions.ts';
import { type DownloadContext, fileOf, localPath } from '../download/cached.ts';
import { type Applied, applyImage } from '../oci-image/apply.ts';
import { BlobCache } from '../oci-image/blob-cache.ts';
import { fromArchive } from '../oci-image/from-archive.ts';
import { directoryReader, fromLayout } from '../oci-image/from-layout.ts';
import { fromRegistry } from '../oci-image/from-registry.ts';
import type { Image } from '../oci-image/image.ts';
import { Registry } from '../registry/client.ts';
import { credentialsFor } from '../registry/credentials.ts';
import type { BuildContext } from './context.ts';
import { downloadContext } from './downloads.ts';
import { putHostFiles } from './host-files.ts';
import { textInRoot } from './in-root.ts';

type Source = OciAction['source'];

/** Paths without a beginning are of the project, as those of `/work`. */
function addressOf(path: string): string {
  if (path.startsWith('/work/')) return `.${path.slice('/work'.length)}`;
  return /^[./]/.test(path) ? path : `./${path}`;
}

const DAY_MS = 24 * 3600 * 1000;

function blobCache(context: BuildContext): BlobCache {
  return new BlobCache(context.cacheDirectory('oci'), context.signal);
}

async function registryImage(
  context: BuildContext,
  source: Source & { kind: 'registry' },
  platform: Platform,
): Promise<Image> {
  const { reference, tlsVerify } = source;
  const { proxies, say } = downloadContext(context);
  const { signal, settings } = context;
  const credentials = credentialsFor(reference.registry, reference.repository, process.env);
  const registry = new Registry(reference, { proxies, signal, tlsVerify, credentials });
  const cache = blobCache(context);
  const image = await fromRegistry({ reference, registry, cache, platform, signal, say });
  // Never what this build, or one beside it, has just fetched.
  cache.sweep(Date.now() - Math.max(settings.stepCacheAge, 1) * DAY_MS);
  return image;
}

function layoutDirectory(download: DownloadContext, path: string): string {
  const directory = localPath(download, addressOf(path));
  if (directory === undefined)
    throw new Error(`layout is a directory of the project or an external volume, not ${path}`);
  return directory;
}

/** For an archive that is compressed as a whole. */
const scratchOf = (context: BuildContext): string => join(context.directory, 'archive.tar');

async function imageOf(context: BuildContext, source: Source, platform: Platform): Promise<Image> {
  if (source.kind === 'registry') return await registryImage(context, source, platform);
  const download = downloadContext(context);
  const chosen = { platform, ...(source.name !== undefined && { name: source.name }) };
  if (source.kind === 'archive') {
    const path = await fileOf(download, { urls: [addressOf(source.path)] });
    return await fromArchive({ path, scratch: scratchOf(context), signal: context.signal, ...chosen });
  }
  const read = directoryReader(layoutDirectory(download, source.path));
  return await fromLayout({ read, title: source.path, ...chosen });
}

/** vagga plans a build before it knows the image, and runs programs in its own environment. */
function sayWhatIsNotApplied(context: BuildContext, image: Image): void {
  const { env } = image.config;
  if (env.length > 0) {
    context.log.write(
      `The image sets these variables, add those you need to !Env and environ: ${env.join(' ')}\n`,
    );
  }
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;

function sayWhatIsMissing({ log }: BuildContext, { foreignOwners, leftOutDevices }: Applied): void {
  if (foreignOwners > 0)
    log.warn(
      `owners that this build does not have: ${count(foreignOwners, 'file')} of the image are root's now`,
    );
  if (leftOutDevices > 0)
    log.warn(`${count(leftOutDevices, 'device')} of the image left out; containers have their own in /dev`);
}

function releaseProblem(context: BuildContext, expects: OciAction['expects']): string | undefined {
  if (expects === undefined) return undefined;
  let text = '';
  try {
    text = textInRoot(context.root, '/etc/os-release');
  } catch {
    return undefined;
  }
  const found = unexpectedRelease(text, expects);
  return found === undefined
    ? undefined
    : `the image holds ${found}, not ${expects.id} ${expects.release}: write \`distribution: ${found}\``;
}

/** Layers of the cache may have been damaged since they were fetched. */
async function unpackLayers(context: BuildContext, { source }: OciAction, image: Image) {
  try {
    return await applyImage(image, context.root, context.signal);
  } catch (error) {
    const blobs = image.layers.map(({ blob }) => blob);
    const dropped = source.kind === 'registry' ? await blobCache(context).dropDamaged(blobs) : 0;
    if (dropped === 0) throw error;
    throw new Error('layers in the cache were damaged and are deleted: build again to fetch them anew');
  }
}

export async function ociImage(context: BuildContext, action: OciAction): Promise<string | undefined> {
  try {
    return await applied(context, action);
  } finally {
    rmSync(scratchOf(context), { force: true });
  }
}

async function applied(context: BuildContext, action: OciAction): Promise<string | undefined> {
  const platform = action.platform ?? platformOf(process.arch);
  const image = await imageOf(context, action.source, platform);
  const { os, architecture } = image.config.platform;
  if (architecture !== '' && architecture !== platform.architecture) {
    const made = platformText({ os, architecture });
    return `the image is made for ${made}, not for ${platformText(platform)}: set \`platform: ${made}\` if that is what you want`;
  }
  sayWhatIsMissing(context, await unpackLayers(context, action, image));
  putHostFiles(context.root);
  sayWhatIsNotApplied(context, image);
  return releaseProblem(context, action.expects);
}
