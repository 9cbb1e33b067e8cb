// What the executors of a build share.
import { mkdirSync } from 'node:fs';
import type { Project } from '../../config/model.ts';
import type { Settings } from '../../config/settings-model.ts';
import type { WantedIds } from '../../core/ids/session.ts';
import type { Layout } from '../image/layout.ts';
import type { LayeredTree } from '../layers/tree.ts';
import { IsolatedNetwork } from '../namespace/network.ts';
import type { CachedRuntime } from '../project/cache.ts';
import { lockedCache } from './lock.ts';
import type { BuildLog } from './log.ts';

/** Another container's image that is built. */
export interface ParentImage {
  /** Absolute path of its file system. */
  readonly root: string;
  /** Of this very build: another build with the same identity has another. */
  readonly id: string;
  /** Ids of layers or absolute paths, bottom first. */
  readonly layers: readonly string[];
}

export interface BuildContextOptions {
  readonly project: Project;
  readonly tree: LayeredTree;
  readonly layout: Layout;
  readonly name: string;
  /** Name of the place where it is built. */
  readonly slot: string;
  readonly settings: Settings;
  readonly force: boolean;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  /** The version that containers built before have now. */
  readonly parents: ReadonlyMap<string, ParentImage>;
  readonly engine: CachedRuntime;
  /** What the container asks for. */
  readonly ids: WantedIds;
}

export class BuildContext {
  readonly layout: Layout;
  readonly name: string;
  readonly settings: Settings;
  readonly force: boolean;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  readonly parents: ReadonlyMap<string, ParentImage>;
  readonly project: Project;
  readonly tree: LayeredTree;
  readonly engine: CachedRuntime;
  readonly ids: WantedIds;
  readonly directory: string;
  readonly root: string;
  #network: Promise<IsolatedNetwork> | undefined;

  constructor(options: BuildContextOptions) {
    this.layout = options.layout;
    this.name = options.name;
    this.settings = options.settings;
    this.force = options.force;
    this.log = options.log;
    this.signal = options.signal;
    this.parents = options.parents;
    this.engine = options.engine;
    this.ids = options.ids;
    this.directory = options.layout.temporary(options.slot);
    this.project = options.project;
    this.tree = options.tree;
    this.root = options.tree.root;
  }

  /** The loopback-only network that isolated steps of this build share. */
  isolatedNetwork(): Promise<IsolatedNetwork> {
    this.#network ??= IsolatedNetwork.create();
    return this.#network;
  }

  async close(): Promise<void> {
    this.log.close();
    (await this.#network?.catch(() => undefined))?.close();
  }

  /** Where the image of another container is. */
  parentRoot(name: string): string {
    const parent = this.parents.get(name);
    // Only steps of a config that is in an image: what those need is known too late.
    if (parent === undefined)
      throw new Error(`container "${name}" is not built: put a step !Build {container: ${name}} before`);
    return parent.root;
  }

  /** Absolute path of a directory in the build cache, created. */
  cacheDirectory(name: string): string {
    const path = this.layout.cache(name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Runs `work` while holding a lock of the cache; builds of other containers wait for it. */
  async locked(name: string, work: () => Promise<string | undefined>): Promise<string | undefined> {
    return await lockedCache(this.cacheDirectory('.'), name, this.signal, work);
  }
}
