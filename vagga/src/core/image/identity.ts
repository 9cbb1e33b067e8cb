// The identity of an image: BLAKE2b-512 over the framed steps. The digest itself is computed outside (it needs a library).
import type { Container, IdRange, Step } from '../../config/model.ts';
import { FieldWriter, type Sink } from './fields.ts';
import { NotHashable } from './not-hashable.ts';
import { type HashWorld, hashSteps } from './step-hash.ts';

export type Identity =
  | { readonly kind: 'written' }
  /** A file the hash depends on is made by the build itself or is missing. */
  | { readonly kind: 'not-ready'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

const range = ({ start, end }: IdRange): string => `${start}-${end}`;

/** Writes the whole stream of `container` into `sink`. */
export function writeIdentity(sink: Sink, container: Container, world: HashWorld): Identity {
  const out = new FieldWriter(sink);
  out.list('uids', container.uids.map(range));
  out.list('gids', container.gids.map(range));
  try {
    hashSteps(out, container.setup, world);
  } catch (error) {
    if (error instanceof NotHashable) return { kind: error.kind, message: error.message };
    throw error;
  }
  if (container.dataDirs.length > 0) out.list('data_dirs', container.dataDirs);
  return { kind: 'written' };
}

/** The part of one step; false: it cannot be told yet. */
export function writeStepIdentity(sink: Sink, step: Step, world: HashWorld): boolean {
  try {
    hashSteps(new FieldWriter(sink), [step], world);
    return true;
  } catch (error) {
    if (error instanceof NotHashable) return false;
    throw error;
  }
}
