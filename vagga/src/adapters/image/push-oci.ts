// A container into a registry: made as a layout beside the image, and sent from there.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MEDIA_TYPES } from '../../core/oci/compose.ts';
import type { Composed } from '../oci-image/compose-layout.ts';
import type { RegistryPush } from '../registry/push.ts';
import { temporaryFor } from '../storage/temporary.ts';
import { type ExportRequest, exportLayout } from './export.ts';
import { sbomReferrer } from './sbom-referrer.ts';

export interface PushRequest {
  readonly exported: ExportRequest;
  readonly registry: RegistryPush;
  readonly tag: string;
  /** The list of packages goes there, too. */
  readonly sbom: boolean;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

async function pushBlobs({ manifest, blobs }: Composed, { registry, say }: PushRequest): Promise<string> {
  const text = readFileSync(blobs.path(manifest.digest), 'utf8');
  const { layers, config } = JSON.parse(text) as { layers: (typeof manifest)[]; config: typeof manifest };
  for (const [index, blob] of layers.entries()) {
    const sent = await registry.blob(blob, blobs.path(blob.digest));
    const size = `${(blob.size / 1024 ** 2).toFixed(1)} MiB`;
    say(`layer ${index + 1} of ${layers.length}: ${sent ? `${size} sent` : 'is there already'}`);
  }
  await registry.blob(config, blobs.path(config.digest));
  return text;
}

async function pushSbom(composed: Composed, { registry, exported, say }: PushRequest): Promise<void> {
  const { manifest, artifactType, text, blobs } = sbomReferrer(composed, exported);
  for (const blob of blobs) await registry.blob(blob, composed.blobs.path(blob.digest));
  await registry.referrer(composed.manifest, artifactType, text, manifest);
  say('list of packages: sent');
}

/** Digest of the image. Throws a sentence. */
export async function pushOci(request: PushRequest): Promise<string> {
  const { exported, registry, tag, sbom, signal } = request;
  const directory = temporaryFor(join(exported.layout.image(exported.name, exported.hash), 'oci'));
  mkdirSync(directory);
  try {
    const composed = await exportLayout(directory, exported, signal);
    const text = await pushBlobs(composed, request);
    await registry.manifest(tag, text, MEDIA_TYPES.manifest);
    if (sbom) await pushSbom(composed, request);
    return composed.manifest.digest;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
