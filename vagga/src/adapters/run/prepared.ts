// From a bundle to what can be started.
import type { Bundle } from '../oci/bundle.ts';
import { endWithUs, startCommand } from '../oci/engine.ts';
import type { CachedRuntime } from '../project/cache.ts';
import type { Prepared } from './prepare.ts';

export interface StartOptions {
  readonly terminal: boolean;
  readonly hasInit: boolean;
  /** Descriptors of ours that become 3 and up of the program. */
  readonly fds?: readonly number[];
}

export function preparedBundle(engine: CachedRuntime, bundle: Bundle, options: StartOptions): Prepared {
  // An interactive shell does not listen to TERM.
  const signal = options.terminal ? 'HUP' : 'TERM';
  const argv = endWithUs(signal, startCommand(engine, bundle, options.fds?.length));
  return { kind: 'prepared', argv, bundle, engine, ...options };
}
