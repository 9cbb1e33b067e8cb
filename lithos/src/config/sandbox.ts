// The sandbox config: what one application is allowed to do. Trusted: written by the operator of the host.
import { type Infer, s } from '@suite/shared/schema/index.ts';
import { addressSchema } from './addresses.ts';
import { CAPABILITY } from './capabilities.ts';
import { DEFAULTS, LIMITS } from './defaults.ts';
import { idMapSchema, idRangeSchema, plainIdSchema, portRangeSchema } from './ids.ts';
import { logLevelSchema } from './master.ts';
import { bridgedNetworkSchema } from './network.ts';

const { withDefault, nullable } = s;
const pathMap = s.map(s.path('absolute'));

const rollingUpdate = s.struct({
  'max-unavailable': withDefault(
    s.int({ min: 1, max: LIMITS.instancesMax }),
    DEFAULTS.maxUnavailable,
    'Instances of one process that may be away at the same time.',
  ),
  timeout: withDefault(
    s.int({ min: 1, max: LIMITS.timeoutMaxS }),
    DEFAULTS.rollOutTimeoutS,
    'Seconds within which a replaced instance must be ready.',
  ),
  'roll-back': withDefault(s.bool(), true, 'Return to the previous configuration when it is not.'),
});

export const sandboxSchema = s.struct({
  'config-file': withDefault(
    nullable(s.path('any')),
    null,
    'Its process file, relative to `processes-dir`; default `NAME.yaml`.',
  ),
  'image-dir': withDefault(s.path('absolute'), DEFAULTS.imageDir, 'Where its images are.'),
  'image-dir-levels': withDefault(
    s.int({ min: 1, max: LIMITS.imageLevelsMax }),
    1,
    'Components the name of an image has.',
  ),
  'used-images-list': withDefault(
    nullable(s.path('any')),
    null,
    'File with one image name a line, which lithos_clean keeps.',
  ),
  'auto-clean': withDefault(s.bool(), true, 'lithos_clean may delete its images.'),
  'log-file': withDefault(
    nullable(s.path('any')),
    null,
    'Log of the supervisor about it, relative to `default-log-dir`; default `NAME.log`.',
  ),
  'log-level': withDefault(nullable(logLevelSchema), null, 'Default: that of the master file.'),
  'readonly-paths': withDefault(pathMap, {}, 'Virtual path → directory of the host, for `!Readonly`.'),
  'writable-paths': withDefault(
    pathMap,
    {},
    'The same for `!Persistent` and unix sockets, and for `!Readonly` after `readonly-paths`.',
  ),
  'allow-users': withDefault(
    s.list(idRangeSchema),
    [],
    'Users its containers may run as; nobody unless listed.',
  ),
  'allow-groups': withDefault(s.list(idRangeSchema), [], 'Groups its containers may run as.'),
  'default-user': withDefault(nullable(plainIdSchema), null, 'For containers that name none.'),
  'default-group': withDefault(plainIdSchema, 0, 'For containers that name none.'),
  'allow-tcp-ports': withDefault(
    s.list(portRangeSchema),
    [],
    'Ports of the host its containers may listen on.',
  ),
  'additional-hosts': withDefault(s.map(addressSchema), {}, 'Host name → address, for /etc/hosts.'),
  'uid-map': withDefault(idMapSchema, [], 'User namespace: which users inside are which of the host.'),
  'gid-map': withDefault(idMapSchema, [], 'The same for groups.'),
  'resolv-conf': withDefault(s.path('absolute'), DEFAULTS.resolvConf, 'File that containers get a copy of.'),
  'hosts-file': withDefault(s.path('absolute'), DEFAULTS.hostsFile, 'File that containers get a copy of.'),
  'bridged-network': withDefault(
    nullable(bridgedNetworkSchema),
    null,
    'Network namespaces joined to a bridge; null: the network of the host.',
  ),
  'secrets-private-key': withDefault(
    nullable(s.path('absolute')),
    null,
    'OpenSSH file of ed25519 keys that decrypt secrets; root alone may read it.',
  ),
  'secrets-namespaces': withDefault(
    s.list(s.text({ pattern: /^[a-zA-Z0-9_.-]*$/ })),
    [],
    'Namespaces whose secrets it may decrypt; empty: the one without a name.',
  ),
  // Ours from here on.
  'share-namespaces': withDefault(
    s.list(s.choice(['pid'])),
    [],
    "`pid`: containers see the host's processes, and have no init of their own.",
  ),
  'allow-capabilities': withDefault(s.list(CAPABILITY), [], 'Capabilities containers may ask for.'),
  'allow-devices': withDefault(s.list(s.path('absolute')), [], 'Device nodes containers may ask for.'),
  'allow-unconfined-seccomp': withDefault(
    s.bool(),
    false,
    'Containers may do without the filter of system calls.',
  ),
  'allow-new-privileges': withDefault(s.bool(), false, 'Containers may ask that setuid programs work.'),
  'rolling-update': withDefault(
    nullable(rollingUpdate),
    null,
    'How changed instances are replaced; null: all at the same moment.',
  ),
});

export type SandboxKeys = Infer<typeof sandboxSchema>;
