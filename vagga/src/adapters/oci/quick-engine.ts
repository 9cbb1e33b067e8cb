import { isInside } from '../namespace/current.ts';
import { adoptIds } from '../namespace/quick-ids.ts';
import type { Cache, CachedRuntime } from '../project/cache.ts';
import { usableRuntime } from './engine.ts';

/** The engine of the start-up cache, if it still is the right one. A user's is started through the words that enter the user namespace. */
export function quickEngine(cache: Cache): CachedRuntime | undefined {
  const words = process.getuid?.() === 0 ? (isInside() ? [] : undefined) : adoptIds(cache.ids);
  const engine = words && usableRuntime(cache.runtime);
  return engine && { ...engine, prefix: [...words, ...engine.prefix] };
}
