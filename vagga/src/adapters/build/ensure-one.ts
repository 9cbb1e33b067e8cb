// One container: identity, reuse, lock, build, install.
import { mkdirSync } from 'node:fs';
import type { Progress } from '@suite/shared/cli/progress.ts';
import { containerIds } from '../../core/ids/session.ts';
import { firstChange } from '../../core/image/why-text.ts';
import { dataDirWarnings, planBuild } from '../../core/plan/build.ts';
import { setupWarnings } from '../../core/plan/warnings.ts';
import { completeImage, imageId, isUsable, layersBelow, pendingLayers } from '../image/complete.ts';
import { DiskWorld } from '../image/hash-world.ts';
import { hashContainer } from '../image/identity.ts';
import type { Layout } from '../image/layout.ts';
import { changesSinceBuilt, newRecorder, writeRecord } from '../image/record.ts';
import { type BuiltState, builtState, LOST } from '../image/store.ts';
import { install, makeCurrent } from '../image/versions.ts';
import { separateMounts, showImage } from '../layers/show.ts';
import type { LayerStore } from '../layers/store.ts';
import { currentIds } from '../namespace/current.ts';
import { sweepAbandoned } from '../oci/running.ts';
import { type Cache, type CachedImage, type CachedRuntime, cachedHash } from '../project/cache.ts';
import { noteWarning } from '../run/log.ts';
import { proxyVariables } from '../run/proxies.ts';
import { buildImage } from './builder.ts';
import type { ParentImage } from './context.ts';
import { downloadsOf } from './downloads.ts';
import { failureText, problemsText } from './failure.ts';
import { type Lock, takeLock } from './lock.ts';
import { fetchPrebuilt } from './prebuilt.ts';

export interface EnsureOptions {
  readonly force: boolean;
  /** False: `image-cache-url` does not count. */
  readonly imageDownload: boolean;
  /** Containers built at once. */
  readonly jobs?: number;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Asked for only when something must be built. */
  readonly engine: () => Promise<CachedRuntime | { readonly error: string }>;
}

export type One =
  | { readonly kind: 'ready'; readonly image: CachedImage }
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'interrupted' };

/** A build with `build-lock-wait` gives up after a day: somebody must have forgotten a machine. */
const BUILD_LOCK_WAIT_S = 24 * 3600;
/** A shorter wait is not worth a second line. */
const LONG_WAIT_S = 5;

/** Of log lines. */
const MODULE = 'vagga::wrapper::build';

const failed = (text: string): One => ({ kind: 'failed', text });

export class Ensurer {
  readonly #layout: Layout;
  readonly #options: EnsureOptions;
  readonly #store: LayerStore;
  readonly #parents = new Map<string, ParentImage>();
  readonly #built: string[] = [];
  cache: Cache;

  constructor(layout: Layout, cache: Cache, store: LayerStore, options: EnsureOptions) {
    this.#layout = layout;
    this.#options = options;
    this.#store = store;
    this.cache = cache;
  }

  /** Directories of images that did not exist before. */
  get built(): readonly string[] {
    return this.#built;
  }

  async one(name: string): Promise<One> {
    const layout = this.#layout;
    if (this.#options.signal.aborted) return { kind: 'interrupted' };
    const found = this.#identity(name);
    if (found.kind === 'failed') return failed(`Error versioning container "${name}": ${found.message}`);
    const image = found.kind === 'hashed' ? found : undefined;
    const reuse = image !== undefined && !this.#options.force && this.#isUsable(name, image.hash);
    const ready: One = reuse
      ? { kind: 'ready', image }
      : await this.#locked(name, this.#slot(name, image?.hash));
    if (ready.kind !== 'ready') return ready;
    const { hash } = ready.image;
    const autoClean = this.cache.project.containers[name]?.autoClean === true;
    await makeCurrent(layout, name, hash, autoClean && !this.cache.settings.disableAutoClean);
    this.#remember(name, hash);
    this.cache = { ...this.cache, images: { ...this.cache.images, [name]: ready.image } };
    return ready;
  }

  #remember(name: string, hash: string): void {
    const directory = this.#layout.image(name, hash);
    const root = this.#layout.rootOf(name, hash);
    const parent = { root, id: imageId(directory), layers: layersBelow(directory, this.#store) };
    this.#parents.set(name, parent);
  }

  #state(name: string, hash: string): BuiltState {
    const container = this.cache.project.containers[name];
    return container === undefined ? 'absent' : builtState(this.#layout, name, hash, container);
  }

  #isUsable(name: string, hash: string): boolean {
    const container = this.cache.project.containers[name];
    return container !== undefined && isUsable(this.#layout, this.#store, name, hash, container);
  }

  /** The image is there and of no use: its files would have the wrong owners, or be torn. */
  #warnOfUseless(name: string, hash: string): void {
    const state = this.#state(name, hash);
    if (state === 'lost') this.#warn(`container ${name} ${LOST}. It is built again.`);
    if (state !== 'other-ids') return;
    this.#warn(
      `container ${name} was built with other ids than you have now (uid_map and gid_map beside its root; see ` +
        '/etc/subuid and /etc/subgid), so its files would belong to strangers. It is built again.',
    );
  }

  #warn(text: string): void {
    noteWarning(this.#options.progress, MODULE, text, `Warning: ${text}`);
  }

  #identity(name: string) {
    const image = this.cache.images[name];
    if (image !== undefined && cachedHash(this.cache, name) !== undefined)
      return { kind: 'hashed' as const, ...image };
    return hashContainer(this.#layout, this.cache.project, name);
  }

  #slot(name: string, hash: string | undefined): string {
    const isVersioned = this.cache.settings.versionedBuildDir && hash !== undefined;
    return isVersioned ? `${name}.${hash.slice(0, 8)}` : name;
  }

  async #locked(name: string, slot: string): Promise<One> {
    mkdirSync(this.#layout.roots, { recursive: true });
    const file = this.#layout.lock(slot);
    const lock = await this.#lock(slot, file);
    if (lock === 'busy' && this.#options.signal.aborted) return { kind: 'interrupted' };
    if (lock === 'busy')
      return failed(
        `Can't lock container build (${file}). Probably other process is doing build. Aborting...`,
      );
    if (lock instanceof Error) return failed(lock.message);
    try {
      return await this.#build(name, slot);
    } finally {
      await lock.release();
    }
  }

  async #lock(slot: string, file: string): Promise<Lock | 'busy' | Error> {
    const { signal, progress } = this.#options;
    const lock = await takeLock(file, 0, signal);
    if (lock !== 'busy' || !this.cache.settings.buildLockWait) return lock;
    noteWarning(progress, MODULE, `Other process is doing a build (.tmp.${slot}). Waiting...`);
    const startMs = performance.now();
    const waited = await takeLock(file, BUILD_LOCK_WAIT_S, signal);
    const seconds = Math.round((performance.now() - startMs) / 1000);
    if (seconds > LONG_WAIT_S)
      noteWarning(progress, MODULE, `Lock was held ${seconds} seconds. Proceeding...`);
    return waited;
  }

  /** Only where the container says so: an image that is there already in place of a build. */
  async #prebuilt(name: string, slot: string, hash: string): Promise<boolean> {
    const { project, settings } = this.cache;
    const container = project.containers[name];
    const { force, imageDownload, signal, progress } = this.#options;
    if (container?.imageCacheUrl === undefined || force || !imageDownload) return false;
    const download = downloadsOf(this.#layout, settings, signal, () => {});
    const { imageCacheUrl: url } = container;
    return await fetchPrebuilt({
      layout: this.#layout,
      name,
      slot,
      hash,
      url,
      wanted: container,
      download,
      progress,
    });
  }

  async #build(name: string, slot: string): Promise<One> {
    const startMs = performance.now();
    const before = this.#identity(name);
    // Somebody may have built it while we waited.
    if (before.kind === 'hashed' && !this.#options.force && this.#isUsable(name, before.hash)) {
      const { kind: _, ...image } = before;
      return { kind: 'ready', image };
    }
    separateMounts();
    if (before.kind === 'hashed') this.#warnOfUseless(name, before.hash);
    const { project, settings } = this.cache;
    const container = project.containers[name];
    if (container === undefined) return failed(`Container "${name}" not found`);
    const ids = containerIds(currentIds().ids, container);
    if (!ids.ok) return failed(ids.message);
    for (const warning of [...dataDirWarnings(container), ...setupWarnings(container)])
      this.#warn(`container ${name}: ${warning}`);
    if (before.kind === 'hashed' && (await this.#prebuilt(name, slot, before.hash)))
      return await this.#install(name, slot, before, (performance.now() - startMs) / 1000);
    if (this.#options.signal.aborted) return { kind: 'interrupted' };
    const files = new DiskWorld(this.#layout, project);
    const plan = planBuild(project, name, proxyVariables(this.cache), files);
    const keyed = planBuild(project, name, {}, files);
    if (!plan.ok) return failed(problemsText(plan.problems));
    if (!keyed.ok) return failed(problemsText(keyed.problems));
    for (const warning of currentIds().warnings) this.#warn(warning);
    this.#sayWhy(name);
    const engine = await this.#engine();
    if ('error' in engine) return failed(engine.error);
    // A step that a killed build left behind would go on in the directory we are about to use.
    sweepAbandoned(this.#layout.running, engine);
    const parents = this.#parents;
    const request = {
      ...this.#options,
      layout: this.#layout,
      name,
      slot,
      settings,
      parents,
      engine,
      project,
    };
    const built = await buildImage({ ...request, ids: container, plan, keyed, store: this.#store });
    if (built.kind === 'interrupted') return built;
    if (built.kind === 'failed') return failed(failureText(name, built));
    return await this.#install(name, slot, before, built.seconds);
  }

  /** For who has just pulled: a line about what makes this build necessary. */
  #sayWhy(name: string): void {
    if (this.#options.force) return;
    const first = firstChange(changesSinceBuilt(this.#layout, this.cache.project, name) ?? []);
    if (first !== undefined) this.#options.progress.note(`Container ${name} is built again: ${first}.`);
  }

  /** Sources may have changed while the build read them: then the image gets the name of what is there now, and a warning. */
  async #install(
    name: string,
    slot: string,
    before: { readonly kind: string; readonly hash?: string },
    seconds: number,
  ): Promise<One> {
    const recorder = newRecorder();
    const after = hashContainer(this.#layout, this.cache.project, name, { part: recorder.part });
    if (after.kind !== 'hashed')
      return failed(`Internal Error: Can't version even after build: ${after.message}`);
    if (before.kind === 'hashed' && before.hash !== after.hash) {
      this.#options.progress.note(
        `Files of container ${name} changed while it was built; it may hold a mixture.`,
      );
    }
    writeRecord(this.#layout.temporary(slot), recorder.record(after.hash));
    await install(this.#layout, slot, name, after.hash);
    this.#show(name, after.hash);
    const version = after.hash.slice(0, 8);
    const told = `Container ${name} (${version}) built in ${Math.round(seconds)} seconds.`;
    noteWarning(this.#options.progress, MODULE, told);
    return { kind: 'ready', image: { hash: after.hash, stamps: after.stamps } };
  }

  /** Usable at once, from its layers; the plain directory is made when everything is built. */
  #show(name: string, hash: string): void {
    const directory = this.#layout.image(name, hash);
    this.#built.push(directory);
    const layers = pendingLayers(directory, this.#store);
    if (layers !== undefined && !showImage(this.#layout, name, hash, layers))
      completeImage(directory, this.#store);
  }

  async #engine() {
    const engine = await this.#options.engine();
    if (!('error' in engine)) this.cache = { ...this.cache, runtime: engine };
    return engine;
  }
}
