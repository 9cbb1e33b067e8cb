// The identity of an image: BLAKE2b-512 over the framed steps. The digest itself is computed outside (it needs a library).
import type { Container, IdRange, Step } from '../../config/model.ts';
import type { HashWorld } from './emit.ts';
import { FieldWriter, type Part, type Sink } from './fields.ts';
import { NotHashable } from './not-hashable.ts';
import { hashSteps } from './step-hash.ts';

export type Identity =
  | { readonly kind: 'written' }
  /** `not-ready`: a file the hash depends on is made by the build itself or is missing. `step`: where it was found out. */
  | { readonly kind: 'not-ready'; readonly message: string; readonly step?: Step }
  | { readonly kind: 'failed'; readonly message: string; readonly step?: Step };

const range = ({ start, end }: IdRange): string => `${start}-${end}`;

function unlessHashable(work: () => void): Identity {
  try {
    work();
    return { kind: 'written' };
  } catch (error) {
    if (!(error instanceof NotHashable)) throw error;
    const { kind, message, step } = error;
    return { kind, message, ...(step !== undefined && { step }) } as Identity;
  }
}

/** Writes the whole stream of `container` into `sink`; `watch` sees it in pieces with a meaning. */
export function writeIdentity(
  sink: Sink,
  container: Container,
  world: HashWorld,
  watch?: (part: Part) => void,
): Identity {
  const out = new FieldWriter(sink, watch);
  return unlessHashable(() => {
    out.list('uids', container.uids.map(range));
    out.list('gids', container.gids.map(range));
    hashSteps(out, container.setup, world);
    if (container.dataDirs.length > 0) out.list('data_dirs', container.dataDirs);
  });
}

/** The part of one step. */
export function writeStepIdentity(sink: Sink, step: Step, world: HashWorld): Identity {
  return unlessHashable(() => hashSteps(new FieldWriter(sink), [step], world));
}
