// Asks the suite's probe for an engine that works here.
import { probeRuntime } from '@suite/shared/oci/probe.ts';
import { realProc } from '@suite/shared/ports/real.ts';
import type { CachedRuntime } from '../project/cache.ts';
import { findInit, runtimeKey } from './engine.ts';

export type Probed = CachedRuntime | { readonly error: string };

export async function probeEngine(): Promise<Probed> {
  const choice = await probeRuntime(realProc);
  if (choice.kind === 'none') return { error: choice.message };
  const { kind, program } = choice;
  const init = findInit();
  return {
    key: runtimeKey(program),
    kind,
    program,
    prefix: choice.wrap([]),
    ...(init !== undefined && { init }),
  };
}
