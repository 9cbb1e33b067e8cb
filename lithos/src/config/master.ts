// The master config: where everything of this host lives. Spec: one file, may be empty, every key has a default.
import { type Infer, type Schema, s } from '@suite/shared/schema/index.ts';
import { DEFAULTS } from './defaults.ts';
import { notAvailable } from './unavailable.ts';

const LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const;

export const logLevelSchema = s.choice([...LEVELS]);

/** Allowed in `cgroup-name`: nested groups such as `demo/mars/lithos.slice`, nothing that climbs out. */
const CGROUP_NAME = /^(?!\.\.?(\/|$))[\w.:@-]+(\/(?!\.\.?(\/|$))[\w.:@-]+)*$/;

/** Null (no cgroups at all) is part of the format; without them nothing could be killed for sure. */
const cgroupName = s.either(
  s.text({ pattern: CGROUP_NAME, hint: 'a name such as lithos.slice or a/b.slice, without a leading slash' }),
  s.check(s.nothing(), () => '`cgroup-name: null` is not available yet') as Schema<never>,
);

export const masterSchema = s.struct({
  'sandboxes-dir': s.withDefault(s.path('any'), DEFAULTS.sandboxesDir),
  'processes-dir': s.withDefault(s.path('any'), DEFAULTS.processesDir),
  'runtime-dir': s.withDefault(s.path('absolute'), DEFAULTS.runtimeDir),
  'state-dir': s.withDefault(s.path('any'), DEFAULTS.stateDir),
  'mount-dir': s.withDefault(s.path('any'), DEFAULTS.mountDir),
  'devfs-dir': s.withDefault(s.path('any'), DEFAULTS.devfsDir),
  'cgroup-name': s.withDefault(cgroupName, DEFAULTS.cgroupName),
  'cgroup-controllers': s.optional(notAvailable('cgroup-controllers')),
  'default-log-dir': s.withDefault(s.path('any'), DEFAULTS.defaultLogDir),
  'config-log-dir': s.withDefault(s.nullable(s.path('any')), DEFAULTS.configLogDir),
  'stdio-log-dir': s.withDefault(s.path('any'), DEFAULTS.stdioLogDir),
  'log-file': s.withDefault(s.path('any'), DEFAULTS.logFile),
  'log-level': s.withDefault(logLevelSchema, DEFAULTS.logLevel),
  'syslog-facility': s.optional(notAvailable('syslog-facility')),
  'syslog-app-name': s.withDefault(s.text(), DEFAULTS.syslogAppName),
});

export type MasterKeys = Infer<typeof masterSchema>;

/** Keys that are understood and have no effect, with the reason a person gets as a warning. */
export const MASTER_WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  'devfs-dir': 'the OCI runtime makes /dev itself',
  'mount-dir': 'the OCI runtime needs no mount point of ours',
  'syslog-app-name': '`syslog-facility` is not available yet',
};
