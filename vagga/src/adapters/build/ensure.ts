// Makes sure that containers are built: several at once, each after those it starts from.
import { availableParallelism } from 'node:os';
import type { Container } from '../../config/model.ts';
import { containerNotFound } from '../../config/references.ts';
import { buildOrder } from '../../core/plan/build.ts';
import { DiskWorld } from '../image/hash-world.ts';
import type { Layout } from '../image/layout.ts';
import { LayerStore } from '../layers/store.ts';
import { type Cache, writeCache } from '../project/cache.ts';
import { dependenciesIn } from './dependencies.ts';
import { type EnsureOptions, Ensurer, type One } from './ensure-one.ts';
import { fetchConfigs } from './fetch-configs.ts';
import { limited } from './limited.ts';

export type Ensured =
  | {
      readonly kind: 'ready';
      readonly cache: Cache;
      readonly hashes: ReadonlyMap<string, string>;
      /** Images that were built now, as directories; those that are shown have no plain directory yet. */
      readonly built: readonly string[];
      readonly store: LayerStore;
    }
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'interrupted' };

/** As of any Linux system's own files. */
const BUILD_UMASK = 0o022;

/** More at once would mostly wait for the same disk and the same mirror. */
const JOBS_DEFAULT = 2;

function jobsOf(cache: Cache, options: EnsureOptions): number {
  return options.jobs ?? cache.settings.jobs ?? Math.min(JOBS_DEFAULT, availableParallelism());
}

type Dependencies = (container: Container) => readonly string[];

/** The first failure ends the others: their steps so far stay in the cache. */
async function all(
  ensurer: Ensurer,
  order: readonly string[],
  before: Dependencies,
  jobs: number,
  stop: () => void,
) {
  const started = new Map<string, Promise<One>>();
  const inTurn = limited(jobs);
  for (const name of order) {
    const container = ensurer.cache.project.containers[name];
    // What is not started yet leads back to us; the versioning of one of the two says so.
    const needed = (container === undefined ? [] : before(container)).flatMap(
      other => started.get(other) ?? [],
    );
    const one = Promise.all(needed).then(async (others): Promise<One> => {
      if (others.some(other => other.kind !== 'ready')) return { kind: 'interrupted' };
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
  // Images are for everybody who may run them; a caller's habit of hiding files would make /usr unreadable.
  process.umask(BUILD_UMASK);
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  const unfetched = await fetchConfigs(layout, cache, names, { ...options, signal });
  if (signal.aborted) return { kind: 'interrupted' };
  if (unfetched !== undefined) return { kind: 'failed', text: unfetched };
  const store = new LayerStore(layout.layers);
  const ensurer = new Ensurer(layout, cache, store, { ...options, signal });
  const before = dependenciesIn(cache.project, new DiskWorld(layout, cache.project));
  const order = buildOrder(cache.project, names, before);
  const ended = await all(ensurer, order, before, jobsOf(cache, options), () => stopping.abort());
  const failed = ended.map(({ one }) => one).find(one => one.kind === 'failed');
  if (failed !== undefined) return failed;
  if (ended.some(({ one }) => one.kind === 'interrupted')) return { kind: 'interrupted' };
  const hashes = new Map(
    ended.flatMap(({ name, one }) => (one.kind === 'ready' ? [[name, one.image.hash] as const] : [])),
  );
  if (ensurer.cache.images !== cache.images) writeCache(layout.root, ensurer.cache);
  return { kind: 'ready', cache: ensurer.cache, hashes, built: ensurer.built, store };
}
