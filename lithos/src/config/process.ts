// The process config: which image of a sandbox runs, and how many times. Written by the orchestrator.
import { type Infer, s } from '@suite/shared/schema/index.ts';
import { LIMITS } from './defaults.ts';
import { notAvailable } from './unavailable.ts';

/** `__proto__` is no key of a JavaScript object: such an entry would vanish without a word. */
export const NAME = /^(?!__proto__$)[\w-]+$/;

export const processEntrySchema = s.struct({
  kind: s.withDefault(s.choice(['Daemon', 'Command']), 'Daemon'),
  instances: s.withDefault(s.int({ min: 0, max: LIMITS.instancesMax }), 1),
  image: s.required(s.text()),
  config: s.required(s.path('absolute')),
  variables: s.withDefault(s.map(s.text()), {}),
  'ip-addresses': s.optional(notAvailable('ip-addresses')),
  'extra-secrets-namespaces': s.optional(notAvailable('extra-secrets-namespaces')),
});

export type ProcessEntry = Infer<typeof processEntrySchema>;
