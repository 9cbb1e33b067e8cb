// The sandbox config: what one application is allowed to do. Trusted: written by the operator of the host.
import { type Infer, s } from '@suite/shared/schema/index.ts';
import { CAPABILITY } from './capabilities.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';
import { logLevelSchema } from './master.ts';
import { notAvailable } from './unavailable.ts';

/** Ids are u32 on every Linux; `N` or `A-B`, inclusive, without blanks. */
const RANGE = /^\d{1,10}(-\d{1,10})?$/;

const range = s.check(
  s.text({ pattern: RANGE, hint: 'an id such as `1000` or a range such as `1000-1999`' }),
  text => {
    const { min, max } = parseRange(text);
    if (max > LIMITS.idMax) return `ids end at ${LIMITS.idMax}`;
    return min > max ? `the range ${text} is empty: its first id is above its last` : undefined;
  },
);

export interface IdRange {
  readonly min: number;
  readonly max: number;
}

/** `5` → 5–5, `5-9` → 5–9, both ends included. The text must have passed the schema. */
export function parseRange(text: string): IdRange {
  const [first, last] = text.split('-');
  return { min: Number(first), max: Number(last ?? first) };
}

export const userIdSchema = s.int({ min: 0, max: LIMITS.idMax });

export const sandboxSchema = s.struct({
  'config-file': s.withDefault(s.nullable(s.path('any')), null),
  'image-dir': s.withDefault(s.path('absolute'), DEFAULTS.imageDir),
  'image-dir-levels': s.withDefault(s.int({ min: 1, max: LIMITS.imageLevelsMax }), 1),
  'used-images-list': s.withDefault(s.nullable(s.path('any')), null),
  'auto-clean': s.withDefault(s.bool(), true),
  'log-file': s.withDefault(s.nullable(s.path('any')), null),
  'log-level': s.withDefault(s.nullable(logLevelSchema), null),
  'readonly-paths': s.withDefault(s.map(s.path('absolute')), {}),
  'writable-paths': s.withDefault(s.map(s.path('absolute')), {}),
  'allow-users': s.withDefault(s.list(range), []),
  'allow-groups': s.withDefault(s.list(range), []),
  'default-user': s.withDefault(s.nullable(userIdSchema), null),
  'default-group': s.withDefault(userIdSchema, 0),
  'allow-tcp-ports': s.withDefault(s.list(range), []),
  'additional-hosts': s.withDefault(s.map(s.text()), {}),
  'uid-map': s.optional(notAvailable('uid-map')),
  'gid-map': s.optional(notAvailable('gid-map')),
  'resolv-conf': s.withDefault(s.path('absolute'), DEFAULTS.resolvConf),
  'hosts-file': s.withDefault(s.path('absolute'), DEFAULTS.hostsFile),
  'bridged-network': s.optional(notAvailable('bridged-network')),
  'secrets-private-key': s.optional(notAvailable('secrets-private-key')),
  'secrets-namespaces': s.optional(notAvailable('secrets-namespaces')),
  // Ours: what a trusted sandbox (a monitor, an orchestrator) may share with the host or be granted.
  'share-namespaces': s.withDefault(s.list(s.choice(['pid'])), []),
  'allow-capabilities': s.withDefault(s.list(CAPABILITY), []),
});

export type SandboxKeys = Infer<typeof sandboxSchema>;

/** Keys that only lithos_clean reads, which this version does not have. */
export const SANDBOX_WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  'used-images-list': 'only lithos_clean reads it, which is not available yet',
  'auto-clean': 'only lithos_clean reads it, which is not available yet',
  'log-file': 'the log of a sandbox is part of the master log',
  'log-level': 'the log of a sandbox is part of the master log',
};
