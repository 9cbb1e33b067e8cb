// The documents of an image that we make (OCI image-spec 1.1). Keys stand in a fixed order, so that the same image has the
// same digest always.
import { isoTime } from '../iso-time.ts';
import type { Platform } from './platform.ts';

/** Of a blob, as documents name it. */
export interface BlobDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface ComposedLayer {
  readonly descriptor: BlobDescriptor;
  /** Of the unpacked tar. */
  readonly diffId: string;
  readonly title: string;
}

export interface ImageFacts {
  readonly name: string;
  /** Short hash of the container. */
  readonly version: string;
  readonly platform: Platform;
  readonly env: Readonly<Record<string, string>>;
  readonly shell: string;
  readonly workDir: string;
  /** Seconds. */
  readonly createdS: number;
}

export const MEDIA_TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  empty: 'application/vnd.oci.empty.v1+json',
  spdx: 'application/spdx+json',
} as const;

export const LAYER_TYPES = {
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  none: 'application/vnd.oci.image.layer.v1.tar',
} as const;

export type LayerCompression = keyof typeof LAYER_TYPES;

function annotations({ name, version, createdS }: ImageFacts) {
  return {
    'org.opencontainers.image.created': isoTime(createdS),
    'org.opencontainers.image.title': name,
    'org.opencontainers.image.version': version,
  };
}

export function configText(facts: ImageFacts, layers: readonly ComposedLayer[]): string {
  const created = isoTime(facts.createdS);
  const { architecture, os, variant } = facts.platform;
  const env = Object.keys(facts.env).sort();
  return JSON.stringify({
    created,
    architecture,
    ...(variant !== undefined && { variant }),
    os,
    config: {
      Env: env.map(key => `${key}=${facts.env[key]}`),
      Cmd: [facts.shell],
      WorkingDir: facts.workDir,
      Labels: annotations(facts),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ title }) => ({ created, created_by: title })),
  });
}

export function manifestText(
  facts: ImageFacts,
  config: BlobDescriptor,
  layers: readonly ComposedLayer[],
): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config,
    layers: layers.map(({ descriptor }) => descriptor),
    annotations: annotations(facts),
  });
}

/** A document about an image, as an image of its own kind. */
export interface Referrer {
  readonly manifest: BlobDescriptor;
  readonly artifactType: string;
}

/** What a referrer has in place of a config. */
export const EMPTY_CONFIG = '{}';

/** A document about `subject`. */
export function referrerText(
  facts: ImageFacts,
  subject: BlobDescriptor,
  empty: BlobDescriptor,
  document: BlobDescriptor,
): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    artifactType: document.mediaType,
    config: empty,
    layers: [document],
    subject,
    annotations: { 'org.opencontainers.image.created': isoTime(facts.createdS) },
  });
}

const indexOf = (manifests: readonly object[]): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests });

/** `index.json` of a layout with one image, known by `tag`. */
export function layoutIndexText(
  image: BlobDescriptor & { readonly platform?: Platform },
  tag: string,
): string {
  return indexOf([{ ...image, annotations: { 'org.opencontainers.image.ref.name': tag } }]);
}

/**
 * An image and a document about it as one thing with a name: a layout that names two is refused by podman and by skopeo. The document
 * is for a platform that nobody has, so that whoever chooses by platform gets the image.
 */
export function withReferrerText(
  { platform }: ImageFacts,
  image: BlobDescriptor,
  referrer: Referrer,
): string {
  const nobodys = { architecture: 'unknown', os: 'unknown' };
  return indexOf([
    { ...image, platform },
    { ...referrer.manifest, artifactType: referrer.artifactType, platform: nobodys },
  ]);
}

/** `manifest.json` of an archive as `docker save` writes it; paths are those inside. */
export function dockerManifestText(
  tag: string,
  paths: { readonly config: string; readonly layers: readonly string[] },
): string {
  return JSON.stringify([{ Config: paths.config, RepoTags: [tag], Layers: paths.layers }]);
}

/** Where registries without the referrers interface keep the list of documents about an image: the tag `sha256-…`. */
export function referrersTag(subject: BlobDescriptor): string {
  return subject.digest.replace(':', '-');
}

/** That list with one more; `known`: what is in it already. */
export function referrersText(known: readonly object[], artifactType: string, added: BlobDescriptor): string {
  const others = known.filter(one => (one as Partial<BlobDescriptor>).digest !== added.digest);
  const manifests = [...others, { ...added, artifactType }];
  return indexOf(manifests);
}
