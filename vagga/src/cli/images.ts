// Containers that commands need: built, or only looked up.
import { isUsable } from '../adapters/image/complete.ts';
import { hashContainer } from '../adapters/image/identity.ts';
import { builtState, currentVersion, LOST } from '../adapters/image/store.ts';
import { LayerStore } from '../adapters/layers/store.ts';
import type { BuildMode } from '../core/options/build-modes.ts';
import { type Session, say } from './session.ts';

export type Images = ReadonlyMap<string, string>;

/** `otherwise`: what is wrong with an image that was not lost. */
function problem({ layout, cache }: Session, name: string, hash: string | undefined, otherwise: string) {
  const container = cache.project.containers[name];
  const isThere = hash !== undefined && container !== undefined;
  const isLost = isThere && builtState(layout, name, hash, container) === 'lost';
  return `Container "${name}" ${isLost ? LOST : otherwise}`;
}

/** What is linked, or what the hash says must be there. */
function lookedUp(session: Session, names: readonly string[], mode: BuildMode): Images | number {
  const hashes = new Map<string, string>();
  const { layout, cache } = session;
  const store = new LayerStore(layout.layers);
  for (const name of names) {
    const container = cache.project.containers[name];
    if (mode === 'no-version-check') {
      const linked = currentVersion(layout, name);
      const usable = linked !== undefined && container !== undefined;
      if (!usable || !isUsable(layout, store, name, linked, container))
        return say(124, problem(session, name, linked, 'was never built'));
      hashes.set(name, linked);
      continue;
    }
    const found = hashContainer(layout, cache.project, name);
    if (found.kind === 'failed') return say(121, found.message);
    const hash = found.kind === 'hashed' ? found.hash : undefined;
    if (hash === undefined || container === undefined || !isUsable(layout, store, name, hash, container))
      return say(29, problem(session, name, hash, 'is out of date'));
    hashes.set(name, hash);
  }
  return hashes;
}

/** Hash of each container, built if need be; or the exit code. `whole`: with their plain directories. */
export async function imagesOf(
  session: Session,
  names: readonly string[],
  mode: BuildMode,
  whole = false,
): Promise<Images | number> {
  if (mode === 'never' || mode === 'no-version-check') return lookedUp(session, names, mode);
  return await session.build(names, { whole, imageDownload: mode !== 'no-image-download' });
}

/** Hash of one container whose plain directory is there, or the exit code. */
export async function wholeImage(session: Session, name: string, mode: BuildMode): Promise<string | number> {
  const images = await imagesOf(session, [name], mode, true);
  return typeof images === 'number' ? images : (images.get(name) ?? 121);
}
