// The process config: which image of a sandbox runs, and how many times. Written by the orchestrator.
import { type Infer, s } from '@suite/shared/schema/index.ts';
import { addressSchema } from './addresses.ts';
import { LIMITS } from './defaults.ts';

/** `__proto__` is no key of a JavaScript object: such an entry would vanish without a word. */
export const NAME = /^(?!__proto__$)[\w-]+$/;

const { withDefault } = s;

export const processEntrySchema = s.struct({
  kind: withDefault(
    s.choice(['Daemon', 'Command']),
    'Daemon',
    '`Command` is for lithos_cmd, the tree ignores it.',
  ),
  instances: withDefault(s.int({ min: 0, max: LIMITS.instancesMax }), 1, 'How many; 0: none.'),
  image: s.required(s.text(), 'Directory below `image-dir` of the sandbox.'),
  config: s.required(s.path('absolute'), 'Container config inside the image.'),
  variables: withDefault(s.map(s.text()), {}, 'Values of the variables the container config declares.'),
  'ip-addresses': withDefault(
    s.list(addressSchema, { max: LIMITS.instancesMax }),
    [],
    'Address of each instance, in their order, when the sandbox is bridged.',
  ),
  'extra-secrets-namespaces': withDefault(
    s.list(s.text({ pattern: /^[a-zA-Z0-9_.-]*$/ })),
    [],
    'Added to `secrets-namespaces` of the sandbox.',
  ),
});

export type ProcessEntry = Infer<typeof processEntrySchema>;
