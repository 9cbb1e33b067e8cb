// The container config: how to run one program of an image. Untrusted: it comes with the image.
import { type Infer, s } from '@suite/shared/schema/index.ts';
import { CAPABILITY } from './capabilities.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';
import { userIdSchema } from './sandbox.ts';
import { notAvailable, notAvailableFlag } from './unavailable.ts';
import { variableSchema } from './variables.ts';
import { volumeSchema } from './volumes.ts';

const seconds = s.int({ min: 0, max: LIMITS.timeoutMaxS });

const resolvConf = s.struct({
  mount: s.withDefault(s.nullable(s.bool()), null),
  'copy-from-host': s.withDefault(s.bool(), true),
});

const hostsFile = s.struct({
  mount: s.withDefault(s.nullable(s.bool()), null),
  'copy-from-host': s.withDefault(s.bool(), true),
  localhost: s.withDefault(s.nullable(s.bool()), null),
  'public-hostname': s.withDefault(s.nullable(s.bool()), null),
});

export const containerSchema = s.struct({
  kind: s.withDefault(s.choice(['Daemon', 'Command', 'CommandOrDaemon']), 'Daemon'),
  executable: s.required(s.path('absolute')),
  arguments: s.withDefault(s.list(s.text()), []),
  environ: s.withDefault(s.map(s.text()), {}),
  'secret-environ': s.optional(notAvailable('secret-environ')),
  'secret-environ-file': s.optional(notAvailable('secret-environ-file')),
  workdir: s.withDefault(s.path('absolute'), DEFAULTS.workdir),
  'user-id': s.withDefault(s.nullable(userIdSchema), null),
  'group-id': s.withDefault(s.nullable(userIdSchema), null),
  'memory-limit': s.optional(s.int({ min: 1 })),
  'cpu-shares': s.withDefault(s.int({ min: 2 }), DEFAULTS.cpuShares),
  'fileno-limit': s.withDefault(s.int({ min: 1 }), DEFAULTS.fileLimit),
  'restart-timeout': s.withDefault(seconds, DEFAULTS.restartTimeoutS),
  'kill-timeout': s.withDefault(seconds, DEFAULTS.killTimeoutS),
  'restart-process-only': s.optional(notAvailableFlag('restart-process-only')),
  interactive: s.optional(notAvailableFlag('interactive')),
  'stdout-stderr-file': s.optional(notAvailable('stdout-stderr-file')),
  'normal-exit-codes': s.withDefault(s.list(s.int({ min: 0, max: 255 })), []),
  volumes: s.withDefault(s.map(volumeSchema), {}),
  'tcp-ports': s.optional(notAvailable('tcp-ports')),
  'resolv-conf': s.withDefault(resolvConf, { mount: null, copyFromHost: true }),
  'hosts-file': s.withDefault(hostsFile, {
    mount: null,
    copyFromHost: true,
    localhost: null,
    publicHostname: null,
  }),
  'uid-map': s.optional(notAvailable('uid-map')),
  'gid-map': s.optional(notAvailable('gid-map')),
  variables: s.withDefault(s.map(variableSchema), {}),
  metadata: s.optional(s.any()),
  // Ours: what the program asks for out of the sandbox's `allow-capabilities`.
  capabilities: s.withDefault(s.list(CAPABILITY), []),
});

export type ContainerKeys = Infer<typeof containerSchema>;
