// Makes sure that containers are built: identity, reuse, lock, build, install; dependencies first.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Progress } from '@suite/shared/cli/progress.ts';
import { DEFAULT_IDS } from '../../config/defaults.ts';
import type { Container } from '../../config/model.ts';
import { containerNotFound } from '../../config/references.ts';
import { containerIds } from '../../core/ids/session.ts';
import { buildOrder, planBuild } from '../../core/plan/build.ts';
import type { StepProblem } from '../../core/steps/index.ts';
import { hashContainer } from '../image/identity.ts';
import type { Layout } from '../image/layout.ts';
import { builtState, currentVersion, isBuilt, isCurrent } from '../image/store.ts';
import { currentIds } from '../namespace/current.ts';
import { sweepAbandoned } from '../oci/running.ts';
import {
  type Cache,
  type CachedImage,
  type CachedRuntime,
  cachedHash,
  writeCache,
} from '../project/cache.ts';
import { proxyVariables } from '../run/proxies.ts';
import { buildImage, install, pointTo, removeTree } from './builder.ts';
import { failureText } from './failure.ts';
import { takeLock } from './lock.ts';

export interface EnsureOptions {
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Asked for only when something must be built. */
  readonly engine: () => Promise<CachedRuntime | { readonly error: string }>;
}

export type Ensured =
  | { readonly kind: 'ready'; readonly cache: Cache; readonly hashes: ReadonlyMap<string, string> }
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'interrupted' };

type One =
  | { readonly kind: 'ready'; readonly image: CachedImage }
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'interrupted' };

/** A build with `build-lock-wait` gives up after a day: somebody must have forgotten a machine. */
const BUILD_LOCK_WAIT_S = 24 * 3600;

/** With `auto-clean` the version that was current before goes when another becomes it. */
async function linkTo(layout: Layout, name: string, hash: string, autoClean: boolean): Promise<void> {
  if (isCurrent(layout, name, hash)) return;
  const before = currentVersion(layout, name);
  pointTo(layout.link(name), layout.linkTarget(name, hash));
  if (autoClean && before !== undefined) await removeTree(layout.image(name, before));
}

/** Keys of the container this version cannot honour: building without them would make another image. */
function containerProblem(container: Container | undefined): string | undefined {
  if (container === undefined || container.dataDirs.length === 0) return undefined;
  return `${container.file}:${container.line}:${container.column}: error: data-dirs is not available yet`;
}

function idsProblem(container: Container | undefined): string | undefined {
  const ids = container && containerIds(currentIds().ids, container);
  return ids?.ok === false ? ids.message : undefined;
}

class Ensurer {
  readonly #layout: Layout;
  readonly #options: EnsureOptions;
  readonly #parents = new Map<string, string>();
  cache: Cache;

  constructor(layout: Layout, cache: Cache, options: EnsureOptions) {
    this.#layout = layout;
    this.#options = options;
    this.cache = cache;
  }

  async one(name: string): Promise<One> {
    const layout = this.#layout;
    const found = this.#identity(name);
    if (found.kind === 'failed')
      return { kind: 'failed', text: `Error versioning container "${name}": ${found.message}` };
    const image = found.kind === 'hashed' ? found : undefined;
    const reuse = image !== undefined && !this.#options.force && this.#isBuilt(name, image.hash);
    const ready: One = reuse ? { kind: 'ready', image } : await this.#locked(name);
    if (ready.kind !== 'ready') return ready;
    await linkTo(layout, name, ready.image.hash, this.cache.project.containers[name]?.autoClean === true);
    this.#parents.set(name, join(layout.image(name, ready.image.hash), 'root'));
    this.cache = { ...this.cache, images: { ...this.cache.images, [name]: ready.image } };
    return ready;
  }

  #isBuilt(name: string, hash: string): boolean {
    const container = this.cache.project.containers[name];
    return container !== undefined && isBuilt(this.#layout, name, hash, container);
  }

  /** The image is there and of no use: its files would have the wrong owners. */
  #warnOfOtherIds(name: string, hash: string): void {
    const container = this.cache.project.containers[name];
    if (container === undefined || builtState(this.#layout, name, hash, container) !== 'other-ids') return;
    this.#options.progress.note(
      `Warning: container ${name} was built with other ids than you have now (uid_map and gid_map beside its root; see ` +
        '/etc/subuid and /etc/subgid), so its files would belong to strangers. It is built again.',
    );
  }

  #identity(name: string) {
    const hash = cachedHash(this.cache, name);
    if (hash !== undefined)
      return { kind: 'hashed' as const, hash, stamps: this.cache.images[name]?.stamps ?? [] };
    return hashContainer(this.#layout.root, this.cache.project, name);
  }

  async #locked(name: string): Promise<One> {
    const layout = this.#layout;
    mkdirSync(layout.roots, { recursive: true });
    const file = layout.lock(name);
    const { signal } = this.#options;
    let lock = await takeLock(file, 0, signal);
    if (lock === 'busy' && this.cache.settings.buildLockWait) {
      this.#options.progress.note(`Other process is doing a build (.tmp.${name}). Waiting...`);
      lock = await takeLock(file, BUILD_LOCK_WAIT_S, signal);
    }
    if (lock === 'busy' && signal.aborted) return { kind: 'interrupted' };
    if (lock === 'busy') {
      const text = `Can't lock container build (${file}). Probably other process is doing build. Aborting...`;
      return { kind: 'failed', text };
    }
    if (lock instanceof Error) return { kind: 'failed', text: lock.message };
    try {
      return await this.#build(name);
    } finally {
      await lock.release();
    }
  }

  async #build(name: string): Promise<One> {
    const before = this.#identity(name);
    // Somebody may have built it while we waited.
    if (before.kind === 'hashed' && !this.#options.force && this.#isBuilt(name, before.hash)) {
      return { kind: 'ready', image: { hash: before.hash, stamps: before.stamps } };
    }
    if (before.kind === 'hashed') this.#warnOfOtherIds(name, before.hash);
    const container = this.cache.project.containers[name];
    const problem = idsProblem(container) ?? containerProblem(container);
    if (problem !== undefined) return { kind: 'failed', text: problem };
    if (container?.imageCacheUrl !== undefined) {
      this.#options.progress.note(
        `Container ${name}: image-cache-url is not available yet, building locally.`,
      );
    }
    const plan = planBuild(this.cache.project, name, proxyVariables(this.cache));
    if (!plan.ok) return { kind: 'failed', text: problemsText(plan.problems) };
    for (const warning of currentIds().warnings) this.#options.progress.note(`Warning: ${warning}`);
    const engine = await this.#engine();
    if ('error' in engine) return { kind: 'failed', text: engine.error };
    // A step that a killed build left behind would go on in the directory we are about to use.
    sweepAbandoned(this.#layout.running, engine);
    const request = {
      ...this.#options,
      layout: this.#layout,
      name,
      settings: this.cache.settings,
      parents: this.#parents,
      engine,
      project: this.cache.project,
      ids: container ?? { uids: DEFAULT_IDS, gids: DEFAULT_IDS },
      plan,
    };
    const built = await buildImage(request);
    if (built.kind === 'interrupted') return built;
    if (built.kind === 'failed') return { kind: 'failed', text: failureText(name, built) };
    return await this.#install(name, before, built.seconds);
  }

  /** Sources may have changed while the build read them: then the image gets the name of what is there now, and a warning. */
  async #install(name: string, before: ReturnType<typeof hashContainer>, seconds: number): Promise<One> {
    const after = hashContainer(this.#layout.root, this.cache.project, name);
    if (after.kind !== 'hashed') {
      return { kind: 'failed', text: `Internal Error: Can't version even after build: ${after.message}` };
    }
    if (before.kind === 'hashed' && before.hash !== after.hash) {
      this.#options.progress.note(
        `Files of container ${name} changed while it was built; it may hold a mixture.`,
      );
    }
    await install({ layout: this.#layout, name }, after.hash);
    this.#options.progress.note(
      `Container ${name} (${after.hash.slice(0, 8)}) built in ${Math.round(seconds)} seconds.`,
    );
    return { kind: 'ready', image: { hash: after.hash, stamps: after.stamps } };
  }

  async #engine() {
    const engine = await this.#options.engine();
    if (!('error' in engine)) this.cache = { ...this.cache, runtime: engine };
    return engine;
  }
}

function problemsText(problems: readonly StepProblem[]): string {
  return problems
    .map(({ step, message }) => `${step.file}:${step.line}:${step.column}: error: ${message}`)
    .join('\n');
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
  const ensurer = new Ensurer(layout, cache, options);
  const hashes = new Map<string, string>();
  for (const name of buildOrder(cache.project, names)) {
    const one = await ensurer.one(name);
    if (one.kind !== 'ready') return one;
    hashes.set(name, one.image.hash);
  }
  if (ensurer.cache.images !== cache.images) writeCache(layout.root, ensurer.cache);
  return { kind: 'ready', cache: ensurer.cache, hashes };
}
