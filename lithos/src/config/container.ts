// The container config: how to run one program of an image. Untrusted: it comes with the image.
import { type Infer, s } from '@suite/shared/schema/index.ts';
import { CAPABILITY } from './capabilities.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';
import { idMapSchema, idSchema } from './ids.ts';
import { livenessSchema, readinessSchema } from './probes.ts';
import { ioLimitsSchema, rlimitsSchema } from './resources.ts';
import { stopSignalSchema } from './signals.ts';
import { tcpPortSchema, unixSocketSchema } from './sockets.ts';
import { variableSchema } from './variables.ts';
import { volumeSchema } from './volumes.ts';

const { withDefault, nullable } = s;
const seconds = s.int({ min: 0, max: LIMITS.timeoutMaxS });
const someSeconds = s.int({ min: 1, max: LIMITS.timeoutMaxS });
const argv = s.list(s.text());

const resolvConf = s.struct({
  mount: withDefault(nullable(s.bool()), null, 'null: if the image has a regular file there.'),
  'copy-from-host': withDefault(s.bool(), true, 'Copy what the sandbox names.'),
});

const hostsFile = s.struct({
  mount: withDefault(nullable(s.bool()), null, 'null: if the image has a regular file there.'),
  'copy-from-host': withDefault(s.bool(), true, 'Copy what the sandbox names.'),
  localhost: withDefault(nullable(s.bool()), null, 'Add a line for localhost; null: if nothing is copied.'),
  'public-hostname': withDefault(
    nullable(s.bool()),
    null,
    'Add a line with name and address of the host; null: if nothing is copied.',
  ),
});

/** `v2:`, hashes of the key, the namespace and the secret (6 bytes each), and the box; all base64. */
const ENCRYPTED = /^v2(:[A-Za-z0-9+/]{8}){3}:[A-Za-z0-9+/]+={0,2}$/;
const encrypted = s.check(s.text(), text =>
  ENCRYPTED.test(text) ? undefined : 'this is no encrypted value: make one with `lithos_crypt encrypt`',
);

/** One value, or several of which the first that can be decrypted counts. */
const secretSchema = s.either(encrypted, s.list(encrypted, { min: 1 }));
/** Also the shape of a `secret-environ-file`. */
export const secretEnvironSchema = s.map(secretSchema);

const ETC_DEFAULTS = { mount: null, copyFromHost: true } as const;

export const containerSchema = s.struct({
  kind: withDefault(
    s.choice(['Daemon', 'Command', 'CommandOrDaemon']),
    'Daemon',
    'Which kinds of process entries may use it.',
  ),
  executable: s.required(s.path('absolute'), 'Program inside the container; there is no PATH.'),
  arguments: withDefault(argv, [], 'Its arguments; variables are expanded.'),
  environ: withDefault(s.map(s.text()), {}, 'Its environment; variables are expanded in values.'),
  'secret-environ': withDefault(
    secretEnvironSchema,
    {},
    'Encrypted values for the environment, by name; of several the first that can be decrypted.',
  ),
  'secret-environ-file': withDefault(
    nullable(s.path('any')),
    null,
    'The same in a YAML file of the image, relative to this one; instead of `secret-environ`.',
  ),
  workdir: withDefault(s.path('absolute'), DEFAULTS.workdir, 'Directory the program starts in.'),
  'user-id': withDefault(nullable(idSchema), null, 'Default: `default-user` of the sandbox.'),
  'group-id': withDefault(nullable(idSchema), null, 'Default: `default-group` of the sandbox.'),
  'memory-limit': withDefault(s.int({ min: 1 }), DEFAULTS.memoryLimitBytes, 'Bytes of memory.'),
  'cpu-shares': withDefault(
    s.int({ min: 2 }),
    DEFAULTS.cpuShares,
    'Weight against others when CPUs are short.',
  ),
  'fileno-limit': withDefault(
    s.int({ min: 1 }),
    DEFAULTS.fileLimit,
    'Open files of a process, soft and hard.',
  ),
  'restart-timeout': withDefault(seconds, DEFAULTS.restartTimeoutS, 'Least seconds between two starts.'),
  'kill-timeout': withDefault(
    seconds,
    DEFAULTS.killTimeoutS,
    'Seconds from the stop signal until everything in the container is killed.',
  ),
  'restart-process-only': withDefault(
    s.bool(),
    false,
    'Restart the program and keep its container. For `kind: Daemon` only.',
  ),
  interactive: withDefault(
    s.bool(),
    false,
    'stdout and stderr of the tree (or terminal of lithos_cmd), no log.',
  ),
  'stdout-stderr-file': withDefault(
    nullable(s.path('absolute')),
    null,
    'File inside the container that gets stdout and stderr instead of the log.',
  ),
  'normal-exit-codes': withDefault(
    s.list(s.int({ min: 0, max: 255 })),
    [],
    'Codes that are no failure. Empty: none for a Daemon, else 0.',
  ),
  volumes: withDefault(
    s.map(volumeSchema, { max: LIMITS.volumesMax }),
    {},
    'What is mounted where, by mount point.',
  ),
  'tcp-ports': withDefault(
    s.map(tcpPortSchema, { max: LIMITS.socketsMax }),
    {},
    'Listening sockets to get, by port; variables are expanded.',
  ),
  'resolv-conf': withDefault(resolvConf, ETC_DEFAULTS, 'What becomes of /etc/resolv.conf.'),
  'hosts-file': withDefault(
    hostsFile,
    { ...ETC_DEFAULTS, localhost: null, publicHostname: null },
    'What becomes of /etc/hosts.',
  ),
  'uid-map': withDefault(idMapSchema, [], 'User namespace: which users inside are which of the host.'),
  'gid-map': withDefault(idMapSchema, [], 'The same for groups.'),
  variables: withDefault(
    s.map(variableSchema, { max: LIMITS.variablesMax }),
    {},
    'Which variables the process entry must give, by type.',
  ),
  metadata: s.optional(s.any(), 'Anything; not looked at.'),
  // Ours from here on.
  capabilities: withDefault(s.list(CAPABILITY), [], 'A part of `allow-capabilities` of the sandbox.'),
  'additional-groups': withDefault(
    s.list(idSchema, { max: LIMITS.groupsMax }),
    [],
    'Supplementary groups, out of `allow-groups`.',
  ),
  'swap-limit': withDefault(s.int({ min: 0 }), 0, 'Bytes of swap on top of `memory-limit`.'),
  'cpu-quota': withDefault(
    nullable(s.int({ min: 1, max: LIMITS.cpuQuotaMax })),
    null,
    'Percent of one CPU it may use at most; 200 are two CPUs.',
  ),
  'pids-limit': withDefault(
    s.int({ min: 1, max: LIMITS.pidsMax }),
    DEFAULTS.pidsLimit,
    'Processes and threads at the same time.',
  ),
  'io-weight': withDefault(
    nullable(s.int({ min: 10, max: 1000 })),
    null,
    'Weight against others when a disk is busy, 10 to 1000.',
  ),
  'io-limits': withDefault(
    s.map(ioLimitsSchema, { max: LIMITS.volumesMax }),
    {},
    'What it may read and write each second, by device.',
  ),
  rlimits: withDefault(rlimitsSchema, {}, 'Further limits of setrlimit(2), soft and hard: `core: 0`.'),
  seccomp: withDefault(
    s.choice(['default', 'unconfined']),
    'default',
    'Filter of system calls; `unconfined` needs `allow-unconfined-seccomp`.',
  ),
  'new-privileges': withDefault(
    s.bool(),
    false,
    'setuid programs work; needs `allow-new-privileges` of the sandbox.',
  ),
  devices: withDefault(
    s.list(s.path('absolute'), { max: LIMITS.volumesMax }),
    [],
    'Device nodes of the host, out of `allow-devices`.',
  ),
  'restart-backoff-max': withDefault(
    seconds,
    DEFAULTS.backoffMaxS,
    'Ceiling of the delay that doubles with each failure in a row, in seconds.',
  ),
  'healthy-after': withDefault(
    seconds,
    DEFAULTS.healthyAfterS,
    'Seconds after which a run is no failed start.',
  ),
  'max-failures': withDefault(
    s.int({ min: 0, max: LIMITS.failuresMax }),
    0,
    'Failures in a row until it is given up (`failed`); 0: never.',
  ),
  'start-timeout': withDefault(someSeconds, DEFAULTS.startTimeoutS, 'Seconds until it must be ready.'),
  'stop-signal': withDefault(stopSignalSchema, 'TERM', 'What it is asked to stop with.'),
  'pre-stop': withDefault(
    argv,
    [],
    'Command line run inside before the stop signal; variables are expanded.',
  ),
  after: withDefault(
    s.list(s.text(), { max: LIMITS.afterMax }),
    [],
    'Process names of this sandbox that must be ready before its first start.',
  ),
  readiness: withDefault(
    nullable(readinessSchema),
    null,
    'How one sees that it is ready; null: when it runs.',
  ),
  liveness: withDefault(nullable(livenessSchema), null, 'How one sees that it must be restarted.'),
  watchdog: withDefault(
    nullable(someSeconds),
    null,
    'Seconds within which it must say WATCHDOG=1, again and again.',
  ),
  'unix-sockets': withDefault(
    s.map(unixSocketSchema, { max: LIMITS.socketsMax }),
    {},
    'Listening sockets to get, by virtual path within `writable-paths`.',
  ),
});

export type ContainerKeys = Infer<typeof containerSchema>;
