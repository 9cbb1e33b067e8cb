// An image of a registry: manifests by tag are asked for each time, everything with a digest only once.
import { IMAGE_DOWNLOADS } from '../../config/defaults.ts';
import {
  chooseManifest,
  type Descriptor,
  isIndex,
  parseConfig,
  parseDocument,
  parseManifest,
} from '../../core/oci/documents.ts';
import type { Platform } from '../../core/oci/platform.ts';
import { type ImageReference, referenceText } from '../../core/oci/reference.ts';
import type { Slice } from '../archive/packed.ts';
import { fetchFile } from '../download/fetch.ts';
import type { Registry } from '../registry/client.ts';
import type { BlobCache } from './blob-cache.ts';
import type { Image } from './image.ts';

export interface RegistryChoice {
  readonly reference: ImageReference;
  readonly registry: Registry;
  readonly cache: BlobCache;
  readonly platform: Platform;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

interface Document {
  readonly text: string;
  readonly digest: string;
}

async function documentOf({ registry, cache }: RegistryChoice, tagOrDigest: string): Promise<Document> {
  const known = tagOrDigest.includes(':') ? cache.text(tagOrDigest) : undefined;
  if (known !== undefined) return { text: known, digest: tagOrDigest };
  const found = await registry.manifest(tagOrDigest);
  cache.keepText(found.digest, found.text);
  return found;
}

async function manifestOf(choice: RegistryChoice) {
  const { digest, tag = 'latest' } = choice.reference;
  const first = await documentOf(choice, digest ?? tag);
  let fields = parseDocument(first.text, 'the manifest');
  if (isIndex(fields)) {
    const chosen = chooseManifest(fields, choice.platform);
    const second = await documentOf(choice, chosen.digest);
    fields = parseDocument(second.text, 'the manifest');
  }
  return { manifest: parseManifest(fields), digest: first.digest };
}

const REFUSED_TOKEN = 'the server answered 401';

async function fetchBlob(choice: RegistryChoice, descriptor: Descriptor, part: string): Promise<void> {
  const { registry, signal } = choice;
  const { proxies, tlsVerify } = registry;
  const onProgress = () => {};
  const fetch = async () => {
    const { url, headers } = await registry.blobRequest(descriptor.digest);
    const bytesMax = descriptor.sizeBytes;
    await fetchFile({ url, headers, part, proxies, signal, tlsVerify, onProgress, bytesMax });
  };
  try {
    await fetch();
  } catch (error) {
    if ((error as Error).message !== REFUSED_TOKEN) throw error;
    // Tokens live for minutes, big layers take longer: a manifest brings a new one.
    await registry.manifest(choice.reference.digest ?? choice.reference.tag ?? 'latest');
    await fetch();
  }
}

function blobOf(choice: RegistryChoice, descriptor: Descriptor, what: string): Promise<Slice> {
  return choice.cache.blob(descriptor, part => {
    choice.say(`Downloading ${what}, ${(descriptor.sizeBytes / 1024 ** 2).toFixed(1)} MiB`);
    return fetchBlob(choice, descriptor, part);
  });
}

async function layersOf(choice: RegistryChoice, descriptors: readonly Descriptor[]): Promise<Slice[]> {
  const blobs: Slice[] = [];
  for (let at = 0; at < descriptors.length; at += IMAGE_DOWNLOADS) {
    const some = descriptors.slice(at, at + IMAGE_DOWNLOADS);
    const fetched = some.map((descriptor, index) =>
      blobOf(choice, descriptor, `layer ${at + index + 1} of ${descriptors.length}`),
    );
    const settled = await Promise.allSettled(fetched);
    const failed = settled.find(result => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    blobs.push(...settled.flatMap(result => (result.status === 'fulfilled' ? [result.value] : [])));
  }
  return blobs;
}

async function configText(choice: RegistryChoice, descriptor: Descriptor): Promise<string> {
  const known = choice.cache.text(descriptor.digest);
  if (known !== undefined) return known;
  const blob = await blobOf(choice, descriptor, 'the config');
  // The right size and other bytes: a damaged copy.
  if ((await choice.cache.dropDamaged([blob])) > 0) await blobOf(choice, descriptor, 'the config');
  return choice.cache.text(descriptor.digest) ?? '';
}

/** Throws `ArchiveError`, or an error with a sentence. */
export async function fromRegistry(choice: RegistryChoice): Promise<Image> {
  const { manifest, digest } = await manifestOf(choice);
  const title = referenceText({ ...choice.reference, digest });
  choice.say(`Image ${title}`);
  const text = await configText(choice, manifest.config);
  const config = parseConfig(parseDocument(text, 'the config'), manifest.layers.length);
  const blobs = await layersOf(choice, manifest.layers);
  return { title, config, layers: blobs.map((blob, at) => ({ blob, diffId: config.diffIds[at] as string })) };
}
