// Whether a container and all it starts from are built, without building anything.
import { buildOrder } from '../../core/plan/build.ts';
import { type Cache, cachedHash } from '../project/cache.ts';
import { hashContainer } from './identity.ts';
import type { Layout } from './layout.ts';
import { isBuilt } from './store.ts';

function hashed(layout: Layout, cache: Cache, name: string): string | undefined {
  const found = hashContainer(layout, cache.project, name);
  return found.kind === 'hashed' ? found.hash : undefined;
}

export function isReady(layout: Layout, cache: Cache, name: string): boolean {
  return buildOrder(cache.project, [name]).every(each => {
    const container = cache.project.containers[each];
    const hash = cachedHash(cache, each) ?? hashed(layout, cache, each);
    return container !== undefined && hash !== undefined && isBuilt(layout, each, hash, container);
  });
}
