// BLAKE2b over the identity stream of a container, with the files it depends on read from disk.
import { createHash } from 'node:crypto';
import type { Project, Step } from '../../config/model.ts';
import type { Part } from '../../core/image/fields.ts';
import { writeIdentity, writeStepIdentity } from '../../core/image/identity.ts';
import type { HashedImage } from '../project/cache.ts';
import { DiskWorld } from './hash-world.ts';
import type { Layout } from './layout.ts';

export type HashResult =
  | ({ readonly kind: 'hashed' } & HashedImage)
  | { readonly kind: 'not-ready'; readonly message: string; readonly step?: Step }
  | { readonly kind: 'failed'; readonly message: string; readonly step?: Step };

/** Who wants to see what is hashed. */
export interface HashWatcher {
  /** The raw stream. */
  readonly data?: (data: string | Uint8Array) => void;
  readonly part?: (part: Part) => void;
}

/** 128 hex digits; the first 8 name the image. */
export function hashContainer(
  layout: Layout,
  project: Project,
  name: string,
  watcher: HashWatcher = {},
): HashResult {
  const container = project.containers[name];
  if (container === undefined) return { kind: 'failed', message: `Container "${name}" not found` };
  const world = new DiskWorld(layout, project);
  const digest = createHash('blake2b512');
  const sink = {
    write(data: string | Uint8Array) {
      digest.update(data);
      watcher.data?.(data);
    },
  };
  try {
    const identity = writeIdentity(sink, container, world, watcher.part);
    if (identity.kind !== 'written') return identity;
  } catch (error) {
    return { kind: 'failed', message: (error as Error).message };
  }
  return { kind: 'hashed', hash: digest.digest('hex'), stamps: world.tree.stamps };
}

/** Digest of one step's part of the identity; undefined while a file that it reads is not there. */
export function hashStep(layout: Layout, project: Project, step: Step): string | undefined {
  const digest = createHash('blake2b512');
  const sink = { write: (data: string | Uint8Array) => void digest.update(data) };
  try {
    const identity = writeStepIdentity(sink, step, new DiskWorld(layout, project));
    return identity.kind === 'written' ? digest.digest('hex') : undefined;
  } catch {
    // Read errors: the identity of the whole container is what reports them.
    return undefined;
  }
}
