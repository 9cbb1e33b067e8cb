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
import { archiveLayout } from '../oci-image/layout-archive.ts';
import { layersBelow } from './complete.ts';
import type { Layout } from './layout.ts';
import { sbomOf } from './sbom.ts';

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
export async function exportLayout(directory: string, request: ExportRequest): Promise<Composed> {
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
    rmSync(target, { recursive: true });
  }
  renameSync(made, target);
}

/** `target`: a file that ends in `.tar`, or a directory. Appears whole or not at all. */
export async function exportImage(
  request: ExportRequest,
  target: string,
  sbomFile?: string,
): Promise<string> {
  const made = `${target}.layout`;
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made);
  try {
    const { manifest, facts } = await exportLayout(made, request);
    const { layout, name, hash } = request;
    if (sbomFile !== undefined)
      writeFileSync(sbomFile, sbomOf(layout.image(name, hash), facts, manifest.digest));
    if (!target.endsWith('.tar')) replaceLayout(made, target);
    else await archiveLayout(made, target);
    return manifest.digest;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
