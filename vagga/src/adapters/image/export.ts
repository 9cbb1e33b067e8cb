// What a container becomes when it leaves as an OCI image.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SEARCH_PATH } from '../../config/defaults.ts';
import type { Container } from '../../config/model.ts';
import type { ImageFacts, LayerCompression } from '../../core/oci/compose.ts';
import { platformOf } from '../../core/oci/platform.ts';
import { marksOf } from '../layers/marks.ts';
import { LayerStore } from '../layers/store.ts';
import { type Composed, composeLayout, type LayerSource } from '../oci-image/compose-layout.ts';
import { archiveForDocker, archiveLayout } from '../oci-image/layout-archive.ts';
import { temporaryFor } from '../storage/temporary.ts';
import { layersBelow } from './complete.ts';
import type { Layout } from './layout.ts';
import { sbomOf } from './sbom.ts';
import { attachSbom } from './sbom-referrer.ts';

export interface ExportRequest {
  readonly layout: Layout;
  readonly name: string;
  readonly hash: string;
  readonly container: Container;
  readonly perStep: boolean;
  readonly compression: LayerCompression;
  readonly tag: string;
  readonly epochS?: number;
}

/** What comes out where. */
export type ExportForm = 'oci-layout' | 'oci-archive' | 'docker-archive';

export interface ExportTarget {
  readonly form: ExportForm;
  readonly path: string;
  /** A file for the list of packages. */
  readonly sbom?: string;
  /** The list goes into the layout, too. */
  readonly attachSbom: boolean;
}

function factsOf({ name, hash, container }: ExportRequest): Omit<ImageFacts, 'createdS'> {
  const [shell = '/bin/sh'] = container.defaultShell;
  const env = { PATH: SEARCH_PATH, ...container.environ };
  const platform = platformOf(process.arch);
  return { name, version: hash.slice(0, 8), platform, env, shell, workDir: '/work' };
}

/** Of the steps while the cache has them all, else the whole root. */
function layersOf({ layout, name, hash, perStep }: ExportRequest, store: LayerStore): LayerSource[] {
  const image = layout.image(name, hash);
  const whole = [{ directory: join(image, 'root'), title: `vagga ${name}` }];
  if (!perStep) return whole;
  return layersBelow(image, store).map(layer =>
    layer.startsWith('/')
      ? { directory: layer, title: `vagga ${name}` }
      : { directory: store.directory(layer), title: store.read(layer)?.title ?? '' },
  );
}

/** `directory` exists and is empty. The layers stay until it is done. */
export async function exportLayout(
  directory: string,
  request: ExportRequest,
  signal: AbortSignal,
): Promise<Composed> {
  const store = new LayerStore(request.layout.layers);
  store.hold();
  try {
    const { compression, tag, epochS } = request;
    return await composeLayout(directory, {
      facts: factsOf(request),
      layers: layersOf(request, store),
      marks: marksOf(store.base),
      compression,
      tag,
      signal,
      ...(epochS !== undefined && { epochS }),
    });
  } finally {
    store.release();
  }
}

/** Replaces an older image layout; anything else at `target` stays, and it is an error. */
function replaceLayout(made: string, target: string): void {
  if (existsSync(target)) {
    if (!existsSync(join(target, 'oci-layout'))) throw new Error(`${target} exists and is no image layout`);
    const old = temporaryFor(target);
    renameSync(target, old);
    renameSync(made, target);
    rmSync(old, { recursive: true });
  } else renameSync(made, target);
}

async function put(
  composed: Composed,
  { tag }: ExportRequest,
  made: string,
  target: ExportTarget,
  signal: AbortSignal,
): Promise<void> {
  switch (target.form) {
    case 'oci-layout':
      return replaceLayout(made, target.path);
    case 'oci-archive':
      return await archiveLayout(made, target.path, signal);
    case 'docker-archive':
      return await archiveForDocker(composed, tag, target.path, signal);
  }
}

/** The target appears whole or not at all. Digest of what its name means; for Docker's form, which has none, the image's id. */
export async function exportImage(
  request: ExportRequest,
  target: ExportTarget,
  signal: AbortSignal,
): Promise<string> {
  const made = temporaryFor(`${target.path}.layout`);
  mkdirSync(made);
  try {
    const composed = await exportLayout(made, request, signal);
    const { digest } = target.form === 'docker-archive' ? composed.config : composed.manifest;
    const { layout, name, hash } = request;
    const attached = target.attachSbom ? attachSbom(made, composed, request) : undefined;
    await put(composed, request, made, target, signal);
    if (target.sbom !== undefined)
      writeFileSync(target.sbom, sbomOf(layout.image(name, hash), composed.facts, digest));
    return attached?.digest ?? digest;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
