// What identities are computed from, read from the disk of this machine.
import { join } from 'node:path';
import { loadSubConfig } from '../../config/load.ts';
import type { Json, Project } from '../../config/model.ts';
import type { BuiltImage, HashWorld, OtherContainer } from '../../core/image/emit.ts';
import { NotHashable } from '../../core/image/not-hashable.ts';
import { isProjectPath } from '../../core/image/project-path.ts';
import { inRoot } from '../build/in-root.ts';
import { describeNow } from '../git/describe.ts';
import { LayerStore } from '../layers/store.ts';
import { Reader } from '../project/reader.ts';
import { isUsable } from './complete.ts';
import { hashContainer } from './identity.ts';
import type { Layout } from './layout.ts';
import { DiskTree } from './tree-reader.ts';

interface SubConfigValue {
  readonly source: { readonly tag: 'Directory' | 'Container' | 'Git'; readonly value: Json };
  readonly path: string;
  readonly container: string;
}

const NO_GIT_SOURCE =
  '!SubConfig with a !Git source is not available: check the repository out into the project, or into a container with !Git, and name that';

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
    const file = this.#configFile(source, path);
    if (typeof file !== 'string') return file;
    const reader = new Reader();
    const loaded = loadSubConfig(file, reader.read);
    this.tree.rememberAll([...reader.stamps.values()]);
    if (loaded === undefined) return { kind: 'not-ready', message: `${file} does not exist yet` };
    if (!loaded.ok) return { kind: 'failed', message: loaded.text.trimEnd() };
    const found = loaded.value.project.containers[container];
    return found === undefined
      ? { kind: 'failed', message: `Container "${container}" not found in ${file}` }
      : { kind: 'found', container: found, title: `${path}: ${container}` };
  };

  #configFile({ tag, value }: SubConfigValue['source'], path: string): string | OtherContainer {
    if (tag === 'Directory') return join(this.#layout.root, path);
    if (tag === 'Git') return { kind: 'failed', message: NO_GIT_SOURCE };
    const image = this.image(value as string);
    if (image.kind !== 'built') return image;
    return inRoot(this.tree.hostPath(image.root), path);
  }
}
