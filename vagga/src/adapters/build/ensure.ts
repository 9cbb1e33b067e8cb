// Makes sure that containers are built: several at once, each after those it starts from.
import { availableParallelism } from 'node:os';
import { containerDependencies, containerNotFound } from '../../config/references.ts';
import { buildOrder } from '../../core/plan/build.ts';
import type { Layout } from '../image/layout.ts';
import { LayerStore } from '../layers/store.ts';
import { type Cache, writeCache } from '../project/cache.ts';
import { type EnsureOptions, Ensurer, type One } from './ensure-one.ts';
import { limited } from './limited.ts';

export type Ensured =
  | {
      readonly kind: 'ready';
      readonly cache: Cache;
      readonly hashes: ReadonlyMap<string, string>;
      /** Images that were built now, as directories, and that have no plain directory yet. */
      readonly pending: readonly string[];
      readonly store: LayerStore;
    }
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'interrupted' };

/** More at once would mostly wait for the same disk and the same mirror. */
const JOBS_DEFAULT = 2;

function jobsOf(cache: Cache, options: EnsureOptions): number {
  return options.jobs ?? cache.settings.jobs ?? Math.min(JOBS_DEFAULT, availableParallelism());
}

/** The first failure ends the others: their steps so far stay in the cache. */
async function all(ensurer: Ensurer, order: readonly string[], jobs: number, stop: () => void) {
  const started = new Map<string, Promise<One>>();
  const inTurn = limited(jobs);
  for (const name of order) {
    const container = ensurer.cache.project.containers[name];
    const before = (container === undefined ? [] : containerDependencies(container)).map(needed =>
      started.get(needed),
    );
    const one = Promise.all(before).then(async (needed): Promise<One> => {
      if (needed.some(other => other?.kind !== 'ready')) return { kind: 'interrupted' };
      const ended = await inTurn(() => ensurer.one(name));
      if (ended.kind !== 'ready') stop();
      return ended;
    });
    started.set(name, one);
  }
  return await Promise.all(order.map(async name => ({ name, one: (await started.get(name)) as One })));
}

/** Builds what is missing of `names` and of what they start from; the returned cache knows the new identities. */
export async function ensureBuilt(
  layout: Layout,
  cache: Cache,
  names: readonly string[],
  options: EnsureOptions,
): Promise<Ensured> {
  const missing = names.find(name => cache.project.containers[name] === undefined);
  if (missing !== undefined)
    return { kind: 'failed', text: containerNotFound(missing, Object.keys(cache.project.containers)) };
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  const store = new LayerStore(layout.layers);
  const ensurer = new Ensurer(layout, cache, store, { ...options, signal });
  const order = buildOrder(cache.project, names);
  const ended = await all(ensurer, order, jobsOf(cache, options), () => stopping.abort());
  const failed = ended.map(({ one }) => one).find(one => one.kind === 'failed');
  if (failed !== undefined) return failed;
  if (ended.some(({ one }) => one.kind === 'interrupted')) return { kind: 'interrupted' };
  const hashes = new Map(
    ended.flatMap(({ name, one }) => (one.kind === 'ready' ? [[name, one.image.hash] as const] : [])),
  );
  if (ensurer.cache.images !== cache.images) writeCache(layout.root, ensurer.cache);
  return { kind: 'ready', cache: ensurer.cache, hashes, pending: ensurer.pending, store };
}
