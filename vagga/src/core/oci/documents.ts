// The JSON documents of an image (OCI image-spec 1.1, and Docker's schema 2): index, manifest, config. What others wrote
// is looked at field by field; an error is a sentence for the user.
import { ArchiveError } from '../archive/error.ts';
import { fits, type Platform, platformText } from './platform.ts';
import { DIGEST } from './reference.ts';

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

interface OfferedManifest extends Descriptor {
  readonly platform?: Platform;
  /** Annotation with the name it has in a layout. */
  readonly name?: string;
}

export interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** What vagga needs to know of an image's config. */
export interface ImageConfig {
  readonly platform: Platform;
  /** Of the unpacked layers, in order. */
  readonly diffIds: readonly string[];
  readonly env: readonly string[];
}

/** Layers of one image: Docker stops at 127. */
const LAYERS_MAX = 500;
const MANIFESTS_MAX = 1000;

/** What a registry is asked for. */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

type Fields = Readonly<Record<string, unknown>>;

const damaged = (what: string): ArchiveError => new ArchiveError(`damaged image: ${what}`);

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw damaged(`${what} is not an object`);
  return value as Fields;
}

function listOf(value: unknown, what: string, max: number): readonly unknown[] {
  if (!Array.isArray(value)) throw damaged(`${what} is not a list`);
  if (value.length > max) throw damaged(`${what} has more than ${max} entries`);
  return value;
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string') throw damaged(`${what} is not a text`);
  return value;
}

const optionalText = (value: unknown): string => (typeof value === 'string' ? value : '');

function digestOf(value: unknown, what: string): string {
  const text = textOf(value, what);
  if (!DIGEST.test(text)) throw damaged(`${what} is not a sha256 digest`);
  return text;
}

function descriptorOf(value: unknown, what: string): Descriptor {
  const { mediaType, digest, size, urls } = fieldsOf(value, what);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw damaged(`size of ${what}`);
  if (Array.isArray(urls) && urls.length > 0)
    throw damaged(`${what} is kept elsewhere, which is not supported`);
  return {
    mediaType: optionalText(mediaType),
    digest: digestOf(digest, `digest of ${what}`),
    sizeBytes: size,
  };
}

export function parseDocument(text: string, what: string): Fields {
  try {
    return fieldsOf(JSON.parse(text), what);
  } catch (error) {
    if (error instanceof ArchiveError) throw error;
    throw damaged(`${what} is not JSON`);
  }
}

function platformOf(value: unknown): Platform | undefined {
  if (value === undefined || value === null) return undefined;
  const { os, architecture, variant } = fieldsOf(value, 'platform');
  const known = typeof variant === 'string' && variant !== '';
  return { os: optionalText(os), architecture: optionalText(architecture), ...(known && { variant }) };
}

export const isIndex = (document: Fields): boolean => Array.isArray(document.manifests);

const REF_NAME = 'org.opencontainers.image.ref.name';

function offered(value: unknown): OfferedManifest {
  const { platform, annotations } = fieldsOf(value, 'manifest of the index');
  const found = platformOf(platform);
  const name = annotations === undefined ? '' : optionalText(fieldsOf(annotations, 'annotations')[REF_NAME]);
  return {
    ...descriptorOf(value, 'manifest of the index'),
    ...(found !== undefined && { platform: found }),
    ...(name !== '' && { name }),
  };
}

/** The manifest for `wanted`; `name` chooses among several images of a layout. */
export function chooseManifest(index: Fields, wanted: Platform, name?: string): Descriptor {
  const all = listOf(index.manifests, 'manifests of the index', MANIFESTS_MAX).map(offered);
  const named = name === undefined ? all : all.filter(manifest => manifest.name === name);
  if (named.length === 0 && name !== undefined) {
    const names = all.map(manifest => manifest.name).filter(text => text !== undefined);
    throw new ArchiveError(
      `there is no image "${name}" in it, only: ${names.join(', ') || 'one without a name'}`,
    );
  }
  // Layouts of one image often leave the platform to the image's config.
  const found = named.find(({ platform }) => platform !== undefined && fits(platform, wanted));
  const only = named.length === 1 && named[0]?.platform === undefined ? named[0] : undefined;
  if (found !== undefined) return found;
  if (only !== undefined) return only;
  const platforms = named.flatMap(({ platform }) => (platform === undefined ? [] : [platformText(platform)]));
  const offer = [...new Set(platforms)].filter(text => !text.startsWith('unknown'));
  throw new ArchiveError(
    `the image is not made for ${platformText(wanted)}, only for: ${offer.join(', ') || 'nothing'}`,
  );
}

export function parseManifest(document: Fields): Manifest {
  if (document.schemaVersion === 1) {
    throw new ArchiveError('the image is in the format of 2015 (schema 1), which is not supported');
  }
  const layers = listOf(document.layers, 'layers of the manifest', LAYERS_MAX).map((layer, index) =>
    descriptorOf(layer, `layer ${index + 1}`),
  );
  const strange = layers.find(({ mediaType }) => mediaType !== '' && !mediaType.includes('tar'));
  if (strange !== undefined) {
    throw new ArchiveError(`it is not an image of a container: a layer is ${strange.mediaType}`);
  }
  return { config: descriptorOf(document.config, 'config of the manifest'), layers };
}

export function parseConfig(document: Fields, layers: number): ImageConfig {
  const rootfs = fieldsOf(document.rootfs, 'rootfs of the config');
  const diffIds = listOf(rootfs.diff_ids, 'diff_ids of the config', LAYERS_MAX).map(id =>
    digestOf(id, 'diff_id'),
  );
  if (diffIds.length !== layers) throw damaged('config and manifest have different numbers of layers');
  const { Env: env } = document.config === undefined ? {} : fieldsOf(document.config ?? {}, 'config');
  return {
    platform: platformOf(document) ?? { os: '', architecture: '' },
    diffIds,
    env: Array.isArray(env) ? env.filter(item => typeof item === 'string') : [],
  };
}

export interface ArchivedImage {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
}

/** `manifest.json` of what `docker save` writes: paths inside the archive. */
export function parseArchiveManifest(text: string): readonly ArchivedImage[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged('manifest.json is not JSON');
  }
  return listOf(value, 'manifest.json', MANIFESTS_MAX).map(image => {
    const { Config: config, RepoTags: tags, Layers: layers } = fieldsOf(image, 'image of manifest.json');
    return {
      config: textOf(config, 'Config'),
      names: Array.isArray(tags) ? tags.filter(tag => typeof tag === 'string') : [],
      layers: listOf(layers, 'Layers', LAYERS_MAX).map(layer => textOf(layer, 'a layer')),
    };
  });
}
