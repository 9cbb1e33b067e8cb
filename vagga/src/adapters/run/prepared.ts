// From a bundle to what can be started.
import { join } from 'node:path';
import type { Bundle } from '../oci/bundle.ts';
import { endWithUs, startCommand } from '../oci/engine.ts';
import { programPid } from '../oci/processes.ts';
import type { CachedRuntime } from '../project/cache.ts';
import type { Prepared } from './prepare.ts';
import { tailOption } from './terminal-tail.ts';

export interface StartOptions {
  readonly terminal: boolean;
  readonly hasInit: boolean;
  /** Descriptors of ours that become 3 and up of the program. */
  readonly fds?: readonly number[];
}

export function preparedBundle(engine: CachedRuntime, bundle: Bundle, options: StartOptions): Prepared {
  // An interactive shell does not listen to TERM.
  const signal = options.terminal ? 'HUP' : 'TERM';
  const tail = options.terminal ? join(bundle.directory, 'tail') : undefined;
  const words = tail === undefined ? [] : tailOption(engine, tail);
  const start = startCommand(engine, bundle, { fds: options.fds?.length ?? 0, options: words });
  const prepared: Prepared = { kind: 'prepared', argv: endWithUs(signal, start), bundle, engine, ...options };
  return tail === undefined
    ? prepared
    : { ...prepared, tail, terminalPid: () => programPid(bundle.id, options.hasInit) };
}
