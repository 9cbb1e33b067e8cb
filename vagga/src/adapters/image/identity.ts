// BLAKE2b over the identity stream of a container, with the files it depends on read from disk.
import { createHash } from 'node:crypto';
import type { Project, Step } from '../../config/model.ts';
import { writeIdentity, writeStepIdentity } from '../../core/image/identity.ts';
import type { CachedImage } from '../project/cache.ts';
import { DiskTree } from './tree-reader.ts';

export type HashResult =
  | ({ readonly kind: 'hashed' } & CachedImage)
  | { readonly kind: 'not-ready'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/** 128 hex digits; the first 8 name the image. `dump` gets the raw stream, for `_version_hash --dump-version-data`. */
export function hashContainer(
  root: string,
  project: Project,
  name: string,
  dump?: (data: string | Uint8Array) => void,
): HashResult {
  const container = project.containers[name];
  if (container === undefined) return { kind: 'failed', message: `Container "${name}" not found` };
  const tree = new DiskTree(root);
  const digest = createHash('blake2b512');
  const sink = {
    write(data: string | Uint8Array) {
      digest.update(data);
      dump?.(data);
    },
  };
  try {
    const identity = writeIdentity(sink, container, { containers: project.containers, tree });
    if (identity.kind !== 'written') return identity;
  } catch (error) {
    return { kind: 'failed', message: (error as Error).message };
  }
  return { kind: 'hashed', hash: digest.digest('hex'), stamps: [...tree.stamps.values()] };
}

/** Digest of one step's part of the identity; undefined while a file that it reads is not there. */
export function hashStep(root: string, project: Project, step: Step): string | undefined {
  const digest = createHash('blake2b512');
  const sink = { write: (data: string | Uint8Array) => void digest.update(data) };
  const world = { containers: project.containers, tree: new DiskTree(root) };
  return writeStepIdentity(sink, step, world) ? digest.digest('hex') : undefined;
}
