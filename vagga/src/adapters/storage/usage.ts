// What takes space, for `_df`.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from '../image/layout.ts';
import { currentVersion } from '../image/store.ts';
import { LayerStore } from '../layers/store.ts';
import { treeSize } from './tree-size.ts';

type UsageKind = 'container' | 'unfinished' | 'layers' | 'cache' | 'volume' | 'transient';

export interface Usage {
  readonly kind: UsageKind;
  readonly name: string;
  /** Each file once. */
  readonly sizeBytes: number;
  /** What removing it would free: files that nothing else shares. */
  readonly ownBytes: number;
  /** Milliseconds since 1970; undefined where it is not kept. */
  readonly lastUseMs?: number;
  /** The version that `.vagga/NAME` leads to. */
  readonly current?: boolean;
}

const namesIn = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory, { withFileTypes: true })
        .filter(entry => entry.isDirectory())
        .map(({ name }) => name)
        .sort()
    : [];

function usage(kind: UsageKind, name: string, paths: readonly string[]): Usage {
  const { sizeBytes, ownBytes } = treeSize(paths);
  return { kind, name, sizeBytes, ownBytes };
}

function roots(layout: Layout): Usage[] {
  return namesIn(layout.roots).map(name => {
    const path = join(layout.roots, name);
    if (name.startsWith('.')) return usage('unfinished', name, [path]);
    const lastUse = statSync(join(path, 'last_use'), { throwIfNoEntry: false });
    const [, container = '', hash] = /^(.*)\.([0-9a-f]{8})$/.exec(name) ?? [];
    return {
      ...usage('container', name, [path]),
      ...(lastUse !== undefined && { lastUseMs: Math.round(lastUse.mtimeMs) }),
      current: currentVersion(layout, container) === hash,
    };
  });
}

function layers(layout: Layout): Usage[] {
  const store = new LayerStore(layout.layers);
  const all = store.list();
  if (all.length === 0) return [];
  const paths = all.map(({ id }) => join(layout.layers, id));
  const lastUseMs = Math.round(Math.max(...all.map(layer => layer.lastUseMs)));
  return [{ ...usage('layers', `${all.length} steps`, paths), lastUseMs }];
}

export function usageOf(layout: Layout): Usage[] {
  const each = (kind: UsageKind, directory: string) =>
    namesIn(directory).map(name => usage(kind, name, [join(directory, name)]));
  return [
    ...roots(layout),
    ...layers(layout),
    ...each('cache', layout.cache('.')),
    ...each('volume', layout.volumes),
    ...each('transient', layout.transient),
  ];
}
