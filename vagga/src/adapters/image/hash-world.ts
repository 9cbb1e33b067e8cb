// What identities are computed from, read from the disk of this machine.
import { join } from 'node:path';
import { loadSubConfig } from '../../config/load.ts';
import type { Json, Project } from '../../config/model.ts';
import type { ReadFile } from '../../config/read-config.ts';
import type { BuiltImage, HashWorld, OtherContainer } from '../../core/image/emit.ts';
import { NotHashable } from '../../core/image/not-hashable.ts';
import { isProjectPath } from '../../core/image/project-path.ts';
import { checkoutProblem } from '../../core/steps/git.ts';
import type { Checkout } from '../../core/steps/git-actions.ts';
import { inRoot } from '../build/in-root.ts';
import { pinnedConfig, readCommit } from '../git/config-source.ts';
import { describeNow } from '../git/describe.ts';
import { LayerStore } from '../layers/store.ts';
import { Reader } from '../project/reader.ts';
import { isUsable } from './complete.ts';
import { hashContainer } from './identity.ts';
import type { Layout } from './layout.ts';
import { DiskTree } from './tree-reader.ts';

interface SubConfigValue {
  readonly source:
    | { readonly tag: 'Directory'; readonly value: null }
    | { readonly tag: 'Container'; readonly value: string }
    | { readonly tag: 'Git'; readonly value: Checkout };
  readonly path: string;
  readonly container: string;
}

/** Where another config is read. */
interface ConfigPlace {
  /** Distinguishes it from the same path elsewhere. */
  readonly origin: string;
  readonly file: string;
  /** Undefined: a file of this machine. */
  readonly read?: ReadFile;
  /** What it means that there is no such file. */
  readonly absent: 'not-ready' | 'failed';
}

export class DiskWorld implements HashWorld {
  readonly tree: DiskTree;
  readonly #layout: Layout;
  readonly #project: Project;

  constructor(layout: Layout, project: Project) {
    this.#layout = layout;
    this.#project = project;
    this.tree = new DiskTree(layout.root);
  }

  get containers() {
    return this.#project.containers;
  }

  readonly readText = (path: string): string | undefined => this.tree.readText(path);

  readonly describe = (repo: string, pattern: string | undefined): string => {
    if (!isProjectPath(repo))
      throw new NotHashable('failed', `repo must be below /work, to be known before the build: ${repo}`);
    const described = describeNow(this.tree.hostPath(repo), pattern);
    if (!described.ok) throw new NotHashable('failed', described.message);
    for (const file of described.files) this.tree.remember(file);
    return described.text;
  };

  readonly image = (name: string): BuiltImage => {
    const hashed = hashContainer(this.#layout, this.#project, name);
    if (hashed.kind === 'not-ready')
      return { kind: 'failed', message: `container "${name}": dependencies are not ready` };
    if (hashed.kind !== 'hashed') return { kind: 'failed', message: hashed.message };
    const { hash, stamps } = hashed;
    this.tree.rememberAll(stamps);
    this.tree.remember(join(this.#layout.image(name, hash), 'root'));
    if (!this.#isThere(name, hash))
      return { kind: 'not-ready', message: `container "${name}" is not built yet` };
    const root = `/vagga/base/.roots/${name}.${hash.slice(0, 8)}/root`;
    this.tree.showImage(root, this.#layout.rootOf(name, hash));
    return { kind: 'built', root };
  };

  #isThere(name: string, hash: string): boolean {
    const container = this.#project.containers[name];
    if (container === undefined) return false;
    // Built by this very process, its directory comes later.
    if (this.#layout.rootOf(name, hash) !== join(this.#layout.image(name, hash), 'root')) return true;
    const store = new LayerStore(this.#layout.layers);
    const usable = isUsable(this.#layout, store, name, hash, container);
    store.release();
    return usable;
  }

  readonly otherContainer = (value: Json): OtherContainer => {
    const { source, path, container } = value as unknown as SubConfigValue;
    const place = this.#configPlace(source, path);
    if ('kind' in place) return place;
    const { file, origin } = place;
    const reader = new Reader();
    const loaded = loadSubConfig(file, place.read ?? reader.read);
    this.tree.rememberAll([...reader.stamps.values()]);
    if (loaded === undefined)
      return {
        kind: place.absent,
        message: `${file} does not exist${place.absent === 'failed' ? '' : ' yet'}`,
      };
    if (!loaded.ok) return { kind: 'failed', message: loaded.text.trimEnd() };
    const found = loaded.value.project.containers[container];
    return found === undefined
      ? { kind: 'failed', message: `Container "${container}" not found in ${file}` }
      : { kind: 'found', container: found, title: `${origin}${path}: ${container}` };
  };

  #configPlace(source: SubConfigValue['source'], path: string): ConfigPlace | OtherContainer {
    if (source.tag === 'Directory')
      return { origin: '', file: join(this.#layout.root, path), absent: 'not-ready' };
    if (source.tag === 'Git') return this.#configInGit(source.value, path);
    const image = this.image(source.value);
    if (image.kind !== 'built') return image;
    const file = inRoot(this.tree.hostPath(image.root), path);
    return { origin: `${source.value} `, file, absent: 'not-ready' };
  }

  #configInGit(wanted: Checkout, path: string): ConfigPlace | OtherContainer {
    const problem = checkoutProblem(wanted);
    if (problem !== undefined) return { kind: 'failed', message: problem };
    const pinned = pinnedConfig(this.#layout, wanted);
    if (pinned === undefined) return { kind: 'not-ready', message: `${wanted.url} is not fetched yet` };
    this.tree.remember(pinned.pinFile);
    const origin = `${wanted.url}@${pinned.commit.slice(0, 12)}`;
    const read = readCommit(pinned, origin);
    return { origin: `${wanted.url} `, file: `${origin}/${path}`, read, absent: 'failed' };
  }
}
