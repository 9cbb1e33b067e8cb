// The layers of an image, one over the other, into a root.
import { createHash } from 'node:crypto';
import { ArchiveError } from '../../core/archive/error.ts';
import { type ArchiveLimits, Budget } from '../../core/archive/limits.ts';
import { limitsFor } from '../archive/limits.ts';
import { unpacked } from '../archive/packed.ts';
import { readTar } from '../archive/read-tar.ts';
import { Unpacker } from '../archive/unpacker.ts';
import type { Image, Layer } from './image.ts';
import { LayerSink } from './layer-sink.ts';

export interface Applied {
  /** Files that keep the build's owner, because this user namespace has no ids for theirs. */
  readonly foreignOwners: number;
  /** Devices that no container of ours may have, or that this user may not make. */
  readonly leftOutDevices: number;
}

async function applyLayer(
  layer: Layer,
  unpacker: Unpacker,
  budget: Budget,
  signal: AbortSignal,
): Promise<void> {
  const digest = createHash('sha256');
  const seen = async function* (content: AsyncIterable<Buffer>) {
    for await (const chunk of content) {
      digest.update(chunk);
      yield chunk;
    }
  };
  await readTar(seen(unpacked(layer.blob)), budget, new LayerSink(unpacker), signal);
  const found = `sha256:${digest.digest('hex')}`;
  if (found !== layer.diffId) {
    throw new ArchiveError(`damaged image: a layer unpacks to ${found} instead of ${layer.diffId}`);
  }
}

/** Throws `ArchiveError` for what is wrong with the image. `root` may have directories already. */
export async function applyImage(
  image: Image,
  root: string,
  signal: AbortSignal,
  limits: ArchiveLimits = limitsFor(image.layers.reduce((sum, { blob }) => sum + blob.bytes, 0)),
): Promise<Applied> {
  const budget = new Budget(limits);
  const unpacker = new Unpacker(
    { root, base: [], place: parts => parts },
    { limits, owners: 'kept', replaces: 'anything', devices: 'made', hardLinks: 'in-order' },
  );
  try {
    for (const layer of image.layers) await applyLayer(layer, unpacker, budget, signal);
    unpacker.finish();
    const { foreignOwners, leftOutDevices } = unpacker;
    return { foreignOwners, leftOutDevices };
  } finally {
    unpacker.close();
  }
}
