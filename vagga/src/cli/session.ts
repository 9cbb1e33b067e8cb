// What the full program knows while it works for one project.
import { existsSync } from 'node:fs';
import { colours } from '@suite/shared/cli/colours.ts';
import { createProgress, type Progress } from '@suite/shared/cli/progress.ts';
import { buildElsewhere, buildsElsewhere, type Elsewhere } from '../adapters/build/elsewhere.ts';
import { ensureBuilt } from '../adapters/build/ensure.ts';
import { afterBuild, doAfterBuild, startAfterBuild } from '../adapters/image/after-build.ts';
import { completeImage, filesOf } from '../adapters/image/complete.ts';
import { atHome, Layout } from '../adapters/image/layout.ts';
import { isReady } from '../adapters/image/ready.ts';
import type { LayerStore } from '../adapters/layers/store.ts';
import { currentIds } from '../adapters/namespace/current.ts';
import { IsolatedNetwork } from '../adapters/namespace/network.ts';
import { usableRuntime } from '../adapters/oci/engine.ts';
import { probeEngine } from '../adapters/oci/probe.ts';
import { toldEngine } from '../adapters/oci/told.ts';
import { type Cache, readCache, writeCache } from '../adapters/project/cache.ts';
import { findProject } from '../adapters/project/find.ts';
import { log } from '../adapters/run/log.ts';
import { TransientCopies } from '../adapters/run/transient.ts';
import { startFlush } from '../adapters/storage/flush.ts';
import { isFlushOverdue } from '../adapters/storage/flush-marks.ts';
import { indexImages } from '../adapters/storage/index-images.ts';
import { prepareStorage } from '../adapters/storage/storage-dir.ts';
import { FILES_AT_ONCE_MAX } from '../config/defaults.ts';
import type { Container } from '../config/model.ts';
import { containerDependencies } from '../config/references.ts';
import { writesImages } from '../core/layers/writes-images.ts';
import type { GlobalOptions } from '../core/options/global.ts';
import { buildOrder } from '../core/plan/build.ts';
import { sizeText } from '../core/size-text.ts';
import { interruptible } from './interrupts.ts';

interface How {
  readonly force: boolean;
  readonly whole: boolean;
  /** False: build also where a finished image could be fetched. */
  readonly imageDownload: boolean;
}

type Variables = Readonly<Record<string, string | undefined>>;

export class Session {
  readonly layout: Layout;
  readonly options: GlobalOptions;
  /** What `--env-file`, `-e` and `-E` hand in. */
  readonly variables: Variables;
  readonly copies: TransientCopies;
  /** Directories of persistent volumes that the running command fills, by name. */
  readonly filling = new Map<string, string>();
  /** Names of commands of vagga itself, for who mistypes them. */
  ownCommands: readonly string[] = [];
  cache: Cache;
  #network: Promise<IsolatedNetwork> | undefined;

  constructor(root: string, cache: Cache, options: GlobalOptions, variables: Variables) {
    this.layout = new Layout(root, cache.settings);
    this.copies = new TransientCopies(this.layout);
    this.cache = cache;
    this.options = options;
    this.variables = variables;
  }

  get colours() {
    return colours(process.stdout, process.env);
  }

  #progress(): Progress {
    return createProgress(process.stderr, this.options.progress, {
      env: process.env,
      monotonicMs: () => performance.now(),
    });
  }

  /** What is isolated as a whole, all children of a supervise, can talk to each other over loopback. */
  isolatedNetwork(): Promise<IsolatedNetwork> {
    this.#network ??= IsolatedNetwork.create();
    return this.#network;
  }

  #afterBuild(images: readonly string[], store: LayerStore, whole: boolean): void {
    const { layout } = this;
    const { settings } = this.cache;
    const isBig = (image: string) => filesOf(image, store) > FILES_AT_ONCE_MAX;
    const atOnce = whole || settings.indexAllImages || writesImages(this.cache.project);
    const later = atOnce ? [] : images.filter(isBig);
    for (const image of images.filter(one => !later.includes(one)))
      if (completeImage(image, store)) layout.complete(image);
    if (settings.indexAllImages) {
      const { files, sizeBytes } = indexImages(layout, settings, images);
      if (files > 0)
        say(0, `Found and linked ${files} (${sizeText(sizeBytes)}) identical files from other containers`);
    }
    const work = afterBuild(layout.unflushed, later, settings);
    if (later.length > 0) startAfterBuild(work);
    else {
      store.release();
      doAfterBuild(work);
      startFlush(layout.unflushed);
    }
  }

  /** What a process that was killed should have brought to the disk. */
  #flushOverdue(hashes: ReadonlyMap<string, string>): void {
    const { layout } = this;
    if ([...hashes].some(([name, hash]) => isFlushOverdue(layout.image(name, hash))))
      startFlush(layout.unflushed);
  }

  /** The engine from the cache, else by a probe that is then kept. */
  async engine() {
    const engine = toldEngine() ?? usableRuntime(this.cache.runtime) ?? (await probeEngine());
    const { cached } = currentIds();
    const isNews = this.cache.runtime !== engine || this.cache.ids?.key !== cached?.key;
    if (!('error' in engine) && isNews) {
      this.cache = { ...this.cache, runtime: engine };
      writeCache(this.layout.root, this.cache);
    }
    return engine;
  }

  /**
   * Hashes by container, or the exit code after the failure was printed. Ctrl-C during it leaves nothing behind. `whole`: also
   * the plain directories of new big images are there afterwards; else a process of its own makes them.
   */
  async build(
    names: readonly string[],
    { force = false, whole = false, imageDownload = this.#imageDownload }: Partial<How> = {},
  ): Promise<ReadonlyMap<string, string> | number> {
    const problem = prepareStorage(this.layout, this.cache.settings);
    if (problem !== undefined) return say(121, problem);
    const cache = this.cache.settings.cacheDir;
    if (cache !== undefined && !existsSync(atHome(cache)))
      return say(
        124,
        `Cache directory ${JSON.stringify(cache)} must exists. Create it, or change cache-dir.`,
      );
    const order = buildOrder(this.cache.project, names);
    const where = new Map(order.map(name => [name, buildsElsewhere(this.#container(name))]));
    const all = [...where.values()];
    if (all.every(place => place === undefined))
      return await this.buildHere(names, { force, whole, imageDownload });
    const code = all.includes('pretended')
      ? await this.#elsewhere(names, { force, whole, imageDownload })
      : await this.#oneByOne(where, { force, whole, imageDownload });
    return code === 0 ? await this.buildHere(names, { whole }) : code;
  }

  #container(name: string): Container {
    const container = this.cache.project.containers[name];
    if (container === undefined) throw new Error(`container ${name} is not there`);
    return container;
  }

  /** In the order of dependencies. A container in a namespace of its own is made anew by force only if it starts from none. */
  async #oneByOne(where: ReadonlyMap<string, Elsewhere | undefined>, how: How): Promise<number> {
    for (const [name, place] of where) {
      const force = how.force && containerDependencies(this.#container(name)).length === 0;
      const built = await (place === undefined
        ? this.buildHere([name], { ...how, force })
        : this.#elsewhere([name], { ...how, force }));
      if (typeof built === 'number' && built !== 0) return built;
    }
    return 0;
  }

  async #elsewhere(names: readonly string[], how: How): Promise<number> {
    if (!how.force && names.every(name => isReady(this.layout, this.cache, name))) return 0;
    const { options } = this;
    const [first = ''] = names;
    const code = await buildElsewhere(this.#container(first), { options, names, ...how });
    const found = findProject(this.layout.root);
    // What it found out about the images is in the start-up cache now.
    this.cache = (found && readCache(found)) ?? this.cache;
    return code;
  }

  get #imageDownload(): boolean {
    return this.options.build !== 'no-image-download';
  }

  async buildHere(
    names: readonly string[],
    { force = false, whole = false, imageDownload = this.#imageDownload }: Partial<How> = {},
  ): Promise<ReadonlyMap<string, string> | number> {
    const progress = this.#progress();
    const { jobs } = this.options;
    const options = {
      force,
      imageDownload,
      progress,
      engine: () => this.engine(),
      ...(jobs !== undefined && { jobs }),
    };
    const { value: ensured, code } = await interruptible(signal =>
      ensureBuilt(this.layout, this.cache, names, { ...options, signal }),
    );
    // Also when the last step was done before it was noticed: nobody wants the command to start now.
    if (code !== 0 || ensured.kind === 'interrupted') return code;
    if (ensured.kind === 'failed') return say(121, ensured.text);
    this.cache = {
      ...ensured.cache,
      ...(this.cache.runtime !== undefined && { runtime: this.cache.runtime }),
    };
    if (ensured.built.length > 0) this.#afterBuild(ensured.built, ensured.store, whole);
    else this.#flushOverdue(ensured.hashes);
    return ensured.hashes;
  }
}

export function say(code: number, text: string): number {
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
  return code;
}

/** `module`: of the log line, by which `RUST_LOG` may choose. */
export function warn(text: string, module = 'vagga::launcher'): void {
  log('warn', module, text, `Warning: ${text}`);
}
